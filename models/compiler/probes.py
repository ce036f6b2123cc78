"""The matrices on which the engines are compared, and whether the model is a function at all.

A function: the same matrix gives the same answer, whatever stands beside it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.errors import ModelRefusedError, brief
from serving.hdf5.inspection import walk
from serving.hdf5.loading import Loaded
from serving.model import difference, sizes_of
from serving.settings import BATCH_SIZE
from serving.signature import Float64Array, describe

Batch = NDArray[Any]
Maker = Callable[[np.random.Generator, tuple[int, ...]], Batch]

TOLERANCE = 1e-5
_SCALES = (0.01, 1.0, 100.0)
# Of a model against itself: kernels round differently for other batch sizes.
_SELF_TOLERANCE, _SELF_TOLERANCE_16_BITS = 1e-4, 2e-2
_BATCH_SIZES = (1, 7)
# What stands in for an open dimension, the first that the model takes.
_LENGTHS = (64, 500, 128, 5000, 224, 60, 16, 8)
_TABLES = ("input_dim", "num_tokens", "max_tokens")
_SEED = 20_261_121


@dataclass(frozen=True, slots=True)
class Probe:
    """A batch, the scale of its values (None: a sample), and what TensorFlow answers to it."""

    label: str
    scale: float | None
    batch: Batch
    answer: Batch

    def tolerance(self, usual: float) -> float:
        """How far another engine may be: more than usual where the values are large.

        Rounding in float32 grows with the values: sums near 1,000 are exact to 6e-5, for any
        engine.
        """
        return usual if self.scale is None or self.scale <= 1 else 10 * usual


def sizes_for(probe: Probe, probes: Sequence[Probe]) -> Float64Array:
    """The largest |answer| for each component, over the random probes of this scale and below.

    Large values can drive an output into saturation, where an engine is exact to 1e-8 and not to
    seven digits: there its usual size is what counts. A sample is its own measure, and nobody
    else's: its values may be of any size.
    """
    alike = [probe] if probe.scale is None else _up_to(probe.scale, probes)
    return np.asarray(np.max([sizes_of(p.answer) for p in alike], axis=0))


def _up_to(scale: float, probes: Sequence[Probe]) -> list[Probe]:
    return [p for p in probes if p.scale is not None and p.scale <= scale]


def probe(loaded: Loaded, sample: Batch | None, tolerance: float) -> list[Probe]:
    """Random batches at several scales, and the sample, with TensorFlow's answers.

    The first probe holds one matrix of scale 1, rounded to three decimals: the golden input. The
    sample is the last one, and is never kept: it may be somebody's measurements.

    Raises:
        ModelRefusedError: TensorFlow cannot run the model, it gives no finite numbers, or its
            answer to a matrix depends on anything but the matrix.
    """
    golden, make = _golden(loaded, sample)
    probes = [golden]
    rng = np.random.default_rng(_SEED)
    spread = _spread(sample)
    for scale in (share * spread for share in _SCALES):
        for size in _BATCH_SIZES:
            batch = make(rng, (size, *golden.batch.shape[1:])) * scale
            label = f"random, scale {scale:.3g}, {size} at once"
            probes += _answered(loaded, label, scale, batch.astype(loaded.input.dtype))
    if sample is not None:
        probes.append(_sampled(loaded, sample))
    for p in probes:
        if len(p.batch) > 1:
            _check_is_function(loaded, p, sizes_for(p, probes), tolerance)
    return probes


def in_batches(run: Callable[[Batch], Batch], batch: Batch) -> Batch:
    """Run a batch of any size in the batches that a service would."""
    parts = [run(batch[i : i + BATCH_SIZE]) for i in range(0, len(batch), BATCH_SIZE)]
    return np.concatenate(parts)


def _run(loaded: Loaded, batch: Batch) -> Batch:
    answer: Batch = loaded.function(batch).numpy()
    return answer


def _spread(sample: Batch | None) -> float:
    """What a scale of 1 is: pixels around ±100 say nothing of a network at 0.01.

    1 where nobody gave a sample, or its values are row numbers.
    """
    if sample is None or sample.dtype.kind in "iu":
        return 1.0
    spread = float(np.std(sample, dtype=np.float64))
    return spread if spread > 0 and np.isfinite(spread) else 1.0


def _is_finite(answer: Batch) -> bool:
    """Compared as float64: NumPy knows no isfinite of bfloat16."""
    return bool(np.isfinite(np.asarray(answer, dtype=np.float64)).all())


def _sampled(loaded: Loaded, sample: Batch) -> Probe:
    try:
        answer = in_batches(lambda batch: _run(loaded, batch), sample)
    except Exception as cause:  # TensorFlow raises whatever its kernels raise
        raise ModelRefusedError(f"cannot compute the sample: {brief(cause)}") from cause
    if not _is_finite(answer):
        raise ModelRefusedError("gives no finite numbers for the sample")
    return Probe(f"sample of {len(sample)}", None, sample, answer)


def _answered(loaded: Loaded, label: str, scale: float, batch: Batch) -> list[Probe]:
    """The probe, or none where TensorFlow itself has no finite answer."""
    try:
        answer = _run(loaded, batch)
    except Exception:  # TensorFlow raises whatever its kernels raise
        return []
    return [Probe(label, scale, batch, answer)] if _is_finite(answer) else []


def _golden(loaded: Loaded, sample: Batch | None) -> tuple[Probe, Maker]:
    """The first shape and the first kind of values that the model has an answer to."""
    fault = ""
    for make in _makers(loaded):
        for shape in _shapes(loaded, sample):
            values = np.round(make(np.random.default_rng(_SEED), (1, *shape)), 3)
            batch = values.astype(loaded.input.dtype)
            try:
                answer = _run(loaded, batch)
            except Exception as cause:  # TensorFlow raises whatever its kernels raise
                fault = (
                    fault or f"TensorFlow cannot run it on shape {describe(shape)}: {brief(cause)}"
                )
                continue
            if _is_finite(answer):
                return Probe("golden, scale 1", 1.0, batch, answer), make
            fault = fault or "it gives no finite numbers for random values of scale 1"
    raise ModelRefusedError(f"loads, but {fault[:400]}")


def table_sizes(loaded: Loaded) -> list[int]:
    """How many rows the tables have in which the model looks values up."""
    return [
        rows
        for _, found in walk(loaded.inspection.config)
        for key in _TABLES
        if isinstance(config := found.get("config"), dict)
        and isinstance(rows := config.get(key), int)
        and rows > 0
    ]


def beyond_tables(loaded: Loaded, golden: Probe) -> Iterator[tuple[str, Batch, Batch | None]]:
    """Batches with rows that no table has, and TensorFlow's answer to each; None: it refuses."""
    for rows in sorted(set(table_sizes(loaded))):
        for row in (-1, -rows, -rows - 1, rows, rows + 1):
            everywhere = np.full_like(golden.batch, row)
            once = golden.batch.copy()
            once.flat[0] = row
            for batch in (everywhere, once):
                try:
                    yield f"row {row}", batch, _run(loaded, batch)
                except Exception:  # TensorFlow raises whatever its kernels raise
                    yield f"row {row}", batch, None


def _makers(loaded: Loaded) -> Iterator[Maker]:
    """Row numbers where the model looks values up in a table, else normal, else positive values."""
    tables = table_sizes(loaded)
    if tables or np.dtype(loaded.input.dtype).kind in "iu":
        yield lambda rng, shape: rng.integers(0, min(tables, default=100), shape).astype(float)
        return
    yield lambda rng, shape: rng.standard_normal(shape)
    yield lambda rng, shape: rng.uniform(0.1, 1.0, shape)


def _shapes(loaded: Loaded, sample: Batch | None) -> Iterator[tuple[int, ...]]:
    if sample is not None:
        yield sample.shape[1:]
    for length in _LENGTHS if None in loaded.input.shape else _LENGTHS[:1]:
        yield tuple(length if d is None else d for d in loaded.input.shape)


def _check_is_function(loaded: Loaded, probe: Probe, sizes: Float64Array, tolerance: float) -> None:
    """Dropout left on, state kept, or matrices mixed: each shows as a different answer."""
    tolerance = max(tolerance, self_tolerance(loaded))
    some = probe.batch[:BATCH_SIZE]
    answer = _run(loaded, some)
    if len(answer) != len(some):
        raise ModelRefusedError(f"gives {len(answer)} answers for {len(some)} matrices")
    if difference(answer, probe.answer[: len(some)], sizes) > tolerance:
        raise ModelRefusedError("gives different answers to the same matrices: not a function")
    alone = np.concatenate([_run(loaded, row[np.newaxis]) for row in some])
    if difference(alone, answer, sizes) > tolerance:
        raise ModelRefusedError("its answer to a matrix depends on the matrices beside it")


def self_tolerance(loaded: Loaded) -> float:
    """How far a model may be from itself: wider where a part of it computes in 16 bits."""
    config = str(loaded.inspection.config)
    return _SELF_TOLERANCE_16_BITS if "float16" in config else _SELF_TOLERANCE
