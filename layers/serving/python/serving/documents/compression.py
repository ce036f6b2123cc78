"""Unpacks gzip within a limit, and reports what is wrong with it as our errors."""

import gzip
import io
import zlib
from typing import BinaryIO, cast

from serving.errors import MalformedError, RequestTooLargeError, TooLargeError


class _ZlibReader(io.RawIOBase):
    """Unpacks a zlib stream (RFC 1950), which HTTP calls deflate, piece by piece."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._zlib = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._zlib.eof:
            packed = self._zlib.unconsumed_tail or self._source.read(io.DEFAULT_BUFFER_SIZE)
            data = self._zlib.decompress(packed, len(buffer))
            if data:
                buffer[: len(data)] = data
                return len(data)
            if not packed:
                raise EOFError("it ends before its end was marked")
        if self._zlib.unused_data or self._source.read(1):
            raise zlib.error("bytes after its end")
        return 0


class _LimitedReader(io.RawIOBase):
    """Passes bytes on until there are more than the limit, then refuses."""

    def __init__(
        self, source: BinaryIO, limit_bytes: int, what: str, refusal: type[TooLargeError]
    ) -> None:
        self._source = source
        self._refusal = refusal
        self._limit_bytes = limit_bytes
        self._left_bytes = limit_bytes
        self._what = what

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            # One byte more than is left tells a document at the limit from one over it.
            data = self._source.read(min(len(buffer), self._left_bytes + 1))
        except (EOFError, zlib.error, gzip.BadGzipFile) as cause:
            raise MalformedError(f"damaged {self._what}: {cause}") from cause
        if len(data) > self._left_bytes:
            raise self._refusal(f"{self._what} holds more than {self._limit_bytes:,} bytes")
        self._left_bytes -= len(data)
        buffer[: len(data)] = data
        return len(data)


def limited(
    source: BinaryIO,
    limit_bytes: int,
    what: str,
    refusal: type[TooLargeError] = RequestTooLargeError,
) -> io.BufferedReader:
    """A stream of at most `limit_bytes` of another, which it does not close.

    Raises, while it is read:
        RequestTooLargeError, or another `refusal`: there are more; `what` names the stream.
    """
    return io.BufferedReader(_LimitedReader(source, limit_bytes, what, refusal))


def inflate(source: BinaryIO, limit_bytes: int) -> io.BufferedReader:
    """A stream of what a gzip stream (RFC 1952, one or more members) unpacks to.

    Raises, while it is read:
        MalformedError: truncated or damaged.
        TooLargeError: more than `limit_bytes`.
    """
    packed = gzip.GzipFile(fileobj=source, mode="rb")
    return limited(cast(BinaryIO, packed), limit_bytes, "gzip")


def inflate_zlib(source: BinaryIO, limit_bytes: int) -> io.BufferedReader:
    """As `inflate`, of what HTTP calls deflate: a zlib stream (RFC 1950, RFC 9110 8.4.1.2)."""
    return limited(cast(BinaryIO, _ZlibReader(source)), limit_bytes, "deflate")
