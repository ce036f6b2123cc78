"""Whatever is sent: an answer or a 400, and no value of it in a log."""

import json
import logging
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from serving.model import Model
from tests.support.inference import (
    INFER,
    LENGTH,
    Sent,
    asked,
    behind,
    binary,
    echoing,
    error,
    flat,
    infer,
    packed,
    raw,
    request,
    text,
    told,
)

VALUES = np.arange(6.0).reshape(2, 3)
GOOD = [flat(VALUES), binary(VALUES), raw(VALUES, "FP64"), asked(id="a", parameters={"b": 1})]
GOOD += [packed(sent, encoding) for sent in GOOD for encoding in ("gzip", "deflate")]
LENGTHS = st.integers(0, 1000).map(str) | st.sampled_from(["-1", "", "x", "9" * 20])
ENCODINGS = st.sampled_from(["gzip", "deflate", "identity", "br", ""])


@pytest.fixture(scope="module")
def service(model: Model) -> Any:
    with echoing(model, (None,)) as client:
        yield client


def post(service: TestClient, sent: Sent) -> None:
    answer = infer(service, sent)
    assert answer.status_code in {200, 400}
    if answer.status_code == 400:
        error(answer)


@st.composite
def damaged(draw: st.DrawFn) -> Sent:
    """A request of which a part is cut out, put in or changed."""
    body, headers = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(body)))
        end = start + draw(st.integers(0, 20))
        body = body[:start] + draw(st.binary(max_size=20)) + body[end:]
    if draw(st.integers(0, 3)) == 0:
        headers = headers | {LENGTH: draw(LENGTHS)}
    if draw(st.integers(0, 5)) == 0:
        headers = headers | {"content-encoding": draw(ENCODINGS)}
    return body, headers


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUE = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
PLACES: list[tuple[Any, ...]] = [
    (),
    ("id",),
    ("parameters",),
    ("parameters", "binary_data_output"),
    ("parameters", "other"),
    ("outputs",),
    ("outputs", 0),
    ("outputs", 0, "name"),
    ("outputs", 0, "parameters"),
    ("outputs", 0, "parameters", "binary_data"),
    ("inputs",),
    ("inputs", 0),
    ("inputs", 0, "name"),
    ("inputs", 0, "shape"),
    ("inputs", 0, "shape", 1),
    ("inputs", 0, "datatype"),
    ("inputs", 0, "data"),
    ("inputs", 0, "data", 2),
    ("inputs", 0, "parameters"),
    ("inputs", 0, "parameters", "binary_data_size"),
]


@given(st.binary(max_size=300), LENGTHS, ENCODINGS)
def test_any_bytes_are_answered_or_refused(
    service: TestClient, body: bytes, length: str, encoding: str
) -> None:
    post(service, (body, {LENGTH: length, "content-encoding": encoding}))
    post(service, (body, {}))


@given(damaged())
def test_damaged_requests_are_answered_or_refused(service: TestClient, sent: Sent) -> None:
    post(service, sent)


@given(st.sampled_from(PLACES), VALUE)
def test_json_with_anything_anywhere_is_answered_or_refused(
    service: TestClient, place: tuple[Any, ...], value: Any
) -> None:
    outputs = [{"name": "output", "parameters": {"binary_data": True}}]
    content: Any = json.loads(asked(parameters={}, outputs=outputs)[0])
    content["inputs"][0]["parameters"] = {}
    whole = {"": content}
    node, last = whole, ""
    for part in place:
        node, last = node[last], part
    node[last] = value
    post(service, (json.dumps(whole[""]).encode(), {}))


MARKER = 867530.9375  # a float32
MARKED = "867530"
ALL = np.full((2, 3), MARKER)
BYTES = ALL.tobytes()


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(flat(ALL, "FP64"), id="JSON"),
        pytest.param(binary(ALL, "FP64"), id="bytes"),
        pytest.param(flat(ALL, "INT32"), id="JSON, datatype"),
        pytest.param(flat(ALL, "UINT8"), id="JSON, range"),
        pytest.param(flat(ALL, "BYTES"), id="JSON, no datatype"),
        pytest.param(text(f"[{MARKER}, NaN, {MARKER}]"), id="JSON, NaN"),
        pytest.param(told(shape=[1, 4], data=[MARKER] * 3), id="JSON, fewer"),
        pytest.param(told(shape=[1, 2], data=[MARKER] * 3), id="JSON, more"),
        pytest.param(told(shape=[1, 3], data=[[MARKER]]), id="JSON, nesting"),
        pytest.param(told(data=[MARKER, "8675309", None]), id="JSON, word"),
        pytest.param(told(data=MARKER), id="JSON, number"),
        pytest.param(told(shape=[MARKER, 3]), id="JSON, shape"),
        pytest.param(text(f"[{MARKER}, {MARKER} {MARKER}]"), id="no JSON"),
        pytest.param(text(f"[{MARKER}, {MARKER}e999, 1]"), id="JSON, too large"),
        pytest.param(text(f"[{MARKER}, 1.{'8675309' * 50_000}, 1]"), id="JSON, too long"),
        pytest.param(behind(request(ALL, "FP64"), BYTES), id="bytes, unsaid"),
        pytest.param((b'{"inputs": ' + BYTES, {}), id="bytes in JSON"),
        pytest.param((binary(ALL, "FP64")[0], {LENGTH: "867530"}), id="length"),
        pytest.param(raw(ALL[:, :1], "FP32"), id="raw"),
        pytest.param((packed(flat(ALL), "gzip")[0][:-5], {"content-encoding": "gzip"}), id="gzip"),
        pytest.param((flat(ALL)[0], {"content-encoding": "gzip"}), id="no gzip"),
        pytest.param((flat(ALL)[0], {"content-encoding": "deflate"}), id="no deflate"),
        pytest.param(asked(id=MARKED * 60), id="id"),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "int16"])
def test_no_log_holds_a_value(
    model: Model, caplog: pytest.LogCaptureFixture, capfd: Any, sent: Sent, dtype: str
) -> None:
    caplog.set_level(logging.DEBUG)
    client = echoing(model, (3,), dtype)
    assert client.post(INFER, content=sent[0], headers=sent[1]).status_code in {200, 400}
    told_all = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert MARKED not in told_all
    assert BYTES[:8].decode("latin-1") not in told_all
    written = capfd.readouterr()
    assert written.out == written.err == ""
