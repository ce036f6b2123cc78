"""Tensors: their datatypes and shapes, and the way from their bytes to matrices."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from serving.documents import Matrix
from serving.documents.matrix import to_doubles
from serving.errors import InvalidInputError, MalformedError, TooLargeError
from serving.settings import Limits
from serving.signature import Float64Array, Shape, TensorSpec

# Little-endian, row-major, without padding; a BOOL is a byte, 0 or 1.
DATATYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(code)
    for name, code in {
        "BOOL": "?",
        "UINT8": "u1",
        "UINT16": "<u2",
        "UINT32": "<u4",
        "UINT64": "<u8",
        "INT8": "i1",
        "INT16": "<i2",
        "INT32": "<i4",
        "INT64": "<i8",
        "FP16": "<f2",
        "FP32": "<f4",
        "FP64": "<f8",
    }.items()
}
_NAMES = {dtype.name: name for name, dtype in DATATYPES.items()}
_LONGEST = 2**64 - 1  # of a dimension, says the protocol
_BLOCK_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Tensor:
    """What a request says of its input: datatype and shape, of which the first is the batch."""

    datatype: str
    shape: Shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return DATATYPES[self.datatype]

    @property
    def row_values(self) -> int:
        """How many values one matrix has."""
        return prod(self.shape[1:])

    @property
    def size_bytes(self) -> int:
        """Of the whole tensor, as bytes."""
        return prod(self.shape) * self.dtype.itemsize


def datatype_of(dtype: str) -> str:
    """What the protocol calls a type; FP64, which holds it, where it has no name for it."""
    return _NAMES.get(dtype, "FP64")


def metadata_shape(spec: TensorSpec) -> list[int]:
    """A shape as the protocol states it: -1 for any length, and for the batch."""
    return [-1, *(-1 if d is None else d for d in spec.shape)]


def check_tensor(tensor: Tensor, spec: TensorSpec, limits: Limits) -> Tensor:
    """Refuse a tensor that is not one of the model's, before anything is allocated for it.

    Raises:
        InvalidInputError: a datatype or a shape that the model does not take.
        TooLargeError: more matrices, or a longer one, than the limits allow.
    """
    if tensor.datatype not in DATATYPES:
        raise InvalidInputError(
            f'datatype "{tensor.datatype[:40]}": expected one of {", ".join(DATATYPES)}'
        )
    shape = tensor.shape
    if not shape or min(shape) < 1 or max(shape) > _LONGEST or not spec.accepts(shape[1:]):
        shown = ", ".join(map(str, shape))[:60]
        hint = "; -1 stands for one or more" if shape and min(shape) < 1 else ""
        raise InvalidInputError(f"expected shape {metadata_shape(spec)}, got [{shown}]{hint}")
    if shape[0] > limits.matrices:
        raise TooLargeError(f"{shape[0]:,} matrices; the limit is {limits.matrices:,}")
    if tensor.row_values > limits.matrix_values:
        raise TooLargeError(
            f"{tensor.row_values:,} values a matrix; the limit is {limits.matrix_values:,}"
        )
    return tensor


def read_bytes(stream: BinaryIO, tensor: Tensor, spec: TensorSpec) -> Iterator[Matrix]:
    """The matrices of a tensor in bytes, of which a block is held at a time.

    Raises:
        MalformedError: the stream ends before the tensor does, or goes on after it.
        InvalidInputError: a value is not one that the model takes; names matrix and value.
    """
    stored = np.dtype("u1") if tensor.datatype == "BOOL" else tensor.dtype
    row_bytes = tensor.row_values * stored.itemsize
    step = max(1, _BLOCK_BYTES // row_bytes)
    for start in range(0, tensor.shape[0], step):
        rows = min(step, tensor.shape[0] - start)
        data = stream.read(rows * row_bytes)
        if len(data) != rows * row_bytes:
            given, wanted = start * row_bytes + len(data), tensor.shape[0] * row_bytes
            raise MalformedError(f"expected {wanted:,} bytes of the tensor, got {given:,}")
        block = np.frombuffer(data, dtype=stored).reshape(rows, -1)
        yield from to_matrices(block, tensor, spec, start)
    if stream.read(1):
        raise MalformedError("bytes after the end of the tensor")


def to_matrices(
    rows: NDArray[Any], tensor: Tensor, spec: TensorSpec, start: int
) -> Iterator[Matrix]:
    """Matrices of values of the tensor's datatype, unless the model's type cannot hold them.

    What is sent in the model's own datatype was rounded by its sender, who knows of it; what is
    sent in a wider one is not rounded here.

    Args:
        rows: the values of one matrix each.
        start: the position of the first.

    Raises:
        InvalidInputError: a value is not finite, or would be changed; names matrix and value.
    """
    try:
        values = _checked(rows.ravel(), tensor, spec, start)
    except InvalidInputError:
        for position, row in enumerate(rows, start):  # to name the first
            _checked(row, tensor, spec, position)
        raise
    shape = tensor.shape[1:]
    for position, matrix in enumerate(values.reshape(len(rows), *shape), start):
        yield Matrix(str(position), matrix)


def _checked(values: NDArray[Any], tensor: Tensor, spec: TensorSpec, position: int) -> Float64Array:
    id = str(position)
    if tensor.datatype == "BOOL" and (values > 1).any():
        wrong = int(np.argmax(values > 1))
        raise InvalidInputError(f"value {wrong} is a BOOL of {values[wrong]:g}", matrix=id)
    doubles = to_doubles(values, id)
    wanted = np.dtype(spec.dtype)
    if not np.can_cast(tensor.dtype, wanted, "safe"):
        with np.errstate(over="ignore", invalid="ignore"):
            kept = doubles.astype(wanted).astype(np.float64) == doubles
        if not kept.all():
            wrong = int(np.argmin(kept))
            raise InvalidInputError(
                f"value {wrong} ({doubles[wrong]:.17g}) is not one of "
                f"{_NAMES.get(wanted.name, wanted.name)}, "
                "the model's datatype: convert before sending",
                matrix=id,
            )
    return doubles
