"""Objects in S3 as streams: whatever breaks, the bytes are the bytes."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from predict import objects
from predict.keys import Parts
from predict.objects import ObjectReader, ObjectWriter
from serving.errors import UnavailableError

CONTENT = bytes(range(256)) * 40


class Breaking:
    """A body that breaks after some bytes: by an error, or by ending too soon."""

    def __init__(self, content: bytes, after: int, how: str) -> None:
        self._stream = io.BytesIO(content)
        self._left = after
        self._how = how

    def read(self, amt: int) -> bytes:
        if self._left <= 0 and self._how != "never":
            if self._how == "error":
                raise ReadTimeoutError(endpoint_url="s3")
            return b""
        data = self._stream.read(amt)
        self._left -= len(data)
        return data

    def close(self) -> None: ...


def breaking(breaks: list[tuple[int, str]], asked: list[int]) -> Callable[[int], Breaking]:
    """Opens bodies that break one after the other; the last one does not."""
    left = iter(breaks)

    def open_at(at: int) -> Breaking:
        asked.append(at)
        after, how = next(left, (0, "never"))
        return Breaking(CONTENT[at:], after, how)

    return open_at


@given(
    st.lists(st.tuples(st.integers(0, 4000), st.sampled_from(["error", "end"])), max_size=7),
    st.integers(1, 5000),
)
def test_reader_goes_on_where_it_broke(breaks: list[tuple[int, str]], size: int) -> None:
    asked: list[int] = []
    reader = ObjectReader(breaking(breaks, asked), len(CONTENT))
    read = b""
    while data := reader.read(size):
        read += data
    assert read == CONTENT
    assert asked == sorted(asked)


def test_reader_gives_up() -> None:
    reader = ObjectReader(breaking([(100, "error")] + [(0, "end")] * 20, []), len(CONTENT))
    reader.read(100)
    with pytest.raises(UnavailableError, match="broke off 8 times at byte 100"):
        reader.read(100)


def test_reader_stops_when_it_is_told_to() -> None:
    class StopError(Exception): ...

    def check() -> None:
        if reader.read_bytes > 1000:
            raise StopError

    reader = ObjectReader(breaking([], []), len(CONTENT), check)
    with pytest.raises(StopError):
        io.BufferedReader(reader).read()


class Memory:
    """Keeps parts."""

    def __init__(self) -> None:
        self.parts: dict[int, bytes] = {}
        self.begun = 0

    def begin(self) -> str:
        self.begun += 1
        return "1"

    def put_part(self, upload_id: str, number: int, content: bytes) -> str:
        assert upload_id == "1"
        self.parts[number] = content
        return f"{number}:{len(content)}"


@given(st.lists(st.binary(max_size=50), max_size=40), st.integers(0, 40))
def test_writer_makes_the_same_parts_when_it_is_interrupted(
    pieces: list[bytes], pause: int
) -> None:
    def write(pause: int | None) -> tuple[Memory, Parts]:
        memory = Memory()
        writer = ObjectWriter(memory, Parts())
        for position, piece in enumerate(pieces):
            if position == pause:
                writer = ObjectWriter(memory, writer.pause())
            writer.write(piece)
        return memory, writer.pause()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objects, "PART_BYTES", 64)
        whole, interrupted = write(None), write(pause)
    assert whole[0].parts == interrupted[0].parts
    assert whole[1] == interrupted[1]
    assert b"".join([*whole[0].parts.values(), whole[1].tail]) == b"".join(pieces)
    assert all(len(part) == 64 for part in whole[0].parts.values())
    assert whole[0].begun == (1 if whole[0].parts else 0)


def test_a_reader_is_a_stream_of_python() -> None:
    reader: Any = ObjectReader(breaking([(7, "end")], []), len(CONTENT))
    assert io.BufferedReader(reader).read() == CONTENT
    reader.close()
    assert reader.closed
