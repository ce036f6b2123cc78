"""The size of a body, as it is sent and as it is unpacked."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.predict.v2.conftest import Echoes
from tests.support.inference import (
    INFER,
    LENGTH,
    Sent,
    asked,
    binary,
    error,
    flat,
    infer,
    output,
    packed,
    raw,
)

MANY = np.arange(900.0).reshape(300, 3)
WAY_OUT = (
    "Send fewer matrices at once, or as npz by way of S3 (POST /uploads, where there is a bucket)."
)
GIGABYTE = 1_000_000_000


@cache
def bomb(encoding: str, unit: bytes, start: bytes = b"") -> bytes:
    """A gigabyte that is packed to a megabyte, without the end, which nobody should reach."""
    packer = zlib.compressobj(9, wbits=31 if encoding == "gzip" else 15)
    block_bytes = 1_000_000
    first = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(unit * (block_bytes // len(unit))) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + block * (GIGABYTE // block_bytes)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize(
    ("unit", "start"),
    [
        pytest.param(b" ", b"", id="blanks"),
        pytest.param(b" ", b'{"inputs": [', id="blanks in JSON"),
        pytest.param(b"\0", b"", id="zeros"),
        pytest.param(b"0,", b'{"inputs": [{"data": [', id="numbers"),
        pytest.param(b"[", b'{"inputs": ', id="brackets"),
        pytest.param(b"a", b'{"inputs": "', id="text"),
    ],
)
def test_bombs_stop_at_the_limit(
    client: TestClient, encoding: str, unit: bytes, start: bytes
) -> None:
    body = bomb(encoding, unit, start)
    assert len(body) < 4_500_000
    refused = error(infer(client, (body, {"content-encoding": encoding})))
    assert refused == f"{encoding} holds more than 16,000,000 bytes"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("length", ["0", "999999999"])
def test_bombs_stop_at_the_limit_whatever_length_is_stated(
    client: TestClient, encoding: str, length: str
) -> None:
    sent = bomb(encoding, b"\0"), {"content-encoding": encoding, LENGTH: length}
    assert error(infer(client, sent)) == f"{encoding} holds more than 16,000,000 bytes"


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_bombs_behind_the_json_are_not_unpacked(client: TestClient, encoding: str) -> None:
    header, headers = binary(np.zeros((1, 5000, 1)))
    sent = bomb(encoding, b"\0", header), headers | {"content-encoding": encoding}
    assert error(infer(client, sent)) == "bytes after the end of the tensor"


def pieces(body: bytes) -> Iterator[bytes]:
    """Sent in chunks, without Content-Length."""
    yield from (body[i : i + 700] for i in range(0, len(body), 700))


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize(
    ("limit", "sent"),
    [
        pytest.param("TEXT_BYTES", flat(MANY), id="JSON"),
        pytest.param("BINARY_BYTES", binary(MANY), id="bytes"),
        pytest.param("BINARY_BYTES", raw(MANY, "FP64"), id="raw"),
        pytest.param("BINARY_BYTES", packed(flat(MANY), "gzip"), id="gzip"),
        pytest.param("BINARY_BYTES", packed(flat(MANY), "deflate"), id="deflate"),
        pytest.param("BINARY_BYTES", packed(raw(MANY, "FP64"), "deflate"), id="raw, deflate"),
    ],
)
def test_bodies_over_the_limit_are_refused_with_the_way_out(
    echo: Echoes, limit: str, sent: Sent, announced: bool
) -> None:
    body, headers = sent
    for limit_bytes in (1_000, len(body) - 1):
        client = echo((3,), **{f"LIMIT_{limit}": str(limit_bytes)})
        content = body if announced else pieces(body)
        refused = error(client.post(INFER, content=content, headers=headers))
        assert f"in one request; the limit is {limit_bytes:,} bytes. " in refused
        assert refused.endswith(WAY_OUT)
        assert ("Send the tensor as bytes" in refused) == (limit == "TEXT_BYTES")
    if limit == "TEXT_BYTES":  # the answer has a limit of its own
        client = echo((3,), **{f"LIMIT_{limit}": str(len(body))})
        assert output(infer(client, sent)).shape == (300, 3)


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("form", [flat, binary, raw])
def test_bodies_at_the_limit_of_what_they_unpack_to_are_read(
    echo: Echoes, form: Callable[..., Sent], encoding: str
) -> None:
    sent = form(MANY, "FP64")
    for more, status in ((0, 200), (-1, 400)):
        client = echo((3,), LIMIT_INFLATED_BYTES=str(len(sent[0]) + more))
        answer = infer(client, packed(sent, encoding))
        assert answer.status_code == status
        if status == 400:
            assert f"{encoding} holds more than {len(sent[0]) - 1:,} bytes" in error(answer)


BODY = asked()[0]
NO_HEADER = zlib.compressobj(wbits=-15)
RAW_DEFLATE = NO_HEADER.compress(BODY) + NO_HEADER.flush()
GZIP, DEFLATE = gzip.compress(BODY), zlib.compress(BODY)


@pytest.mark.parametrize(
    ("encoding", "body", "reason"),
    [
        pytest.param("gzip", GZIP[:-9], "damaged gzip", id="gzip, cut"),
        pytest.param("gzip", GZIP[:5], "damaged gzip", id="gzip, cut early"),
        pytest.param("gzip", GZIP[:-8] + bytes(8), "damaged gzip", id="gzip, checksum"),
        pytest.param("gzip", GZIP + b"junk", "damaged gzip", id="gzip, junk behind"),
        pytest.param("gzip", GZIP + GZIP, "trailing characters", id="gzip, twice in a row"),
        pytest.param("gzip", gzip.compress(GZIP), "the request", id="gzip in gzip"),
        pytest.param("gzip", BODY, "damaged gzip", id="gzip, which it is not"),
        pytest.param("gzip", DEFLATE, "damaged gzip", id="gzip, which is deflate"),
        pytest.param("gzip", b"", "damaged gzip", id="gzip, empty"),
        pytest.param("deflate", DEFLATE[:-3], "damaged deflate", id="deflate, cut"),
        pytest.param("deflate", DEFLATE[:2], "damaged deflate", id="deflate, cut early"),
        pytest.param("deflate", DEFLATE[:-4] + bytes(4), "damaged deflate", id="deflate, checksum"),
        pytest.param("deflate", DEFLATE + b"x", "bytes after its end", id="deflate, more"),
        pytest.param("deflate", DEFLATE + DEFLATE, "bytes after its end", id="deflate, twice"),
        pytest.param("deflate", RAW_DEFLATE, "damaged deflate", id="deflate, without its header"),
        pytest.param("deflate", BODY, "damaged deflate", id="deflate, which it is not"),
        pytest.param("deflate", GZIP, "damaged deflate", id="deflate, which is gzip"),
        pytest.param("deflate", b"", "damaged deflate", id="deflate, empty"),
        pytest.param("", GZIP, "the request", id="gzip, unsaid"),
        pytest.param("identity", DEFLATE, "the request", id="deflate, unsaid"),
        pytest.param("br", BODY, 'is "br", expected gzip, deflate or none', id="br"),
        pytest.param("gzip, deflate", GZIP, 'is "gzip, deflate"', id="two"),
        pytest.param("x" * 500, BODY, f'is "{"x" * 60}",', id="long"),
    ],
)
def test_damaged_or_unknown_packings_are_refused(
    three: TestClient, encoding: str, body: bytes, reason: str
) -> None:
    assert reason in error(infer(three, (body, {"content-encoding": encoding})))


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_damage_behind_the_tensor_is_found(three: TestClient, encoding: str) -> None:
    """Its checksum is at the end of what is packed, where all values were read before."""
    for sent in (binary(MANY), raw(MANY, "FP64"), flat(MANY)):
        body, headers = packed(sent, encoding)
        refused = error(infer(three, (body[:-1] + bytes([body[-1] ^ 1]), headers)))
        assert refused.startswith(f"damaged {encoding}: ")


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("GZIP", GZIP),
        ("x-gzip", GZIP),
        (" gzip ", GZIP),
        ("gzip", gzip.compress(BODY[:20]) + gzip.compress(BODY[20:])),
        ("Deflate", DEFLATE),
        ("deflate", zlib.compress(BODY, 0)),
        ("identity", BODY),
        ("", BODY),
    ],
    ids=["capitals", "x-gzip", "blanks", "members", "capital", "stored", "identity", "empty"],
)
def test_packings_are_read(three: TestClient, encoding: str, body: bytes) -> None:
    answer = infer(three, (body, {"content-encoding": encoding}))
    assert output(answer).tolist() == [[1, 2, 3]]
