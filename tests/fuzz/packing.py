"""How bytes are packed, and a second reader of that: zlib alone, piece by piece."""

import gzip
import zlib
from collections.abc import Callable


class DamagedError(Exception):
    """It is not packed as it says."""


class UnclearError(Exception):
    """Readers may differ."""


def _level(data: bytes) -> int:
    return 6 if len(data) < 100_000 else 1


def _raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(_level(data), wbits=-15)
    return packer.compress(data) + packer.flush()


def _halves(data: bytes) -> tuple[bytes, bytes]:
    return data[: len(data) // 2], data[len(data) // 2 :]


PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, _level(data), mtime=0),
    "zlib": lambda data: zlib.compress(data, _level(data)),
    "deflate": _raw_deflate,
    "members": lambda data: b"".join(gzip.compress(part, 1, mtime=0) for part in _halves(data)),
}


def unpack_gzip(data: bytes, most_bytes: int) -> bytes:
    """What all members of a gzip file hold, or one byte more than the most.

    Raises:
        DamagedError: it is none.
        UnclearError: it uses what few readers know.
    """
    pieces: list[bytes] = []
    left = most_bytes + 1
    while data and left > 0:
        if len(data) > 3 and data[3] & 0b11100010:
            raise UnclearError("gzip: flags that few know")
        piece, data = inflate(data, 31, left)
        pieces.append(piece)
        left -= len(piece)
        data = data.lstrip(b"\0")  # with which tapes are filled, as gzip itself lets pass
    return b"".join(pieces)


def inflate(data: bytes, window: int, most_bytes: int) -> tuple[bytes, bytes]:
    """One stream of zlib, and what stands behind it; no more than so many bytes of it.

    Raises:
        DamagedError: it is none.
    """
    unpacker = zlib.decompressobj(window)
    try:
        unpacked = unpacker.decompress(data, most_bytes)
    except zlib.error as cause:
        raise DamagedError("damaged") from cause
    if len(unpacked) >= most_bytes:
        return unpacked, b""
    if not unpacker.eof:
        raise DamagedError("cut")
    return unpacked, unpacker.unused_data
