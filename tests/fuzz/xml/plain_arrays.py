"""A second reader of npy and npz: `numpy.load` and zipfile, and the rules of docs/document.md."""

import io
import struct
import warnings
import zipfile
import zlib
from math import prod
from typing import Any

import numpy as np
from numpy.lib import format as npy_format

from serving.settings import Limits
from tests.fuzz.xml.plain import Found, Reading, Shape, UnknownError, WrongError, check_id, fitted

_MOST_BYTES = 60_000_000
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    OverflowError,
)


def read(content: bytes, shape: Shape, limits: Limits, reading: Reading) -> None:
    """Read an npy, or an npz.

    Raises:
        WrongError: it is not a document.
        UnknownError: there is more of it than this reader has the patience for.
    """
    if len(content) > _MOST_BYTES:
        raise UnknownError("long")
    ids = None
    if not content.startswith(b"PK"):
        array = _load(content)
    else:
        array, ids = _members(content, limits, reading)
    if array.ndim < 1 or len(array) == 0:
        raise WrongError("no matrix")
    if ids is not None and len(ids) != len(array):
        raise WrongError("too few or too many ids")
    for id in ids or []:
        check_id(id, limits)
    if len(array) > limits.matrices:
        raise WrongError("limits: matrices")
    row = _row_shape(array.shape, shape, limits)
    names = ids or [str(position) for position in range(len(array))]
    values = _doubles(array)
    reading.matrices += [
        Found(id, row, each.tobytes()) for id, each in zip(names, values, strict=True)
    ]
    if len(set(names)) < len(names):
        raise WrongError("an id twice")


def _members(content: bytes, limits: Limits, reading: Reading) -> tuple[Any, list[str] | None]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            reading.doubt("limits: arrays", len(infos) > 1_000)
            names = [info.filename.removesuffix(".npy") for info in infos]
            others = [name for name in names if name != "ids"]
            if len(others) != 1 and "matrices" not in others:
                raise WrongError("not one array")
            name = "matrices" if "matrices" in others else others[0]
            if names.count(name) > 1 or names.count("ids") > 1:
                raise WrongError("an array twice")
            array = _load(_member(archive, infos[names.index(name)], limits))
            if "ids" not in names:
                return array, None
            ids = _load(_member(archive, infos[names.index("ids")], limits))
    except _BROKEN as cause:
        raise WrongError("a damaged npz") from cause
    if ids.dtype.kind not in "Uiu" or ids.ndim != 1:
        raise WrongError("ids that are none")
    order = ">" if ids.dtype.byteorder == ">" else "<"
    content = ids.tobytes() if ids.dtype.kind == "U" else b""
    if any(code > 0x10FFFF for (code,) in struct.iter_unpack(f"{order}I", content)):
        raise WrongError("ids that are not text")
    return array, [str(id) for id in ids.tolist()]


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits) -> bytes:
    if info.compress_type not in _METHODS:
        raise WrongError("a way to pack that NumPy does not use")
    with archive.open(info) as file:
        content = file.read(limits.inflated_bytes + 1)
    if len(content) > limits.inflated_bytes:
        raise WrongError("limits: unpacked")
    return content


def _load(content: bytes) -> Any:
    """An array, and nothing behind it."""
    file = io.BytesIO(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            version = npy_format.read_magic(file)
            readers = {
                (1, 0): npy_format.read_array_header_1_0,
                (2, 0): npy_format.read_array_header_2_0,
            }
            if version not in readers:
                raise WrongError("another version of the format")
            shape, _, dtype = readers[version](file)
            if any(type(length) is not int for length in shape):
                raise WrongError("a shape that is none")
            if prod(shape) * dtype.itemsize > len(content):
                raise WrongError("cut")  # before NumPy makes room for it
            file.seek(0)
            array = np.load(file, allow_pickle=False)
    except WrongError:
        raise
    except Exception as cause:  # NumPy evaluates the header
        raise WrongError("not an npy") from cause
    if file.read(1):
        raise WrongError("bytes behind the array")
    if not isinstance(array, np.ndarray):
        raise WrongError("not an npy")
    return array


def _row_shape(given: tuple[int, ...], shape: Shape, limits: Limits) -> tuple[int, ...]:
    """That of one matrix, which may be flat where it has more than one dimension."""
    row = given[1:]
    if prod(row) > limits.matrix_values:
        raise WrongError("limits: values")
    if len(row) == 1 and len(shape) != 1 and shape.count(None) < 2:
        return fitted(prod(row), shape, None)
    return fitted(prod(row), shape, tuple(row))


def _doubles(array: Any) -> Any:
    if array.dtype.kind not in "fiu" or array.dtype.itemsize > 8:
        raise WrongError("not real numbers of at most 64 bits")
    if array.dtype.kind in "iu" and any(abs(value) > 2**53 for value in array.ravel().tolist()):
        raise WrongError("an integer that no double holds")
    with np.errstate(invalid="ignore"):
        values = array.astype("f8")
    if not np.isfinite(values).all():
        raise WrongError("not finite")
    return values
