"""gzip: bounded, whole, once."""

import gzip

import pytest

from serving.errors import MalformedError, TooLargeError
from tests.support.documents import matrices, npz, one, read, xml

PACKED = gzip.compress(one("1 2 3"))


def test_gzip_reads_xml_and_npz() -> None:
    given = matrices(5, (3,))
    for content in (xml(given), npz(given)):
        assert [m.id for m in read(gzip.compress(content))] == [m.id for m in given]


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
