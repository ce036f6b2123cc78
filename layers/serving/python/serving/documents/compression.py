"""Unpacks gzip within a limit, and reports what is wrong with it as our errors."""

import io
import zlib
from typing import BinaryIO, cast

from serving.errors import MalformedError, RequestTooLargeError, TooLargeError


class _ZlibReader(io.RawIOBase):
    """Unpacks a zlib stream (RFC 1950), which HTTP calls deflate, or a gzip one, piece by piece.

    gzip.GzipFile reads the headers of members, and zeros behind them, byte by byte: of 4.5 MB of
    them it takes a second.
    """

    def __init__(self, source: BinaryIO, *, is_gzip: bool) -> None:
        self._source = source
        self._window_bits = 31 if is_gzip else 15
        self._is_gzip = is_gzip
        self._zlib = zlib.decompressobj(self._window_bits)
        self._rest = b""  # of what was read, behind the last member

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        filled = 0
        while filled < len(buffer) and (not self._zlib.eof or self._next_member()):
            packed = self._rest or self._zlib.unconsumed_tail
            packed = packed or self._source.read(io.DEFAULT_BUFFER_SIZE)
            self._rest = b""
            data = self._zlib.decompress(packed, len(buffer) - filled)
            if not data and not packed:
                raise EOFError("it ends before its end was marked")
            buffer[filled : filled + len(data)] = data
            filled += len(data)
        return filled

    def _next_member(self) -> bool:
        """Go on where gzip has another member, be it behind zeros."""
        rest = self._zlib.unused_data
        if not self._is_gzip:
            if rest or self._source.read(1):
                raise zlib.error("bytes after its end")
            return False
        while not (rest := rest.lstrip(b"\0")):
            if not (rest := self._source.read(io.DEFAULT_BUFFER_SIZE)):
                return False
        self._zlib, self._rest = zlib.decompressobj(self._window_bits), rest
        return True


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
        # One byte more than is left tells a document at the limit from one over it.
        data = self._read(min(len(buffer), self._left_bytes + 1))
        if len(data) > self._left_bytes:
            raise self._refusal(f"{self._what} holds more than {self._limit_bytes:,} bytes")
        self._left_bytes -= len(data)
        buffer[: len(data)] = data
        return len(data)

    def _read(self, size_bytes: int) -> bytes:
        """So many bytes, or all that there are: a connection may bring one first, or a few.

        Whoever peeks at the start of a stream gets what one call brought.
        """
        pieces: list[bytes] = []
        try:
            while size_bytes and (piece := self._source.read(size_bytes)):
                pieces.append(piece)
                size_bytes -= len(piece)
        except (EOFError, zlib.error) as cause:
            raise MalformedError(f"damaged {self._what}: {cause}") from cause
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


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
    return limited(cast(BinaryIO, _ZlibReader(source, is_gzip=True)), limit_bytes, "gzip")


def inflate_zlib(source: BinaryIO, limit_bytes: int) -> io.BufferedReader:
    """As `inflate`, of what HTTP calls deflate: a zlib stream (RFC 1950, RFC 9110 8.4.1.2)."""
    return limited(cast(BinaryIO, _ZlibReader(source, is_gzip=False)), limit_bytes, "deflate")
