"""The response: packed or not, as JSON or as bytes, within its limits."""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from predict.api import create_app
from predict.v2.response import pack
from serving.model import Model
from serving.passport import Tensor
from serving.settings import Settings
from tests.predict.v2.conftest import Echoes
from tests.support.inference import (
    LENGTH,
    Sent,
    asked,
    binary,
    error,
    flat,
    infer,
    output,
    raw,
    tensor_of,
)

MANY = np.arange(900.0).reshape(300, 3)
UNPACK: dict[str | None, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": zlib.decompress,
    None: lambda body: body,
}
WANTED = {"binary_data_output": True}
BYTES = [{"name": "output", "parameters": {"binary_data": True}}]
JSON = [{"name": "output", "parameters": {"binary_data": False}}]


def received(client: TestClient, sent: Any, accepted: str) -> tuple[bytes, Any]:
    """An answer as it came, and its headers."""
    body, headers = sent
    headers = headers | {"accept-encoding": accepted}
    with client.stream("POST", "/v2/models/demo/infer", content=body, headers=headers) as answer:
        content = b"".join(answer.iter_raw())
    assert answer.status_code == 200
    return content, answer.headers


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("gzip, deflate", "gzip"),
        ("deflate, gzip, br, zstd", "gzip"),
        ("deflate;q=1.0, gzip;q=0", "deflate"),
        ("gzip;q=0.000,deflate ; q=0.001", "deflate"),
        ("GZIP;Q=0.5", "gzip"),
        ("gzip ; q=0.0, identity", None),
        ("gzip;q=0, deflate;q=0.0", None),
        ("gzip;\tq=0", None),
        ("gzip;q=0;x=1", None),
        ("br, zstd", None),
        ("identity", None),
        ("*", None),
        ("*;q=0", None),
        ("", None),
        ("gzipped, xgzip", None),
        (",;=,;q=0,\x7f", None),
    ],
)
@pytest.mark.parametrize("more", [{}, {"outputs": BYTES}], ids=["JSON", "bytes"])
def test_answers_are_packed_as_accepted(
    three: TestClient, accepted: str, encoding: str | None, more: Any
) -> None:
    content, headers = received(three, flat(MANY, **more), accepted)
    assert headers.get("content-encoding") == encoding
    assert headers["content-length"] == str(len(content))
    unpacked = UNPACK[encoding](content)
    assert tensor_of(unpacked, headers.get(LENGTH)).tolist() == MANY.tolist()
    if more:
        length = int(headers[LENGTH])  # of the JSON, unpacked
        assert json.loads(unpacked[:length])["model_name"] == "demo"
        assert len(unpacked) == length + MANY.nbytes


def test_short_answers_are_not_packed(three: TestClient) -> None:
    for sent in (asked(), asked(outputs=BYTES), raw(MANY[:1], "FP64")):
        content, headers = received(three, sent, "gzip, deflate")
        assert "content-encoding" not in headers
        assert tensor_of(content, headers.get(LENGTH)).shape == (1, 3)


@pytest.mark.parametrize("size_bytes", [999, 1_000])
def test_answers_are_packed_from_a_thousand_bytes(size_bytes: int) -> None:
    body = b"1" * size_bytes
    packed, headers = pack(body, "gzip")
    assert (packed == body) == (headers == {}) == (size_bytes < 1_000)


def test_packed_answers_are_the_same_every_time() -> None:
    assert pack(b"1" * 5000, "gzip")[0] == pack(b"1" * 5000, "gzip")[0]


@pytest.mark.parametrize("accepted", ["gzip", "deflate"])
def test_packed_answers_are_no_text_from_the_start(accepted: str) -> None:
    """Mangum takes for text what is UTF-8, and only the first two bytes are never by chance."""
    with pytest.raises(UnicodeDecodeError):
        pack(b"1" * 5000, accepted)[0][:2].decode()


@pytest.mark.parametrize(
    ("dtype", "given"), [("int64", 2.0**63), ("uint64", 2.0**64), ("uint64", -1.0)]
)
def test_integers_that_the_datatype_has_not_are_no_answer(
    model: Model, settings: Settings, dtype: str, given: float
) -> None:
    class Given:
        def run(self, batch: Any) -> Any:
            return np.full((len(batch), 1), given)

    tensor = Tensor(shape=(1,), dtype=dtype)
    passport = model.passport.model_copy(update={"output": tensor})
    with TestClient(create_app(Model(passport, Given(), {}), settings)) as client:
        answer = infer(client, flat(np.zeros((1, 5000, 1))))
    assert error(answer) == f'matrix "0": the model\'s answer is beyond {dtype.upper()}'


def test_batches_are_those_of_documents(model: Model, settings: Settings) -> None:
    """On which it rests that the numbers are the same to the bit."""
    sizes: list[int] = []

    class Counting:
        def run(self, batch: Any) -> Any:
            sizes.append(len(batch))
            return np.zeros((len(batch), 2), dtype=np.float32)

    with TestClient(create_app(Model(model.passport, Counting(), {}), settings)) as client:
        assert output(infer(client, raw(np.zeros((40, 5000, 1))))).shape == (40, 2)
    batch = model.passport.batch_size
    assert sizes == [batch, batch, 40 - 2 * batch]


def test_errors_are_not_packed(three: TestClient) -> None:
    answer = infer(three, (b"[", {}), **{"accept-encoding": "gzip"})
    assert "content-encoding" not in answer.headers
    assert error(answer)


@pytest.mark.parametrize(
    ("more", "as_bytes"),
    [
        ({}, False),
        ({"outputs": []}, False),
        ({"outputs": [{"name": "output"}]}, False),
        ({"outputs": JSON}, False),
        ({"outputs": BYTES}, True),
        ({"parameters": WANTED}, True),
        ({"parameters": {"binary_data_output": False}}, False),
        ({"parameters": WANTED, "outputs": []}, True),
        ({"parameters": WANTED, "outputs": [{"name": "output"}]}, True),
        ({"parameters": WANTED, "outputs": JSON}, False),
        ({"parameters": {"binary_data_output": False}, "outputs": BYTES}, True),
    ],
    ids=str,
)
@pytest.mark.parametrize("form", [flat, binary], ids=["JSON", "bytes"])
def test_the_output_comes_as_it_is_wanted(
    three: TestClient, form: Any, more: Any, as_bytes: bool
) -> None:
    answer = infer(three, form(MANY[:2], **more))
    assert answer.status_code == 200
    assert (LENGTH in answer.headers) == as_bytes
    kind = "application/octet-stream" if as_bytes else "application/json"
    assert answer.headers["content-type"] == kind
    assert tensor_of(answer.content, answer.headers.get(LENGTH)).tolist() == MANY[:2].tolist()


@pytest.mark.parametrize("value", [1, 0, "true", 1.0, "", "false"])
def test_wishes_are_true_or_false(three: TestClient, value: Any) -> None:
    refused = error(infer(three, asked(parameters={"binary_data_output": value})))
    assert refused == "parameters.binary_data_output: expected true or false"
    outputs = [{"name": "output", "parameters": {"binary_data": value}}]
    refused = error(infer(three, asked(outputs=outputs)))
    assert refused == "outputs[0].parameters.binary_data: expected true or false"


@pytest.mark.parametrize(
    ("value", "spelled"), [(0.1, "0.1"), (1e300, "1e+300"), (5e-324, "5e-324"), (-0.0, "-0.0")]
)
def test_json_has_the_shortest_digits_that_give_the_number(
    three: TestClient, value: float, spelled: str
) -> None:
    answer = infer(three, flat(np.full((1, 3), value), "FP64"))
    assert f'"data":[{spelled},{spelled},{spelled}]}}]}}' in answer.text


@pytest.mark.parametrize(
    ("dtype", "spelled"),
    [
        ("bool", "[true,true,true]"),
        ("int32", "[1,1,1]"),
        ("uint64", "[1,1,1]"),
        ("float32", "[1.0,1.0,1.0]"),
    ],
)
def test_json_has_the_kind_of_the_datatype(echo: Echoes, dtype: str, spelled: str) -> None:
    assert f'"data":{spelled}}}' in infer(echo((3,), dtype), flat(np.ones((1, 3)))).text


@pytest.mark.parametrize(
    ("limit", "sent", "fits"),
    [
        pytest.param("ANSWER_BYTES", flat(MANY), flat(MANY[:30]), id="JSON"),
        pytest.param("BINARY_BYTES", flat(MANY, outputs=BYTES), flat(MANY[:30]), id="bytes"),
        pytest.param("BINARY_BYTES", raw(MANY[:70], "FP64"), raw(MANY[:30], "FP64"), id="raw"),
    ],
)
def test_answers_over_the_limit_are_refused_with_the_way_out(
    echo: Echoes, limit: str, sent: Sent, fits: Sent
) -> None:
    """Packed or not: the JSON of an answer is held against the limit as it is."""
    client = echo((3,), **{f"LIMIT_{limit}": "2000"})
    for accepted in ("identity", "gzip"):
        refused = error(infer(client, sent, **{"accept-encoding": accepted}))
        assert refused.startswith("the answer has more than 2,000 bytes after ")
        assert refused.endswith(" matrices: send fewer at once")
        answer = infer(client, fits, **{"accept-encoding": accepted})
        assert answer.status_code == 200
        assert len(answer.content) <= 2000
