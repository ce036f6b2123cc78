"""Objects in S3 as streams: read on where a connection broke, written in parts."""

import io
from collections.abc import Callable
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, HTTPClientError

from predict.keys import Parts
from serving.errors import UnavailableError

# S3 takes parts from 5 MiB on, 10,000 at most.
PART_BYTES = 8 * 1024 * 1024
_MOST_BREAKS = 8  # without a byte between them


class Body(Protocol):
    """What is left of an object, from some byte on."""

    def read(self, amt: int) -> bytes: ...

    def close(self) -> None: ...


class ObjectReader(io.RawIOBase):
    """An object of a known size, read once from the start.

    Args:
        open_at: asks for the object from a byte on, and for no other version of it.
        check: called before each read; may raise, to end the reading.
    """

    def __init__(
        self,
        open_at: Callable[[int], Body],
        size_bytes: int,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.read_bytes = 0
        self._open_at = open_at
        self._size_bytes = size_bytes
        self._check = check
        self._body: Body | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Read on; takes a broken connection up again where it broke.

        Raises:
            UnavailableError: it broke again and again.
        """
        breaks = 0
        while self.read_bytes < self._size_bytes:
            self._check()
            if data := self._read(len(buffer)):
                buffer[: len(data)] = data
                self.read_bytes += len(data)
                return len(data)
            breaks += 1
            if breaks == _MOST_BREAKS:
                raise UnavailableError(
                    f"S3 broke off {breaks} times at byte {self.read_bytes:,} of a document"
                )
        return 0

    def _read(self, size_bytes: int) -> bytes:
        """The next bytes; none if the connection broke."""
        try:
            if self._body is None:
                self._body = self._open_at(self.read_bytes)
            data = self._body.read(min(size_bytes, self._size_bytes - self.read_bytes))
        except (BotoCoreError, HTTPClientError, OSError):
            data = b""
        if not data:
            self.close_body()
        return data

    def close_body(self) -> None:
        """Give the connection back."""
        if self._body is not None:
            self._body.close()
            self._body = None

    def close(self) -> None:
        self.close_body()
        super().close()


class PartStore(Protocol):
    """Where parts go."""

    def begin(self) -> str: ...

    def put_part(self, upload_id: str, number: int, content: bytes) -> str: ...


class ObjectWriter:
    """Bytes to parts of one size, so that whoever goes on writes the same parts."""

    def __init__(self, store: PartStore, parts: Parts) -> None:
        self.parts = parts
        self._store = store
        self._buffer = bytearray(parts.tail)

    def write(self, content: bytes) -> None:
        """Write on; a full part leaves at once."""
        self._buffer += content
        while len(self._buffer) >= PART_BYTES:
            self._put(bytes(self._buffer[:PART_BYTES]))
            del self._buffer[:PART_BYTES]

    def pause(self) -> Parts:
        """What to keep in order to go on later."""
        self.parts.tail = bytes(self._buffer)
        return self.parts

    def _put(self, content: bytes) -> None:
        parts = self.parts
        parts.upload_id = parts.upload_id or self._store.begin()
        parts.etags.append(self._store.put_part(parts.upload_id, len(parts.etags) + 1, content))
