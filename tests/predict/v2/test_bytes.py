"""Any bytes as a tensor: what NumPy makes of them, where the model can hold it."""

import io
import struct
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predict.v2 import tensors
from predict.v2.request import Expected, read_request
from serving.errors import InvalidInputError
from serving.model import stack
from serving.settings import Limits, TensorNames
from serving.signature import TensorSpec
from tests.support.datatypes import CODES
from tests.support.inference import LENGTH, Sent, behind, request

DTYPES = {name: np.dtype(code).name for name, code in CODES.items()} | {"BOOL": "bool"}
FORMATS = {"float16": "<e", "float32": "<f", "float64": "<d"}


def holds(dtype: str, value: float) -> bool:
    """Whether a value is one of a type; without NumPy."""
    if dtype in FORMATS:
        try:
            return bool(
                struct.unpack(FORMATS[dtype], struct.pack(FORMATS[dtype], value))[0] == value
            )
        except OverflowError:
            return False
    if dtype == "bool":
        return value in {0, 1}
    least, most = np.iinfo(dtype).min, np.iinfo(dtype).max
    return value == int(value) and int(least) <= int(value) <= int(most)


def by_numpy(data: bytes, datatype: str, dtype: str) -> Any:
    """The values, by NumPy; None where the model, or a float64, does not hold them."""
    found = np.frombuffer(data, CODES[datatype])
    with np.errstate(invalid="ignore"):  # a signalling NaN
        values = found.astype(np.float64)
    if found.dtype.kind == "f":
        fits = bool(np.isfinite(values).all())
    else:
        most = 1 if datatype == "BOOL" else 2**53
        fits = all(-most <= int(value) <= most for value in found)
    return values if fits and all(holds(dtype, value) for value in values.tolist()) else None


def read(sent: Sent, shape: tuple[int, ...], dtype: str) -> Any:
    """The values, by the code."""
    body, headers = sent
    expected = Expected(TensorSpec((None,) * (len(shape) - 1), dtype), TensorNames(), Limits())
    matrices = list(read_request(io.BytesIO(body), int(headers[LENGTH]), expected).matrices)
    assert [matrix.values.shape for matrix in matrices] == [shape[1:]] * shape[0]
    assert stack(matrices, dtype).dtype == dtype  # what is taken, the engine gets
    return np.concatenate([matrix.values.ravel() for matrix in matrices])


def sized(data: bytes, datatype: str, shape: tuple[int, ...], size_bytes: int) -> Sent:
    """A request that states a size."""
    stated = {"parameters": {"binary_data_size": size_bytes}}
    return behind(request(np.empty(shape), datatype, stated), data)


@st.composite
def any_tensors(draw: st.DrawFn) -> tuple[bytes, str, tuple[int, ...]]:
    """Bytes of a datatype and a shape: of any kind, or of small numbers, which more types hold."""
    datatype = draw(st.sampled_from(sorted(CODES)))
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    code, count = np.dtype(CODES[datatype]), prod(shape)
    size = count * code.itemsize
    if draw(st.booleans()):
        return draw(st.binary(min_size=size, max_size=size)), datatype, shape
    least = 0 if code.kind == "u" else -3
    most = 1 if datatype == "BOOL" else 3
    small = draw(st.lists(st.integers(least, most), min_size=count, max_size=count))
    return np.array(small, code).tobytes(), datatype, shape


@given(any_tensors(), st.sampled_from(sorted(DTYPES.values())), st.integers(1, 40))
def test_any_bytes_are_read_as_numpy_reads_them(
    tensor: tuple[bytes, str, tuple[int, ...]], dtype: str, block_bytes: int
) -> None:
    data, datatype, shape = tensor
    sent = sized(data, datatype, shape, len(data))
    wanted = by_numpy(data, datatype, dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tensors, "_BLOCK_BYTES", block_bytes)
        if wanted is None:
            with pytest.raises(InvalidInputError, match='matrix "'):
                read(sent, shape, dtype)
        else:
            assert read(sent, shape, dtype).tobytes() == wanted.tobytes()


@given(any_tensors(), st.integers(1, 100), st.booleans())
def test_bytes_that_are_cut_or_go_on_are_refused(
    tensor: tuple[bytes, str, tuple[int, ...]], count: int, cut: bool
) -> None:
    data, datatype, shape = tensor
    other = data[:-count] if cut else data + bytes(count)
    with pytest.raises(InvalidInputError, match=r'matrix "|of the tensor'):
        read(sized(other, datatype, shape, len(data)), shape, "float64")


def test_the_table_of_datatypes_is_the_protocols() -> None:
    assert {name: dtype.name for name, dtype in tensors.DATATYPES.items()} == DTYPES
    assert all(dtype.byteorder in "<=|" for dtype in tensors.DATATYPES.values())
