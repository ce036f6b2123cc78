"""From an HDF5 file to a bundle: load, probe, compile, compare, write. Data flows top to bottom."""

import hashlib
import json
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from compiler.conversion import OPSET, ConversionError, to_onnx
from compiler.probes import (
    Probe,
    beyond_tables,
    in_batches,
    probe,
    self_tolerance,
    sizes_for,
)
from compiler.sample import check_expected, read_sample
from serving.bundle import sha256_of
from serving.documents import Matrix
from serving.documents.convert import write_xml
from serving.engines import Engine
from serving.engines.onnx import OnnxEngine
from serving.errors import ModelRefusedError, brief
from serving.hdf5.loading import Loaded, load
from serving.model import difference, open_model
from serving.passport import (
    COMPILED,
    NAME,
    PASSPORT,
    SAMPLE,
    SOURCE,
    VERSION,
    Agreement,
    Comparison,
    Compiled,
    Golden,
    Passport,
    Source,
    Tensor,
)
from serving.signature import Float64Array


@dataclass(frozen=True, slots=True)
class Order:
    """What to build.

    Attributes:
        source: the Keras HDF5 file.
        bundle: the folder to write; replaced as a whole, or not touched.
        sample: a document of real matrices to compare on; an npz may hold the answers that are
            expected, as an array "expected".
        notes: anything to keep in the passport.
    """

    source: Path
    bundle: Path
    name: str
    version: str | None = None
    sample: Path | None = None
    trust_code: bool = False
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Which engine serves, and how that was found."""

    compiled: tuple[bytes, str] | None
    comparisons: list[Comparison]
    fallback_reason: str | None


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
    _check_target(order.bundle)
    loaded = load(order.source, trust_code=order.trust_code)
    sample, expected = read_sample(order.sample, loaded)
    probes = probe(loaded, sample)
    away = None if expected is None else check_expected(probes[-1], expected)
    verdict = _compile(loaded, probes)
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


def _compile(loaded: Loaded, probes: list[Probe]) -> _Verdict:
    try:
        compiled, converter = to_onnx(loaded)
    except ConversionError as cause:
        return _Verdict(None, [], str(cause))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, COMPILED)
        path.write_bytes(compiled)
        try:
            engine = OnnxEngine(path)
            comparisons = [_compare(engine, p, sizes_for(p, probes)) for p in probes]
        except ModelRefusedError as cause:
            reason = str(cause).replace(str(path), COMPILED)
            return _Verdict(None, [], f"does not run (float64 convolutions do not): {reason}")
        except Exception as cause:  # ONNX Runtime has no common base for its errors
            return _Verdict(None, [], f"does not run on ONNX Runtime: {brief(cause)}")
    for c in comparisons:
        if c.difference is None or c.difference > c.tolerance:
            away = "in shape" if c.difference is None else f"by {c.difference:.3g}"
            reason = f"differs from TensorFlow {away} ({c.inputs}; tolerated: {c.tolerance:g})"
            return _Verdict(None, comparisons, reason)
    beyond = _differs_beyond_tables(loaded, engine, probes[0])
    if beyond is not None:
        return _Verdict(None, comparisons, beyond)
    return _Verdict((compiled, converter), comparisons, None)


def _differs_beyond_tables(loaded: Loaded, engine: Engine, golden: Probe) -> str | None:
    """Where TensorFlow refuses a row that no table has, the engine must refuse it too."""
    for label, batch, wanted in beyond_tables(loaded, golden):
        try:
            given = engine.run(batch)
        except Exception:  # ONNX Runtime has no common base for its errors
            given = None
        if wanted is None and given is None:
            continue
        if wanted is None or given is None or difference(given, wanted) > golden.tolerance:
            return f"differs from TensorFlow on {label}, which no table has"
    return None


def _compare(engine: Engine, probe: Probe, sizes: Float64Array) -> Comparison:
    gap = difference(in_batches(engine.run, probe.batch), probe.answer, sizes)
    return Comparison(
        inputs=probe.label,
        matrices=len(probe.batch),
        difference=gap if np.isfinite(gap) else None,
        tolerance=probe.tolerance,
    )


def _passport(
    order: Order, loaded: Loaded, probes: list[Probe], verdict: _Verdict, away: float | None
) -> Passport:
    sha256 = sha256_of(order.source)
    return Passport(
        name=order.name,
        version=order.version or sha256[:12],
        engine="tensorflow" if verdict.compiled is None else "onnx",
        fallback_reason=verdict.fallback_reason,
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
        compiled=_compiled(verdict),
        agreement=Agreement(expected_difference=away, comparisons=verdict.comparisons),
        notes=order.notes,
        golden=Golden(
            # Rounded again: 0.179 in float32 is 0.17900000512 in float64, and the same once back.
            input=np.round(probes[0].batch[0].astype(np.float64), 3).tolist(),
            output=probes[0].answer[0].astype(np.float64).tolist(),
            sizes=sizes_for(probes[0], probes).tolist(),
            tolerance=self_tolerance(loaded),
        ),
    )


def _compiled(verdict: _Verdict) -> Compiled | None:
    if verdict.compiled is None:
        return None
    content, converter = verdict.compiled
    return Compiled(
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        opset=OPSET,
        converter=converter,
    )


def _write(order: Order, passport: Passport, verdict: _Verdict) -> None:
    """Write beside the bundle, prove it by a cold start, then swap: a bundle is whole or absent."""
    order.bundle.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=order.bundle.parent, prefix=".bundle-") as folder:
        fresh = Path(folder, "bundle")
        fresh.mkdir()
        shutil.copyfile(order.source, fresh / SOURCE)
        if verdict.compiled is not None:
            (fresh / COMPILED).write_bytes(verdict.compiled[0])
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
