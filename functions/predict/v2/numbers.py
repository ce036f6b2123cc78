"""Tensors as JSON: an array of numbers, flat or nested as the shape, read piece by piece."""

import re
from collections.abc import Iterator
from decimal import Decimal
from math import prod
from typing import NoReturn

import msgspec
import numpy as np

from predict.v2.tensors import Tensor, to_matrices
from serving.documents import Matrix
from serving.documents.runs import NumberReader
from serving.errors import InvalidInputError
from serving.signature import Float64Array, Shape, TensorSpec

_PIECE_BYTES = 262_144
_BRACKETS_TO_BLANKS = bytes(ord(" ") if byte in b"[]" else byte for byte in range(256))
_FRACTION = re.compile(rb"[0-9][.eE]")
_NESTED = re.compile(rb"[ \t\r\n]*\[")
_NOT_PUNCTUATION = bytes(byte for byte in range(256) if byte not in b"[],")
_PLACE = re.compile(r"(.*) - at `\$\[(\d+)\]`")
# RFC 7493, 2.2: of a larger integer, JSON's readers may see the neighbour.
_MOST_INTEGER = 2**53 - 1


def read_numbers(data: memoryview, tensor: Tensor, spec: TensorSpec) -> Iterator[Matrix]:
    """The matrices of a tensor in JSON, of which a piece is held at a time.

    Args:
        data: the text of one value, well-formed.

    Raises:
        InvalidInputError: not an array of as many numbers as the shape says, in its nesting or
            flat; or a value is not one of the datatype, or not one that the model takes. Names
            matrix and value.
    """
    rest = np.empty(0)
    position = 0
    for numbers in _Reader(data, tensor).read():
        values = np.concatenate([rest, numbers])
        whole = values.size - values.size % tensor.row_values
        rows = values[:whole].reshape(-1, tensor.row_values)
        yield from _matrices(rows, tensor, spec, position)
        position += len(rows)
        rest = values[whole:]


def _matrices(rows: Float64Array, tensor: Tensor, spec: TensorSpec, start: int) -> list[Matrix]:
    try:
        return list(to_matrices(_stated(rows, tensor, start), tensor, spec, start))
    except InvalidInputError:
        for position, row in enumerate(rows, start):  # to name the first
            list(to_matrices(_stated(row[None], tensor, position), tensor, spec, position))
        raise


class _Reader:
    """Reads the numbers of one array, and holds its nesting against the shape."""

    def __init__(self, data: memoryview, tensor: Tensor) -> None:
        if bytes(data[:1]) != b"[":
            raise InvalidInputError("data: expected an array of numbers")
        self._data = data[1:-1]
        self._tensor = tensor
        self._nested = _NESTED.match(self._data) is not None
        # The commas and brackets of one matrix, with the comma that follows on it.
        self._row = _between(tensor.shape[1:]) + b"," if self._nested else b","
        self._punctuation = 0  # how much was seen
        self._count = 0  # of the numbers
        self._numbers = NumberReader()

    def read(self) -> Iterator[Float64Array]:
        start, end = 0, len(self._data)
        while end - start > _PIECE_BYTES:
            piece = bytes(self._data[start : start + _PIECE_BYTES])
            comma = piece.rfind(b",")
            if comma < 0:
                self._refuse(f" has more than {_PIECE_BYTES:,} characters")
            yield self._convert(piece[:comma], b",")
            start += comma + 1
        yield self._convert(bytes(self._data[start:]))
        if self._count != (wanted := prod(self._tensor.shape)):
            raise InvalidInputError(f"expected {wanted:,} values, got {self._count:,}")

    def _convert(self, piece: bytes, after: bytes = b"") -> Float64Array:
        if self._nested:
            self._check(piece.translate(None, _NOT_PUNCTUATION) + after)
            piece = piece.translate(_BRACKETS_TO_BLANKS)
        elif b"[" in piece:
            self._refuse_shape()
        if not piece.strip():
            return np.empty(0)
        if self._tensor.dtype.kind != "f" and _FRACTION.search(piece):
            self._check_whole(piece)
        numbers = self._numbers.read(piece)
        if numbers is None:
            numbers = self._one_by_one(piece)
        self._count += numbers.size
        if self._count > (wanted := prod(self._tensor.shape)):
            raise InvalidInputError(f"expected {wanted:,} values, got more")
        return numbers

    def _check_whole(self, piece: bytes) -> None:
        """As doubles, a few fractions are whole: 0.99999999999999999999 is 1."""
        for position, token in enumerate(piece.split(b",")):
            if _FRACTION.search(token) and not _is_whole(token.strip()):
                self._count += position
                shown = token.strip().decode(errors="replace")[:40]
                self._refuse(f" ({shown}) is not one of {self._tensor.datatype}")

    def _check(self, punctuation: bytes) -> None:
        """The syntax is JSON's, so that the nesting is right where this is right."""
        start, self._punctuation = self._punctuation, self._punctuation + len(punctuation)
        most = len(self._row) * self._tensor.shape[0] - 1
        if punctuation != _part(self._row, start, self._punctuation) or self._punctuation > most:
            self._refuse_shape()

    def _refuse_shape(self) -> NoReturn:
        shape = list(self._tensor.shape)
        raise InvalidInputError(f"data is neither flat nor nested as its shape {shape} says")

    def _one_by_one(self, text: bytes) -> Float64Array:
        """What the fast way did not take: a rare spelling, or no number, which is named."""
        if self._tensor.datatype == "BOOL":
            text = text.replace(b"true", b"1").replace(b"false", b"0")
        try:
            return np.array(msgspec.json.decode(b"[%b]" % text, type=list[float]))
        except (msgspec.MsgspecError, UnicodeDecodeError) as cause:
            if (place := _PLACE.fullmatch(str(cause))) is None:
                raise InvalidInputError("data: not an array of numbers") from cause
            self._count += int(place[2])
            self._refuse(f": {place[1].replace('`', '')}")

    def _refuse(self, problem: str) -> NoReturn:
        position, value = divmod(self._count, self._tensor.row_values)
        raise InvalidInputError(f"value {value}{problem}", matrix=str(position))


def _is_whole(token: bytes) -> bool:
    try:
        number = Decimal(token.decode())
        return number == number.to_integral_value()
    except (ArithmeticError, UnicodeDecodeError):  # an exponent of twenty digits, or no number
        return False


def _between(shape: Shape) -> bytes:
    """The commas and brackets of a nested array."""
    if not shape:
        return b""
    inner = _between(shape[1:])
    return b"[%b]" % (inner + (b"," + inner) * (shape[0] - 1))


def _part(row: bytes, start: int, end: int) -> bytes:
    """From here to there of a row that repeats for ever."""
    offset = start % len(row)
    return (row * ((offset + end - start) // len(row) + 1))[offset:][: end - start]


def _stated(rows: Float64Array, tensor: Tensor, start: int) -> Float64Array:
    """Values as the datatype has them: JSON has one kind of number, and decimals are rounded."""
    dtype = tensor.dtype
    if dtype == np.float64:
        return rows
    if np.issubdtype(dtype, np.floating):
        with np.errstate(over="ignore"):
            stated = rows.astype(dtype).astype(np.float64)
        right = np.isfinite(stated)
    else:
        least, most = (0, 1) if dtype == np.bool_ else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        stated = rows
        right = (rows >= max(least, -_MOST_INTEGER)) & (rows <= min(most, _MOST_INTEGER))
        right &= rows == np.rint(rows)
    if not right.all():
        position, value = divmod(int(np.argmin(right)), tensor.row_values)
        wrong = rows[position, value]
        beyond = dtype.kind != "f" and abs(wrong) > _MOST_INTEGER
        shown = f"{wrong:.10g}{', in JSON beyond 2**53 - 1' if beyond else ''}"
        raise InvalidInputError(
            f"value {value} ({shown}) is not one of {tensor.datatype}",
            matrix=str(start + position),
        )
    return stated
