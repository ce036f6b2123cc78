"""A model that is ready: a bundle, its engine, and the step from matrices to predictions."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.documents.matrix import Matrix
from serving.engines import Engine, open_engine
from serving.errors import InvalidInputError, ModelRefusedError, ServingError
from serving.passport import COMPILED, SOURCE, Passport, read_passport
from serving.signature import Float64Array, TensorSpec, describe

_MOST_VALUES = 4_000_000  # of a batch: 32 MB of float64


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of one matrix: float64, finite, in the model's output shape."""

    id: str
    output: Float64Array


@dataclass(frozen=True, slots=True)
class Batch:
    """Matrices of one shape, and their values as the engine takes them: (n, …shape)."""

    matrices: list[Matrix]
    values: NDArray[Any]


class Model:
    """Predicts; knows its passport.

    Attributes:
        passport: what the model is.
        spec: shape and type of one matrix.
        start_ms: what loading cost, by part, in milliseconds.
    """

    def __init__(self, passport: Passport, engine: Engine, start_ms: dict[str, float]) -> None:
        self.passport = passport
        self.spec: TensorSpec = passport.input.spec
        self.start_ms = start_ms
        self._engine = engine

    def predict(self, matrices: Sequence[Matrix]) -> list[Prediction]:
        """Predictions for one batch, in order.

        Args:
            matrices: each in a shape that `spec` accepts; open dimensions may differ between them.

        Raises:
            InvalidInputError: the model cannot compute a matrix, or gives no finite number for
                it; names the matrix.
        """
        batches = self.batches(matrices)
        return [p for batch in batches for p in self.predictions(batch, self.compute(batch))]

    def batches(self, matrices: Sequence[Matrix]) -> list[Batch]:
        """The matrices in the model's type, those of one shape that follow each other together.

        Raises:
            InvalidInputError: a value is not one of that type; names the matrix.
        """
        alike = groupby(matrices, key=lambda matrix: matrix.values.shape)
        groups = [list(group) for _, group in alike]
        return [Batch(group, stack(group, self.spec.dtype)) for group in groups]

    def predictions(self, batch: Batch, outputs: NDArray[Any]) -> list[Prediction]:
        """What the outputs say of each matrix.

        Raises:
            InvalidInputError: an output is not finite; names the matrix.
        """
        outputs = outputs.astype(np.float64)
        finite = np.isfinite(outputs)
        if not finite.all():
            matrix = batch.matrices[int(np.argmin(finite)) // outputs[0].size]
            raise InvalidInputError(
                "the model gives no finite number for these values",
                matrix=matrix.id,
                line=matrix.line,
            )
        return [Prediction(m.id, o) for m, o in zip(batch.matrices, outputs, strict=True)]

    def compute(self, batch: Batch) -> NDArray[Any]:
        """The engine's outputs; holds no lock of Python's meanwhile.

        Raises:
            InvalidInputError: the engine fails on a matrix; names it.
        """
        try:
            return self._engine.run(batch.values)
        except MemoryError:
            raise
        except Exception as cause:  # engines have no common one: who fails alone is at fault
            for row, matrix in enumerate(batch.matrices):
                alone = batch.values[row : row + 1]
                try:
                    self._engine.run(alone)
                except Exception as fault:
                    raise InvalidInputError(
                        f"the model cannot compute values of shape {describe(alone.shape[1:])}",
                        matrix=matrix.id,
                        line=matrix.line,
                    ) from fault
            raise ServingError("the engine failed on a batch of matrices that each pass") from cause


def stack(matrices: Sequence[Matrix], dtype: str) -> NDArray[Any]:
    """A batch of matrices of one shape in the type that the model computes in.

    Raises:
        InvalidInputError: a value is beyond the type's range, or is not whole where it must be;
            names the first such matrix.
    """
    values = [matrix.values for matrix in matrices]
    with np.errstate(over="ignore", invalid="ignore"):
        batch = np.stack(values, dtype=dtype, casting="unsafe")
    # Rounding to float32 is what Keras does; overflow or a lost fraction is not rounding.
    if np.issubdtype(batch.dtype, np.floating):
        kept = np.isfinite(batch)
    else:
        kept = batch.astype(np.float64) == np.stack(values)
    if not kept.all():
        row, position = divmod(int(np.argmin(kept)), values[0].size)
        value = values[row].flat[position]
        raise InvalidInputError(
            f"value {position} ({value:.6g}) does not fit {dtype}, the type of the model's input",
            matrix=matrices[row].id,
            line=matrices[row].line,
        )
    return batch


def predict_all(matrices: Iterable[Matrix], model: Model, batch_size: int) -> Iterator[Prediction]:
    """Predict a stream in batches of `batch_size`, holding one batch at a time.

    Nothing is read while the engine computes: it has all cores. For a long stream there is
    `serving.streaming`.
    """
    for batch in in_batches(matrices, batch_size):
        yield from model.predict(batch)


def in_batches(matrices: Iterable[Matrix], size: int) -> Iterator[list[Matrix]]:
    """Batches of `size` matrices; fewer where they are so large that the memory would not do."""
    batch: list[Matrix] = []
    values = 0
    for matrix in matrices:
        batch.append(matrix)
        values += matrix.values.size
        if len(batch) == size or values >= _MOST_VALUES:
            yield batch
            batch, values = [], 0
    if batch:
        yield batch


def open_model(bundle: Path, *, threads: int | None = None) -> Model:
    """Load a bundle and run its golden pair: warm-up and integrity check in one.

    Args:
        threads: that compute one batch; None for one on each core.

    Raises:
        ModelRefusedError: the bundle is not whole, or its engine does not give the golden output.
        ConfigurationError: the engine is not installed here.
    """
    start = perf_counter()
    passport = read_passport(bundle)
    _check_sizes(bundle, passport)
    read = perf_counter()
    engine = open_engine(bundle, passport, threads)
    loaded = perf_counter()
    _check_golden(bundle, passport, engine)
    checked = perf_counter()
    parts = {"passport": read - start, "engine": loaded - read, "golden": checked - loaded}
    return Model(passport, engine, {name: round(s * 1e3, 1) for name, s in parts.items()})


def sizes_of(answers: NDArray[Any]) -> Float64Array:
    """The largest |answer| of a batch, for each component (each position of the last axis)."""
    values = np.abs(np.asarray(answers, dtype=np.float64))
    columns = values.reshape(-1, values.shape[-1] if values.ndim > 1 else 1)
    return np.asarray(columns.max(axis=0, initial=0.0))


def difference(
    outputs: NDArray[Any], reference: NDArray[Any], sizes: Float64Array | None = None
) -> float:
    """How far a batch of outputs is from a reference, relative to the size of the outputs.

    For each component the largest |difference| of the batch over the component's size, which is
    taken as a thousandth of the largest at least; then the largest over the components. Infinite
    where shapes differ, or a value is not finite on one side only.

    Args:
        sizes: of the components, where more is known of them than this batch.
    """
    given = np.asarray(outputs, dtype=np.float64)
    wanted = np.asarray(reference, dtype=np.float64)
    if given.shape != wanted.shape:
        return float("inf")
    if wanted.size == 0 or np.array_equal(given, wanted, equal_nan=True):
        return 0.0
    sizes = sizes_of(wanted) if sizes is None else np.maximum(sizes, sizes_of(wanted))
    scales = np.maximum(sizes, sizes.max() / 1000)
    gap = float(np.max(sizes_of(given - wanted) / np.where(scales > 0, scales, 1.0)))
    return gap if np.isfinite(gap) else float("inf")


def _check_sizes(bundle: Path, passport: Passport) -> None:
    """A file that was cut is named here; an engine would speak of some part of it."""
    stated = {}
    if passport.engine == "onnx":
        if passport.compiled is None:
            raise ModelRefusedError(f"{bundle}: the passport names onnx, but no {COMPILED}")
        stated[COMPILED] = passport.compiled.size_bytes
    if passport.compiled is None or passport.compiled.mapped:
        stated[SOURCE] = passport.source.size_bytes
    for name, expected in stated.items():
        path = bundle / name
        if not path.is_file():
            raise ModelRefusedError(f"{path}: No such file")
        if (actual := path.stat().st_size) != expected:
            raise ModelRefusedError(f"{path}: expected {expected:,} bytes, got {actual:,}")


def _golden(bundle: Path, passport: Passport) -> tuple[NDArray[Any], Float64Array]:
    """The golden pair, each as a batch of one."""
    golden = passport.golden
    try:
        dtype = np.dtype(passport.input.dtype)
    except TypeError as cause:
        raise ModelRefusedError(f"{bundle}: input.dtype is no type of NumPy's") from cause
    try:
        batch = np.asarray([golden.input], dtype=dtype)
        wanted = np.asarray([golden.output], dtype=np.float64)
        finite = bool(np.isfinite(batch).all() and np.isfinite(wanted).all())
    except (TypeError, ValueError) as cause:
        raise ModelRefusedError(f"{bundle}: the golden pair is not made of numbers") from cause
    for name, array, spec in (
        ("input", batch, passport.input.spec),
        ("output", wanted, passport.output.spec),
    ):
        if not spec.accepts(array.shape[1:]):
            raise ModelRefusedError(f"{bundle}: the golden {name} is not of shape {spec}")
    if not finite or len(golden.sizes) != sizes_of(wanted).size:
        raise ModelRefusedError(f"{bundle}: the golden pair holds NaN, or sizes of another output")
    return batch, wanted


def _check_golden(bundle: Path, passport: Passport, engine: Engine) -> None:
    batch, wanted = _golden(bundle, passport)
    try:
        outputs = engine.run(batch)
    except Exception as cause:
        raise ModelRefusedError(f"{bundle}: the engine cannot run the golden input") from cause
    golden = passport.golden
    gap = difference(outputs, wanted, np.asarray(golden.sizes))
    if gap > golden.tolerance:
        raise ModelRefusedError(
            f"{bundle}: the engine {passport.engine} is {gap:.3g} away from the golden output; "
            f"tolerated: {golden.tolerance:g}"
        )
