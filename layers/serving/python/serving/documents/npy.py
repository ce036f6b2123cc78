"""npz and npy documents (NumPy's own formats), read without pickle and without trusting a header.

Source of the formats: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

import io
import shutil
import sys
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from threading import Lock
from typing import IO, Any, BinaryIO, cast

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from serving.documents.compression import limited
from serving.documents.matrix import Matrix, all_doubles, check_id, to_doubles
from serving.errors import (
    InvalidInputError,
    MalformedError,
    ServingError,
    TooLargeError,
    UnavailableError,
    UnsupportedError,
    brief,
)
from serving.settings import Limits
from serving.signature import Shape, TensorSpec, describe

MATRICES, IDS = "matrices", "ids"
_ROWS, _VALUES = 32, 16_384  # that are read at once: matrices, and more where they are small
_SPOOLED_BYTES = 16_000_000
# Lambda has 512 MB of disk, and the memory is for the model.
_ON_DISK_BYTES = 400_000_000
_AT_ONCE_BYTES = 64_000_000
_DIRECTORY_BYTES = 1_000_000
_MOST_DIMENSIONS = 32
_MOST_SHOWN = 80  # characters of an error
# Python counts how deep it parses for all threads together (CPython gh-106905), too deep for one.
_PARSING = Lock()
_HEADER_BYTES = 10_000  # NumPy takes no more
_LENGTH_BYTES = {(1, 0): 2, (2, 0): 4}  # in which a header says how long it is
_READERS = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}


@dataclass(frozen=True, slots=True)
class _Header:
    shape: Shape
    fortran: bool
    dtype: np.dtype[Any]


def read(source: BinaryIO, spec: TensorSpec, limits: Limits, *, zipped: bool) -> Iterator[Matrix]:
    """Yield the matrices of an npy or npz document; see `serving.documents.read_document`.

    An npz holds one array, or one called "matrices", and may hold "ids".
    """
    if not zipped:
        yield from _rows(source, spec, limits, None)
        return
    with tempfile.SpooledTemporaryFile(_SPOOLED_BYTES) as spool:
        _keep(limited(source, _ON_DISK_BYTES, "the npz", TooLargeError), spool)
        archive = _open(spool)
        try:
            yield from _members(archive, spec, limits)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as cause:
            raise _damaged(cause) from cause


def _keep(source: BinaryIO, spool: IO[bytes]) -> None:
    try:
        shutil.copyfileobj(source, spool)
        spool.seek(0)
    except OSError as cause:
        reason = cause.strerror or type(cause).__name__
        raise UnavailableError(f"the npz cannot be kept on disk meanwhile: {reason}") from cause


class _Spool:
    """The archive's file, which hands out no more at once than a directory of two arrays takes.

    zipfile reads the directory at once, and makes an object of each 46 bytes of it.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.is_open = False

    def read(self, size: int = -1) -> bytes:
        if self.is_open:
            return self._file.read(size)
        data = self._file.read(
            min(size, _DIRECTORY_BYTES + 1) if size >= 0 else _DIRECTORY_BYTES + 1
        )
        if len(data) > _DIRECTORY_BYTES:
            raise InvalidInputError("an npz with too many arrays")
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _open(file: IO[bytes]) -> zipfile.ZipFile:
    spool = _Spool(file)
    try:
        archive = zipfile.ZipFile(cast(IO[bytes], spool))
        spool.is_open = True
        return archive
    except ServingError:
        raise
    except Exception as cause:  # a damaged directory raises a dozen kinds of errors
        raise _damaged(cause) from cause


def _members(archive: zipfile.ZipFile, spec: TensorSpec, limits: Limits) -> Iterator[Matrix]:
    names = [name.removesuffix(".npy") for name in archive.namelist()]
    arrays = [name for name in names if name != IDS]
    if len(arrays) != 1 and MATRICES not in arrays:
        listed = ", ".join(f'"{name[:40]}"' for name in arrays[:5]) or "none"
        raise InvalidInputError(f'expected one array, or one called "{MATRICES}"; found: {listed}')
    name = MATRICES if MATRICES in arrays else arrays[0]
    if names.count(name) > 1 or names.count(IDS) > 1:
        raise MalformedError(f'array "{name[:40]}" or "{IDS}" occurs twice')
    files = dict(zip(names, archive.infolist(), strict=True))
    ids = _ids(_member(archive, files[IDS], limits), limits) if IDS in files else None
    yield from _rows(_member(archive, files[name], limits), spec, limits, ids)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limits: Limits) -> BinaryIO:
    # Only deflate can be unpacked piece by piece: the others would unpack a bomb at once.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnsupportedError("npz packed in a way that NumPy does not write: use np.savez")
    try:
        member = archive.open(info)
    except Exception as cause:  # as above; encrypted members are a RuntimeError
        raise _damaged(cause) from cause
    return limited(cast(BinaryIO, member), limits.inflated_bytes, "npz")


def _damaged(cause: BaseException) -> MalformedError:
    """The names of an archive, which an error quotes, may be as long as their sender likes."""
    return MalformedError(f"damaged npz: {brief(cause)[:_MOST_SHOWN]}")


def _header(stream: BinaryIO, what: str) -> _Header:
    try:
        version = npy_format.read_magic(stream)
        # A reader allocates what it is asked for at once, and a header may say 4 GB.
        stated = cast(io.BufferedReader, stream).peek(4)[: _LENGTH_BYTES.get(version, 0)]
        if int.from_bytes(stated, "little") > _HEADER_BYTES:
            raise ValueError("a long header")
        with _PARSING, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what Python 2 saved
            shape, fortran, dtype = _READERS[version](stream)
    except (ServingError, zipfile.BadZipFile, zlib.error):
        raise
    except Exception as cause:  # NumPy parses it as Python, with all errors that this can have
        raise MalformedError(f"{what}: damaged npy header, or of another version") from cause
    if len(shape) > _MOST_DIMENSIONS or not all(map(_is_length, shape)):
        raise MalformedError(f"{what}: damaged npy header: not the shape of an array")
    return _Header(shape, fortran, dtype)


def _is_length(number: int) -> bool:
    return type(number) is int and 0 <= number < 2**48  # NumPy's own check lets True pass


def _rows(
    stream: BinaryIO, spec: TensorSpec, limits: Limits, ids: list[str] | None
) -> Iterator[Matrix]:
    header = _header(stream, "array")
    shape = _row_shape(header, spec, limits)
    count = header.shape[0]
    if ids is not None and len(ids) != count:
        raise InvalidInputError(f'"{IDS}" has {len(ids)} entries for {count} matrices')
    position = 0
    for rows in _blocks(stream, header, limits):
        # Small ones at once; of large ones the doubles would take eight times what was sent.
        values = all_doubles(rows) if rows.size <= _ROWS * _VALUES else None
        for row in rows if values is None else values:
            id = str(position) if ids is None else ids[position]
            if values is None:  # which of them is at fault, is said row by row
                row = to_doubles(row, id)
            yield Matrix(id, row.reshape(shape))
            position += 1
    _refuse_surplus(stream)


def _row_shape(header: _Header, spec: TensorSpec, limits: Limits) -> Shape:
    """The shape of one matrix; rows of a 2-D array may be flat, as in XML."""
    _check_dtype(header.dtype)
    given = header.shape
    if len(given) < 1 or given[0] == 0:
        raise InvalidInputError(f"no matrix in an array of shape {describe(given)}")
    if (values := prod(given[1:])) > limits.matrix_values:
        raise TooLargeError(f"{values} values a matrix; the limit is {limits.matrix_values:,}")
    flat = len(given) == 2 and _fits(values, spec)
    if values == 0 or not (flat or spec.accepts(given[1:])):
        raise InvalidInputError(
            f"expected an array of shape {describe((None, *spec.shape))}, got {describe(given)}"
        )
    return spec.shape_of(values) if flat else given[1:]


def _fits(values: int, spec: TensorSpec) -> bool:
    """Whether so many values in a row are a matrix; one open dimension takes what is left."""
    if len(spec.shape) == 1:
        return False  # a row is a matrix as it stands
    try:
        spec.shape_of(values)
    except ValueError:
        return False
    return True


def _check_dtype(dtype: np.dtype[Any]) -> None:
    if dtype.hasobject:
        raise MalformedError("array of Python objects (pickle): only numbers are read")
    if dtype.kind not in "fiu" or dtype.itemsize > 8 or dtype.shape:
        raise InvalidInputError(f"array of {dtype}: expected real numbers of at most 64 bits")


def _blocks(stream: BinaryIO, header: _Header, limits: Limits) -> Iterator[NDArray[Any]]:
    count, row = header.shape[0], prod(header.shape[1:])
    # Fortran order interleaves the matrices: there it is all or nothing, within the limit.
    step = count if header.fortran else max(_ROWS, _VALUES // max(row, 1))
    for start in range(0, count, step):
        rows = min(step, count - start)
        data = _exactly(stream, rows * row * header.dtype.itemsize, limits)
        block = np.frombuffer(data, dtype=header.dtype)
        order = header.shape if header.fortran else (rows, *header.shape[1:])
        yield block.reshape(order, order="F" if header.fortran else "C")


def _exactly(stream: BinaryIO, size_bytes: int, limits: Limits) -> bytes:
    """Refuse before allocating: a header of 100 bytes can announce petabytes."""
    if size_bytes > (limit_bytes := min(limits.inflated_bytes, _AT_ONCE_BYTES)):
        raise TooLargeError(
            f"{size_bytes:,} bytes of the array at once; the limit is {limit_bytes:,}"
        )
    data = stream.read(size_bytes)
    if len(data) != size_bytes:
        raise MalformedError(f"truncated array: expected {size_bytes} bytes more, got {len(data)}")
    return data


def _refuse_surplus(stream: BinaryIO) -> None:
    """Reading to the end is also what makes zipfile check the CRC."""
    if stream.read(1):
        raise MalformedError("bytes after the end of the array")


def _ids(stream: BinaryIO, limits: Limits) -> list[str]:
    header = _header(stream, f'"{IDS}"')
    if header.dtype.hasobject:
        raise MalformedError(f'"{IDS}" is an array of Python objects (pickle): save it as text')
    if header.dtype.kind not in "Uiu" or len(header.shape) != 1:
        raise InvalidInputError(
            f'"{IDS}" is {header.dtype} of shape {describe(header.shape)}: expected a list of texts'
        )
    data = _exactly(stream, header.shape[0] * header.dtype.itemsize, limits)
    _refuse_surplus(stream)
    _check_text(data, header.dtype)
    ids = [str(id) for id in np.frombuffer(data, dtype=header.dtype).tolist()]
    for position, id in enumerate(ids):
        check_id(id, position, limits)
    return ids


def _check_text(data: bytes, dtype: np.dtype[Any]) -> None:
    """NumPy makes texts of what Unicode has not: no error, and no text that Python can have."""
    if dtype.kind != "U":
        return
    codes = np.frombuffer(data, np.dtype("u4").newbyteorder(dtype.byteorder))
    if dtype.itemsize == 0 or (codes > sys.maxunicode).any():
        raise MalformedError(f'"{IDS}" holds what is not text')
