"""Bombs and lies in npz and npy."""

import io
import struct
import zipfile

import numpy as np

from tests.attacks.attack import NPZ, POINTS, Attack, Make, Sent, post
from tests.support.documents import npy

TITLE = "npz and npy"
_UNPACKED = 15_999_000
_ARRAY = npy(np.ones((2, POINTS)))


def _zip(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            archive.writestr(info, content)
    return file.getvalue()


def _npz(content: bytes) -> Make:
    return lambda _: post(content, NPZ)


def _array(shape: str, data: bytes = b"", descr: str = "'<f8'", order: str = "False") -> bytes:
    """An npy file with any header."""
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def _patched(content: bytes, offset: int, value: int) -> bytes:
    """A zip of one member whose directory states something else, 4 bytes at an offset of it."""
    at = content.index(b"PK\x01\x02") + offset
    return content[:at] + struct.pack("<I", value) + content[at + 4 :]


def _overlapping() -> bytes:
    """Two entries of the directory that are the same bytes."""
    content = _zip(("matrices.npy", _ARRAY))
    start, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    entry = content[start:end]
    directory = entry + entry.replace(b"matrices.npy", b"ids.npy\x00\x00\x00\x00\x00")
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, len(directory), start, 0)
    return content[:start] + directory + tail


def _ones() -> Sent:
    array = npy(np.ones((_UNPACKED // POINTS, POINTS), "i1"))
    return post(_zip(("matrices.npy", array)), NPZ, unpacked_bytes=len(array))


def _zip_bomb() -> Sent:
    array = _array("(100, 5000)", bytes(200_000_000))
    return post(_zip(("a.npy", array)), NPZ, unpacked_bytes=len(array))


def _entries(count: int) -> Make:
    return lambda _: post(_zip(*((str(i), b"") for i in range(count))), NPZ)


CASES = [
    Attack("16 MB of one-byte values in npz", lambda _: _ones(), '200 "predictions"'),
    Attack("a zip bomb in npz", lambda _: _zip_bomb(), "400 bytes after the end of the array"),
    Attack(
        "overlapping entries",
        _npz(_overlapping()),
        "400 damaged npz: File name in directory 'ids.npy\\x00\\x00\\x00\\x00",
    ),
    Attack(
        "a stated size of 4 GB",
        _npz(_patched(_zip(("a.npy", _ARRAY)), 24, 0xFFFFFFFE)),
        '200 "predictions"',
    ),
    Attack(
        "a stated size of nothing",
        _npz(_patched(_zip(("a.npy", _ARRAY)), 24, 0)),
        "400 damaged npz: Bad CRC-32 for file 'a.npy'",
    ),
    Attack(
        "a packed size of 4 GB",
        _npz(_patched(_zip(("a.npy", _ARRAY)), 20, 0xFFFFFFFE)),
        "400 damaged npz:",
    ),
    Attack(
        "sizes of zip64 that are not there",
        _npz(_patched(_zip(("a.npy", _ARRAY)), 24, 0xFFFFFFFF)),
        '200 "predictions"',
    ),
    Attack(
        "an offset behind the end",
        _npz(_patched(_zip(("a.npy", _ARRAY)), 42, 0x7FFFFFFF)),
        "400 damaged npz: Truncated file header",
    ),
    Attack(
        "a wrong CRC in npz",
        _npz(_patched(_zip(("a.npy", _ARRAY)), 16, 1)),
        "400 damaged npz: Bad CRC-32 for file 'a.npy'",
    ),
    Attack(
        "truncated npz",
        _npz(_zip(("a.npy", _ARRAY))[:-10]),
        "400 damaged npz: File is not a zip file",
    ),
    Attack(
        "npz in npz",
        _npz(_zip(("a.npz", _zip(("a.npy", _ARRAY))))),
        "400 array: damaged npy header, or of another version",
    ),
    Attack("40,000 entries", _entries(40_000), "422 an npz with too many arrays"),
    Attack(
        "5,000 entries",
        _entries(5_000),
        '422 expected one array, or one called "matrices"; found: "0", "1',
    ),
    Attack(
        "a name of 60 kB",
        _npz(_zip(("x" * 60_000, b""))),
        "400 array: damaged npy header, or of another version",
    ),
    Attack(
        "a path in a name",
        _npz(_zip(("../../etc/passwd", b""), ("/tmp/x", b""))),
        '422 expected one array, or one called "matrices"; found: "../../',
    ),
    Attack(
        "LZMA in npz",
        _npz(_zip(("a.npy", _ARRAY), method=zipfile.ZIP_LZMA)),
        "415 npz packed in a way that NumPy does not write: use np.savez",
    ),
    Attack(
        "the directory of a zip and nothing else",
        _npz(b"PK\x05\x06" + bytes(18)),
        '422 expected one array, or one called "matrices"; found: none',
    ),
    Attack(
        "a billion matrices stated",
        _npz(_array("(1000000000, 5000)")),
        "400 truncated array: expected 1280000 bytes more, got 0",
    ),
    Attack(
        "10^12 values stated, in Fortran order",
        _npz(_array("(200000000, 5000)", order="True")),
        "413 8,000,000,000,000 bytes of the array at once; the limit is 1",
    ),
    Attack(
        "a matrix of 10^12 values stated",
        _npz(_array("(1, 1000000000000)")),
        "413 1000000000000 values a matrix; the limit is 1,000,000",
    ),
    Attack(
        "an array of a negative shape",
        _npz(_array("(-1, 5000)", bytes(40_000))),
        "400 array: damaged npy header: not the shape of an array",
    ),
    Attack(
        "an array whose shape overflows",
        _npz(_array("(9223372036854775808, 5000)")),
        "400 array: damaged npy header: not the shape of an array",
    ),
    Attack(
        "a shape of 60 kB",
        _npz(_array("(" + "1," * 30_000 + ")")),
        "400 array: damaged npy header, or of another version",
    ),
    Attack(
        "a header of brackets",
        _npz(_array("(" * 60_000)),
        "400 array: damaged npy header, or of another version",
    ),
    Attack(
        "a header that is a call",
        _npz(_array("__import__('os').system('id')")),
        "400 array: damaged npy header, or of another version",
    ),
    Attack(
        "a header that is 9**9**9",
        _npz(_array("(9**9**9, 5000)")),
        "400 array: damaged npy header, or of another version",
    ),
    Attack(
        "Python objects (pickle)",
        _npz(_array("(1, 5000)", b"cos\nsystem\n(S'id'\ntR.", descr="'|O'")),
        "400 array of Python objects (pickle): only numbers are read",
    ),
    Attack(
        "values of 2 GB each",
        _npz(_array("(1, 5000)", descr="'|V2000000000'")),
        "422 array of |V2000000000: expected real numbers of at most 64 b",
    ),
    Attack(
        "records in records",
        _npz(_array("(1, 5000)", descr="[('a', [('b', '<f8')])]")),
        "422 array of [('a', [('b', '<f8')])]: expected real numbers of a",
    ),
    Attack(
        "texts of 1 GB",
        _npz(_array("(1, 5000)", descr="'<U250000000'")),
        "422 array of <U250000000: expected real numbers of at most 64 bi",
    ),
    Attack(
        "a header of 4 GB stated",
        _npz(b"\x93NUMPY\x02\x00\xff\xff\xff\xff"),
        "400 array: damaged npy header, or of another version",
    ),
    Attack(
        "ids of 1 GB stated",
        _npz(_zip(("matrices.npy", _ARRAY), ("ids.npy", _array("(2,)", descr="'<U250000000'")))),
        "413 2,000,000,000 bytes of the array at once; the limit is 16,00",
    ),
    Attack(
        "ids that are Python objects",
        _npz(_zip(("matrices.npy", _ARRAY), ("ids.npy", _array("(2,)", b"x" * 16, descr="'|O'")))),
        '400 "ids" is an array of Python objects (pickle): save it as tex',
    ),
]
