"""npy and npz, written by hand, so that each part of them can be wrong."""

import io
import struct
import warnings
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

METHODS = (0, 8, 12, 14)  # stored, deflate, bzip2, LZMA


@dataclass(frozen=True, slots=True)
class Array:
    """An array as it is saved.

    Attributes:
        header: the dictionary of the format, as text.
        times: how often the data are there.
        surplus: bytes behind them.
    """

    header: str
    data: bytes = b""
    times: int = 1
    version: int = 1
    surplus: bytes = b""


def saved(values: Any, *, fortran: bool = False) -> Array:
    """What NumPy would save."""
    values = np.asarray(values)
    header = {"descr": values.dtype.str, "fortran_order": fortran, "shape": values.shape}
    return Array(repr(header), values.tobytes("F" if fortran else "C"))


def npy(array: Array) -> bytes:
    """The file of one array."""
    header = array.header.encode(errors="replace")
    size = 10 if array.version == 1 else 12
    header += b" " * (-(len(header) + size + 1) % 64) + b"\n"
    length = struct.pack("<H", len(header) % 65_536) if size == 10 else b""
    length = length or struct.pack("<I", len(header))
    magic = b"\x93NUMPY" + bytes([array.version % 256, 0])
    return magic + length + header + array.data * array.times + array.surplus


def npz(arrays: Sequence[tuple[str, Array]], method: int) -> bytes:
    """An archive of some; names may occur twice."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that occur twice
        for name, array in arrays:
            info = zipfile.ZipInfo(f"{name}.npy")
            info.compress_type = method
            archive.writestr(info, npy(array))
    return file.getvalue()
