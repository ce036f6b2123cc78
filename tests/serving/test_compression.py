"""gzip and deflate: bounded, whole, once."""

import gzip
import io
import zlib
from typing import Any, BinaryIO, cast

import pytest

from serving.documents import Document, read_document
from serving.documents.compression import inflate_zlib
from serving.errors import MalformedError, RequestTooLargeError, TooLargeError
from serving.signature import TensorSpec
from tests.support.documents import matrices, npy, npz, one, read, xml

PACKED = gzip.compress(one("1 2 3"))
TEXT = b"0.123456 " * 100_000
DEFLATED = zlib.compress(TEXT)


def test_gzip_reads_xml_and_npz() -> None:
    given = matrices(5, (3,))
    for content in (xml(given), npz(given)):
        assert [m.id for m in read(gzip.compress(content))] == [m.id for m in given]


class Connection(io.RawIOBase):
    """Brings one byte at first, as the first packet of an answer may, and then a few."""

    def __init__(self, content: bytes) -> None:
        self._left = memoryview(content)
        self._most_bytes = 1

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._left[: min(len(buffer), self._most_bytes)]
        buffer[: len(data)] = data
        self._left, self._most_bytes = self._left[len(data) :], 3
        return len(data)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(PACKED, id="gzip"),
        pytest.param(npz(matrices(1, (3,))), id="npz"),
        pytest.param(npy([[1, 2, 3]]), id="npy"),
        pytest.param(one("1 2 3"), id="XML"),
        pytest.param(one("1 2 3").decode().encode("utf-16"), id="UTF-16"),
    ],
)
def test_a_format_is_found_however_few_bytes_come_at_once(content: bytes) -> None:
    source = cast(BinaryIO, Connection(content))
    [matrix] = read_document(source, Document(TensorSpec((3,), "float64")))
    assert matrix.values.shape == (3,)


def test_gzip_reads_members_in_a_row() -> None:
    text = one("1 2 3")
    assert read(gzip.compress(text[:20]) + gzip.compress(text[20:]))[0].values.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(PACKED[:-9], "damaged gzip", id="truncated"),
        pytest.param(PACKED[:-8] + bytes(8), "damaged gzip", id="checksum"),
        pytest.param(PACKED + b"junk", "damaged gzip", id="junk behind"),
        pytest.param(b"\x1f\x8b\x09" + PACKED[3:], "damaged gzip", id="unknown method"),
        pytest.param(gzip.compress(PACKED), "packed by gzip twice", id="twice"),
    ],
)
def test_gzip_refuses(content: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        read(content)


def test_gzip_refuses_a_bomb() -> None:
    bomb = gzip.compress(b"<a>" + b" " * 50_000_000 + b"</a>")
    with pytest.raises(TooLargeError, match="holds more than 1,000,000 bytes"):
        read(bomb, inflated_bytes=1_000_000)


@pytest.mark.parametrize("level", [0, 1, 9])
def test_deflate_reads_what_zlib_packs(level: int) -> None:
    for content in (b"", b"x", TEXT):
        packed = io.BytesIO(zlib.compress(content, level))
        assert inflate_zlib(packed, len(TEXT)).read() == content


@pytest.mark.parametrize("size", [1, 1_000, 8_192, 100_000, -1])
def test_deflate_reads_in_pieces(size: int) -> None:
    stream = inflate_zlib(io.BytesIO(DEFLATED), len(TEXT))
    found = b"".join(iter(lambda: stream.read(size), b""))
    assert (found, stream.read(1)) == (TEXT, b"")


def test_deflate_does_not_unpack_more_than_is_read() -> None:
    packed = io.BytesIO(zlib.compress(bytes(100_000_000), 1))
    assert inflate_zlib(packed, 200_000_000).read(10) == bytes(10)
    assert packed.tell() <= 8_192


NO_HEADER = zlib.compressobj(wbits=-15)
DICTIONARY = zlib.compressobj(zdict=b"0.123456")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "ends before", id="empty"),
        pytest.param(DEFLATED[:1], "ends before", id="half a header"),
        pytest.param(DEFLATED[:-1], "ends before", id="truncated"),
        pytest.param(DEFLATED[:-4] + bytes(4), "incorrect data check", id="checksum"),
        pytest.param(DEFLATED + b"x", "bytes after its end", id="junk behind"),
        pytest.param(DEFLATED * 2, "bytes after its end", id="twice in a row"),
        pytest.param(NO_HEADER.compress(TEXT) + NO_HEADER.flush(), "header", id="no header"),
        pytest.param(gzip.compress(TEXT), "header", id="gzip"),
        pytest.param(TEXT, "header", id="not packed"),
        pytest.param(DICTIONARY.compress(TEXT) + DICTIONARY.flush(), "Error 2", id="dictionary"),
        pytest.param(DEFLATED[:20] + bytes(20) + DEFLATED[40:], "", id="damaged inside"),
    ],
)
def test_deflate_refuses(content: bytes, reason: str) -> None:
    with pytest.raises(MalformedError, match=f"damaged deflate: .*{reason}"):
        inflate_zlib(io.BytesIO(content), 10_000_000).read()


def test_deflate_sees_what_follows_wherever_a_read_ends() -> None:
    """Also where the end of the stream is the end of a read."""

    class Halves(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(end if self.tell() < end else size)

    content = zlib.compress(b"1" * 1000)
    end = len(content)
    with pytest.raises(MalformedError, match="bytes after its end"):
        inflate_zlib(Halves(content + b"x"), 10_000).read()


def test_deflate_refuses_a_bomb() -> None:
    bomb = io.BytesIO(zlib.compress(bytes(50_000_000)))
    with pytest.raises(RequestTooLargeError, match="deflate holds more than 1,000,000 bytes"):
        inflate_zlib(bomb, 1_000_000).read()
    assert inflate_zlib(io.BytesIO(DEFLATED), len(TEXT)).read() == TEXT
    with pytest.raises(RequestTooLargeError):
        inflate_zlib(io.BytesIO(DEFLATED), len(TEXT) - 1).read()
