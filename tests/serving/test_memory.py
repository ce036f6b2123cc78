"""Reading is a stream: memory does not grow with the document."""

import io
import tracemalloc
from collections.abc import Iterator

from serving.documents import Document, read_document
from serving.settings import Limits
from serving.signature import TensorSpec


class Endless(io.RawIOBase):
    """A document that is made while it is read."""

    def __init__(self, matrices: int) -> None:
        self._pieces = self._make(matrices)
        self._rest = b""

    def _make(self, matrices: int) -> Iterator[bytes]:
        yield b"<matrices>"
        for _ in range(matrices):
            yield b"<matrix>" + b"0.123456 " * 5000 + b"</matrix>"
        yield b"</matrices>"

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._rest += piece
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


def peak_bytes(matrices: int) -> int:
    document = Document(
        TensorSpec((5000, 1), "float32"),
        limits=Limits(inflated_bytes=10**12, markup_bytes=10**12, tags=10**12),
    )
    tracemalloc.start()
    try:
        stream = read_document(Endless(matrices), document)  # type: ignore[arg-type]
        assert sum(1 for _ in stream) == matrices
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_document() -> None:
    """300 matrices are 13 MB of text and 12 MB of numbers; 1 MB more is for the set of ids."""
    assert peak_bytes(300) < peak_bytes(3) + 1_000_000
