"""The protocol through Lambda: events in, text or base64 in and out."""

import base64
import gzip
import json
import zlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from local.event import body_of, http_event
from predict.api import create_app
from predict.events import Handler
from predict.gateway import create_handler
from serving.model import Model
from serving.settings import Settings
from tests.support.inference import (
    INFER,
    LENGTH,
    Sent,
    asked,
    binary,
    every_form,
    flat,
    infer,
    output,
    packed,
    raw,
    tensor_of,
)

CONTEXT = SimpleNamespace(aws_request_id="1")
VALUES = np.random.default_rng(3).standard_normal((2, 5000, 1)).astype(np.float32)
UNPACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "deflate": zlib.decompress}


@pytest.fixture(scope="module")
def handler(app: FastAPI) -> Handler:
    return create_handler(app)


def handle(handler: Handler, sent: Sent, path: str = INFER, **headers: str) -> dict[str, Any]:
    body, needed = sent
    headers = {"content-type": "application/json"} | needed | headers
    return handler(http_event("POST", path, body, headers), CONTEXT)


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        ({LENGTH: "0"}, "\x00\x00\ufffd?", "bytes came as text"),
        ({"Content-Encoding": "gzip"}, "\x1f\ufffd", "bytes came as text"),
        ({}, "\ud800", "the event's body is not text"),
    ],
)
def test_text_that_was_bytes_is_refused(
    handler: Handler, headers: dict[str, str], body: str, reason: str
) -> None:
    """API Gateway may take bytes for text, by their content type, and replace what is none."""
    event = http_event("POST", INFER, b"", {"content-type": "application/json"})
    event["headers"] |= headers
    event |= {"body": body, "isBase64Encoded": False}
    answer = handler(event, CONTEXT)
    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["error"].startswith(reason)


def test_every_form_gives_the_numbers_of_http(handler: Handler, client: TestClient) -> None:
    wanted = output(infer(client, binary(VALUES)))
    for name, sent in every_form(VALUES).items():
        answer = handle(handler, sent)
        assert answer["statusCode"] == 200, name
        found = tensor_of(body_of(answer), answer["headers"].get(LENGTH))
        assert found.tolist() == wanted.tolist(), name
        # Bytes travel in base64, whatever they are.
        assert answer["isBase64Encoded"] == (LENGTH in answer["headers"])


@pytest.mark.parametrize("content_type", ["application/octet-stream", "", "text/plain"])
def test_json_may_come_as_text_or_as_base64(handler: Handler, content_type: str) -> None:
    for sent in (flat(VALUES), binary(VALUES), raw(VALUES)):
        answer = handle(handler, sent, **{"content-type": content_type})
        assert answer["statusCode"] == 200
    body, _ = flat(VALUES)
    event = http_event("POST", INFER, body, {})
    assert event["isBase64Encoded"]
    del event["headers"]["content-length"]
    text = event | {"body": body.decode(), "isBase64Encoded": False}
    assert handler(event, CONTEXT)["body"] == handler(text, CONTEXT)["body"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("as_bytes", [True, False])
def test_packed_answers_travel_in_base64(model: Model, encoding: str, as_bytes: bool) -> None:
    settings = Settings.from_env({"MODEL_DIR": "none", "BATCH_SIZE": "50"})
    handler = create_handler(create_app(model, settings))
    many = np.tile(VALUES, (60, 1, 1))
    sent = packed(binary(many, parameters={"binary_data_output": as_bytes}), "gzip")
    answer = handle(handler, sent, **{"accept-encoding": encoding})
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, True)
    assert answer["headers"]["content-encoding"] == encoding
    content = UNPACK[encoding](base64.b64decode(answer["body"], validate=True))
    length = answer["headers"].get(LENGTH)
    assert (length is not None) == as_bytes
    assert tensor_of(content, length).shape == (120, 2)


def test_short_answers_travel_as_text(handler: Handler) -> None:
    answer = handle(handler, flat(VALUES, id="ä"), **{"accept-encoding": "gzip"})
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, False)
    assert json.loads(answer["body"])["id"] == "ä"


@pytest.mark.parametrize(
    "body", ["not base64!", "\u00e9", "YQ", "!!YQ==", "YQ==\n", "YQ==YQ=", "="]
)
@pytest.mark.parametrize("path", [INFER, "/v2", "/v2/nothing"])
def test_damaged_base64_is_an_error_of_the_protocol(handler: Handler, path: str, body: str) -> None:
    event = http_event("POST", path, b"x", {}) | {"body": body}
    answer = handler(event, CONTEXT)
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (400, False)
    assert answer["headers"]["content-type"] == "application/json"
    content = json.loads(answer["body"])
    assert set(content) == {"error"}
    assert "base64" in content["error"]


@pytest.mark.parametrize(
    ("path", "sent", "status"),
    [
        pytest.param(INFER, asked(), 400, id="shape"),
        pytest.param(INFER, (b"", {}), 400, id="empty"),
        pytest.param(INFER, (b"\xff\xfe", {}), 400, id="not text"),
        pytest.param(INFER, (bytes(4_500_001), {LENGTH: "0"}), 400, id="too long"),
        pytest.param("/v2/models/other/infer", flat(VALUES), 404, id="model"),
        pytest.param("/v2/models/demo/versions/9/infer", flat(VALUES), 404, id="version"),
        pytest.param("/v2/nothing", flat(VALUES), 404, id="nothing"),
        pytest.param("/v2", flat(VALUES), 405, id="method"),
    ],
)
def test_errors_travel_as_text(handler: Handler, path: str, sent: Sent, status: int) -> None:
    answer = handle(handler, sent, path, **{"accept-encoding": "gzip"})
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (status, False)
    assert answer["headers"]["content-type"] == "application/json"
    assert set(json.loads(answer["body"])) == {"error"}


def test_payload_format_1_is_read(handler: Handler) -> None:
    body, headers = raw(VALUES)
    event: dict[str, Any] = {
        "version": "1.0",
        "resource": "/{proxy+}",
        "path": INFER,
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": http_event("POST", INFER)["requestContext"],
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }
    answer = handler(event, CONTEXT)
    found = answer["headers"] | {k: v[0] for k, v in answer.get("multiValueHeaders", {}).items()}
    assert tensor_of(body_of(answer), found[LENGTH]).shape == (2, 2)
    refused = handler(event | {"body": "!"}, CONTEXT)
    assert set(json.loads(refused["body"])) == {"error"}
