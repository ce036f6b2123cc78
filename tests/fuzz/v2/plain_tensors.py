"""Tensors, for the second reader: shapes, and values that no type may change."""

import json
from typing import Any

import numpy as np

from serving.passport import Passport
from tests.fuzz.v2.reading import Array, Members, Number, Reading, WrongError, array_of, is_whole

_LONGEST_OUTPUT = 26  # characters
_MOST_INTEGER = 2**53 - 1
SPELLING = "numbers: their spelling"  # as 1e0 for an integer, or -0, which has a sign to some


def read_shape(tensor: Members, passport: Passport, reading: Reading) -> tuple[int, ...]:
    """The shape that is stated, which must be one of the model's."""
    stated = array_of(tensor.get("shape"), "shape")
    reading.doubt("limits: shape", len(json.dumps(stated)) > 1_600)
    if not all(isinstance(n, Number) and is_whole(n) and len(n) < 20 for n in stated):
        raise WrongError("shape")
    shape = tuple(map(int, stated))
    wanted = (None, *passport.input.shape)
    if len(shape) != len(wanted) or min(shape, default=0) < 1:
        raise WrongError("shape")
    if any(w is not None and w != n for w, n in zip(wanted, shape, strict=True)):
        raise WrongError("shape")
    check_size(shape, passport, reading)
    return shape


def check_size(shape: tuple[int, ...], passport: Passport, reading: Reading) -> None:
    """Doubt what a limit may cover."""
    limits = reading.limits
    reading.doubt("limits: matrices", shape[0] > limits.matrices)
    values = int(np.prod(shape[1:], dtype=object))
    reading.doubt("limits: values", values > limits.matrix_values)
    values = shape[0] * int(np.prod([n or 1 for n in passport.output.shape]))
    answer = 1_000 + _LONGEST_OUTPUT * values
    reading.doubt("limits: the answer", answer > min(limits.answer_bytes, limits.binary_bytes))


def read_numbers(data: list[Any], shape: tuple[int, ...], dtype: Any, reading: Reading) -> Array:
    """The values of a tensor in JSON."""
    count = int(np.prod(shape, dtype=object))
    if any(isinstance(value, list) for value in data):
        data = _flattened(data, shape)
    if len(data) != count:
        raise WrongError("not as many values as the shape says")
    if dtype.kind == "f":
        if not all(isinstance(value, Number) for value in data):
            raise WrongError("not a number")
        values = np.array([float(value) for value in data])
        reading.doubt(SPELLING, "-0" in data)
        reading.doubt("limits: long numbers", any(len(value) > 900 for value in data))
        with np.errstate(over="ignore"):
            return _finite(values.astype(dtype))
    return np.array([_whole(value, dtype, reading) for value in data], dtype)


def _flattened(data: list[Any], shape: tuple[int, ...]) -> list[Any]:
    if len(data) != shape[0]:
        raise WrongError("neither flat nor nested")
    for length in shape[1:]:
        if not all(isinstance(inner, list) and len(inner) == length for inner in data):
            raise WrongError("neither flat nor nested")
        data = [value for inner in data for value in inner]
    return data


def _whole(value: Any, dtype: Any, reading: Reading) -> int:
    if dtype.kind == "b":
        if isinstance(value, bool):
            return int(value)
        reading.doubt("BOOL: a number")
    if not isinstance(value, Number):
        raise WrongError("not a number")
    reading.doubt("limits: long numbers", len(value) > 900)
    if not is_whole(value) or value == "-0":
        reading.doubt(SPELLING)
        if not float(value).is_integer():
            raise WrongError("not an integer")
        whole = int(float(value))
    else:
        whole = int(value) if len(value) < 400 else 10**400
    least, most = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    if not least <= whole <= most or abs(whole) > _MOST_INTEGER:
        raise WrongError("not one of the datatype, or beyond 2**53")
    return whole


def read_bytes(tail: bytes, dtype: Any, reading: Reading) -> Array:
    """The values of a tensor in bytes."""
    if dtype.kind == "b" and tail.translate(None, b"\0\1"):
        raise WrongError("a BOOL that is none")
    values = np.frombuffer(tail, dtype)
    if dtype.kind in "iu" and dtype.itemsize == 8:
        reading.doubt(
            "2**53", bool((values > _MOST_INTEGER).any() or (values < -_MOST_INTEGER).any())
        )
    return _finite(values)


def _finite(values: Array) -> Array:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise WrongError("not finite")
    return values


def held(values: Array, dtype: Any, passport: Passport) -> Array:
    """In the model's type, which must hold them."""
    wanted = np.dtype(passport.input.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        held = _finite(values).astype(wanted)
    _finite(held)
    if dtype != wanted and any(a != b for a, b in zip(held.tolist(), values.tolist(), strict=True)):
        raise WrongError("the model's type does not hold it")
    return held
