"""Which engine serves a network, proven on the probes; and how many matrices it takes at once."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep

import numpy as np

from compiler.conversion import OPSET, ConversionError, to_onnx
from compiler.emission import NotEmittedError, emit
from compiler.probes import Batch, Probe, beyond_tables, in_batches, sizes_for
from serving import __version__
from serving.engines import Engine
from serving.engines.onnx import OnnxEngine
from serving.errors import ModelRefusedError, brief
from serving.hdf5.loading import Loaded
from serving.model import difference
from serving.passport import COMPILED, SOURCE, Comparison, Compiled
from serving.settings import BATCH_SIZE
from serving.signature import Float64Array

# From here on the weights stay in model.h5, where they are mapped: a copy inside of the ONNX file,
# repacked for speed, takes their size twice. Measured: docs/decisions/0007.
_MAPPED_FROM_BYTES = 500_000_000
_BATCH_SIZES = (4, 8, 16, BATCH_SIZE)
_ROUNDS, _MOST_SECONDS = 5, 20.0
_PAUSE_S = 0.002  # in service a batch is read before each run, and the engine's threads fall asleep
_GAIN = 0.98  # a larger batch takes more memory: it must be worth it


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which engine serves, and how that was found.

    Attributes:
        compiled: None where TensorFlow serves.
        content: the ONNX file.
        batch_size: how many matrices the engine takes at once.
    """

    comparisons: list[Comparison]
    fallback_reason: str | None = None
    compiled: Compiled | None = None
    content: bytes = b""
    batch_size: int = BATCH_SIZE


@dataclass(frozen=True, slots=True)
class _Candidate:
    content: bytes
    converter: str
    mapped: bool = False


def compile_(loaded: Loaded, probes: list[Probe], tolerance: float) -> Verdict:
    """The first ONNX graph that agrees with TensorFlow: our own, else the converter's, else none.

    What the verdict says of the fallback is what the last one lacked.
    """
    verdict = Verdict([])
    try:
        for candidate in _candidates(loaded):
            verdict = _judge(loaded, probes, candidate, tolerance)
            if verdict.compiled is not None:
                break
    except ConversionError as cause:
        return Verdict(verdict.comparisons, str(cause))
    return verdict


def _candidates(loaded: Loaded) -> Iterator[_Candidate]:
    """Each is made only when the one before did not do."""
    mapped = loaded.inspection.path.stat().st_size >= _MAPPED_FROM_BYTES
    try:
        content = emit(loaded.inspection, mapped=mapped).SerializeToString()
        yield _Candidate(content, f"verger {__version__}", mapped)
    except NotEmittedError:
        pass
    yield _Candidate(*to_onnx(loaded))


def _judge(loaded: Loaded, probes: list[Probe], candidate: _Candidate, tolerance: float) -> Verdict:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, COMPILED)
        path.write_bytes(candidate.content)
        if candidate.mapped:
            _put_beside(loaded.inspection.path, path.with_name(SOURCE))
        try:
            engine = OnnxEngine(path, mapped=candidate.mapped)
            comparisons = [_compare(engine, p, sizes_for(p, probes), tolerance) for p in probes]
        except ModelRefusedError as cause:
            reason = str(cause).replace(str(path), COMPILED)
            return Verdict([], f"does not run (float64 convolutions do not): {reason}")
        except Exception as cause:  # ONNX Runtime has no common base for its errors
            return Verdict([], f"does not run on ONNX Runtime: {brief(cause)}")
        fault = _disagreement(comparisons) or _differs_beyond_tables(
            loaded, engine, probes[0], tolerance
        )
        if fault is not None:
            return Verdict(comparisons, fault)
        compiled = Compiled(
            sha256=hashlib.sha256(candidate.content).hexdigest(),
            size_bytes=len(candidate.content),
            opset=OPSET,
            converter=candidate.converter,
            mapped=candidate.mapped,
        )
        size = best_batch_size(engine.run, probes[0].batch[0])
        return Verdict(comparisons, None, compiled, candidate.content, size)


def _put_beside(source: Path, target: Path) -> None:
    """Without a copy where the file system can; ONNX Runtime follows no symbolic link."""
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)


def _compare(engine: Engine, probe: Probe, sizes: Float64Array, tolerance: float) -> Comparison:
    gap = difference(in_batches(engine.run, probe.batch), probe.answer, sizes)
    return Comparison(
        inputs=probe.label,
        matrices=len(probe.batch),
        difference=gap if np.isfinite(gap) else None,
        tolerance=probe.tolerance(tolerance),
    )


def _disagreement(comparisons: list[Comparison]) -> str | None:
    for c in comparisons:
        if c.difference is None or c.difference > c.tolerance:
            away = "in shape" if c.difference is None else f"by {c.difference:.3g}"
            return f"differs from TensorFlow {away} ({c.inputs}; tolerated: {c.tolerance:g})"
    return None


def _differs_beyond_tables(
    loaded: Loaded, engine: Engine, golden: Probe, tolerance: float
) -> str | None:
    """Where TensorFlow refuses a row that no table has, the engine must refuse it too."""
    for label, batch, wanted in beyond_tables(loaded, golden):
        try:
            given = engine.run(batch)
        except Exception:  # ONNX Runtime has no common base for its errors
            given = None
        if wanted is None and given is None:
            continue
        if wanted is None or given is None or difference(given, wanted) > tolerance:
            return f"differs from TensorFlow on {label}, which no table has"
    return None


def best_batch_size(run: Callable[[Batch], Batch], matrix: Batch) -> int:
    """The smallest batch in which 32 matrices are computed about as fast as in any.

    Convolutions want few at once, which takes a fraction of the memory; dense layers want many.
    """
    matrices = np.repeat(matrix[np.newaxis], BATCH_SIZE, axis=0)
    sizes: tuple[int, ...] = _BATCH_SIZES
    seconds: dict[int, float] = {}
    end = perf_counter() + _MOST_SECONDS
    for number in range(_ROUNDS + 1):
        for size in sizes:
            try:
                taken = _seconds(run, matrices, size)
            except Exception:  # of the engine, which has no common base: too large for this machine
                sizes = tuple(smaller for smaller in sizes if smaller < size)
                break
            # The first round allocates: it counts where there is no time for another.
            seconds[size] = taken if number < 2 else min(seconds[size], taken)
            if perf_counter() > end:
                return _smallest_that_is_fast(seconds)
    return _smallest_that_is_fast(seconds)


def _seconds(run: Callable[[Batch], Batch], matrices: Batch, size: int) -> float:
    taken = 0.0
    for at in range(0, len(matrices), size):
        sleep(_PAUSE_S)
        start = perf_counter()
        run(matrices[at : at + size])
        taken += perf_counter() - start
    return taken


def _smallest_that_is_fast(seconds: dict[int, float]) -> int:
    best = min(seconds.values(), default=0.0)
    fast = [size for size, taken in seconds.items() if best >= _GAIN * taken]
    return min(fast, default=_BATCH_SIZES[0])
