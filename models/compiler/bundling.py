"""From an HDF5 file to a bundle: load, probe, compile, compare, write. Data flows top to bottom."""

import json
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from compiler.compiling import Verdict, compile_
from compiler.probes import (
    TOLERANCE,
    Probe,
    probe,
    self_tolerance,
    sizes_for,
)
from compiler.sample import check_expected, read_sample
from serving.bundle import sha256_of
from serving.documents import Matrix
from serving.documents.convert import write_xml
from serving.errors import ModelRefusedError
from serving.hdf5.loading import Loaded, load
from serving.model import open_model
from serving.passport import (
    COMPILED,
    NAME,
    PASSPORT,
    SAMPLE,
    SOURCE,
    VERSION,
    Agreement,
    Golden,
    Passport,
    Source,
    Tensor,
)

_MOST_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True)
class Order:
    """What to build.

    Attributes:
        source: the Keras HDF5 file.
        bundle: the folder to write; replaced as a whole, or not touched.
        sample: a document of real matrices to compare on; an npz may hold the answers that are
            expected, as an array "expected".
        tolerance: how far the ONNX engine may be from TensorFlow, relative to the size of what the
            model answers; deep networks round more than others.
        notes: anything to keep in the passport.
    """

    source: Path
    bundle: Path
    name: str
    version: str | None = None
    sample: Path | None = None
    trust_code: bool = False
    tolerance: float = TOLERANCE
    notes: dict[str, Any] = field(default_factory=dict)


def build(order: Order) -> Passport:
    """Build a bundle.

    Raises:
        ModelRefusedError: the file cannot be served faithfully; nothing is written.
    """
    if not re.fullmatch(NAME, order.name):
        raise ModelRefusedError(
            f'the name "{order.name}" is not one (lower-case letters, digits, ".", "_", "-"): '
            "choose another with NAME="
        )
    if order.version is not None and not re.fullmatch(VERSION, order.version):
        raise ModelRefusedError(
            f'the version "{order.version}" is not one: letters, digits, ".", "_", "-", at most 64'
        )
    if not 0 < order.tolerance <= _MOST_TOLERANCE:
        raise ModelRefusedError(
            f"the tolerance is {order.tolerance:g}: expected more than 0, at most {_MOST_TOLERANCE}"
        )
    _check_target(order.bundle)
    loaded = load(order.source, trust_code=order.trust_code)
    sample, expected = read_sample(order.sample, loaded)
    probes = probe(loaded, sample, order.tolerance)
    away = None if expected is None else check_expected(probes[-1], expected)
    verdict = compile_(loaded, probes, order.tolerance)
    passport = _passport(order, loaded, probes, verdict, away)
    _write(order, passport, verdict)
    return passport


def _check_target(bundle: Path) -> None:
    """Before the work, not after it."""
    if bundle.exists() and not (bundle / PASSPORT).exists():
        raise ModelRefusedError(f"{bundle} exists and is not a bundle: not overwritten")
    there = next(folder for folder in bundle.absolute().parents if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as cause:
        raise ModelRefusedError(f"cannot write to {bundle.parent}: {cause.strerror}") from cause


def _passport(
    order: Order, loaded: Loaded, probes: list[Probe], verdict: Verdict, away: float | None
) -> Passport:
    sha256 = sha256_of(order.source)
    return Passport(
        name=order.name,
        version=order.version or sha256[:12],
        engine="tensorflow" if verdict.compiled is None else "onnx",
        fallback_reason=verdict.fallback_reason,
        batch_size=verdict.batch_size,
        input=Tensor(shape=loaded.input.shape, dtype=loaded.input.dtype),
        output=Tensor(shape=loaded.output.shape, dtype=loaded.output.dtype),
        source=Source(
            sha256=sha256,
            size_bytes=order.source.stat().st_size,
            keras_version=loaded.inspection.keras_version,
            loader=loaded.inspection.loader,
            loader_version=loaded.loader_version,
            trusted_code=order.trust_code,
            freed_batch_size=loaded.inspection.freed_batch_size,
        ),
        compiled=verdict.compiled,
        agreement=Agreement(expected_difference=away, comparisons=verdict.comparisons),
        notes=order.notes,
        golden=Golden(
            # Rounded again: 0.179 in float32 is 0.17900000512 in float64, and the same once back.
            input=np.round(probes[0].batch[0].astype(np.float64), 3).tolist(),
            output=probes[0].answer[0].astype(np.float64).tolist(),
            sizes=sizes_for(probes[0], probes).tolist(),
            tolerance=max(self_tolerance(loaded), order.tolerance),
        ),
    )


def _write(order: Order, passport: Passport, verdict: Verdict) -> None:
    """Write beside the bundle, prove it by a cold start, then swap: a bundle is whole or absent."""
    order.bundle.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=order.bundle.parent, prefix=".bundle-") as folder:
        fresh = Path(folder, "bundle")
        fresh.mkdir()
        shutil.copyfile(order.source, fresh / SOURCE)
        if verdict.compiled is not None:
            (fresh / COMPILED).write_bytes(verdict.content)
        (fresh / PASSPORT).write_text(to_text(passport), encoding="utf-8")
        with (fresh / SAMPLE).open("w", encoding="utf-8") as file:
            golden = np.asarray(passport.golden.input, dtype=np.float64)
            write_xml(file, [Matrix("golden", golden)])
        # For Lambda's user, whatever the umask here.
        fresh.chmod(0o755)
        for path in fresh.iterdir():
            path.chmod(0o644)
        open_model(fresh)
        if order.bundle.exists():
            order.bundle.rename(Path(folder, "old"))
        fresh.rename(order.bundle)


def to_text(passport: Passport) -> str:
    """The passport as JSON, indented, but with one line for each golden array."""
    content = passport.model_dump(mode="json")
    golden = content.pop("golden")
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    pair = json.dumps(golden, allow_nan=False, separators=(",", ":"))
    return f'{text[:-2]},\n  "golden": {pair}\n}}\n'
