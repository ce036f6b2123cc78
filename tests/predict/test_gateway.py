"""The Lambda edge: API Gateway events in both payload formats, text and base64."""

import base64
import gzip
import json
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI

from local.event import http_event, load_event
from predict.events import Handler
from predict.gateway import create_handler
from tests.support.documents import every_form, matrices, one, xml

CONTEXT = SimpleNamespace(aws_request_id="1")
XML = {"content-type": "application/xml"}


@pytest.fixture(scope="module")
def handler(app: FastAPI) -> Handler:
    return create_handler(app)


def test_handler_answers_as_text(handler: Handler) -> None:
    answer = handler(http_event("POST", "/predictions", xml(matrices(2)), XML), CONTEXT)
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, False)
    assert len(json.loads(answer["body"])["predictions"]) == 2


def test_handler_answers_the_same_in_every_form(handler: Handler) -> None:
    bodies = {
        handler(http_event("POST", "/predictions", body, headers), CONTEXT)["body"]
        for body, headers in every_form(matrices(4)).values()
    }
    assert len(bodies) == 1


def test_problems_travel_as_text(handler: Handler) -> None:
    answer = handler(http_event("POST", "/predictions", one("1 2"), XML), CONTEXT)
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (422, False)
    assert json.loads(answer["body"])["matrix"] == "0"


def test_handler_reads_payload_format_1(handler: Handler) -> None:
    event: dict[str, Any] = {
        "version": "1.0",
        "resource": "/{proxy+}",
        "path": "/predictions",
        "httpMethod": "POST",
        "headers": {"content-type": "application/xml", "content-encoding": "gzip"},
        "multiValueHeaders": {
            "content-type": ["application/xml"],
            "content-encoding": ["gzip"],
        },
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": load_event("predict_http_document")["requestContext"],
        "body": base64.b64encode(gzip.compress(xml(matrices(1)))).decode(),
        "isBase64Encoded": True,
    }
    assert handler(event, CONTEXT)["statusCode"] == 200


def test_handler_refuses_what_is_not_base64(handler: Handler) -> None:
    event = http_event("POST", "/predictions", b"x", {"content-type": "application/gzip"})
    for body in ("not base64!", "\u00e9", "YQ", "!!YQ=="):
        answer = handler(event | {"body": body}, CONTEXT)
        assert answer["statusCode"] == 400
        assert "base64" in json.loads(answer["body"])["detail"]


def test_handler_refuses_text_that_declares_another_encoding(handler: Handler) -> None:
    document = '<?xml version="1.0" encoding="ISO-8859-1"?><matrices/>'
    answer = handler(http_event("POST", "/predictions", document.encode(), XML), CONTEXT)
    assert answer["statusCode"] == 400
    assert "ISO-8859-1" in json.loads(answer["body"])["detail"]


def test_handler_answers_an_address_that_is_not_text(handler: Handler) -> None:
    event = http_event("GET", "/")
    event["rawPath"] = event["requestContext"]["http"]["path"] = "/\ud800" + "x" * 100_000
    answer = handler(event, CONTEXT)
    assert answer["statusCode"] == 404
    assert len(answer["body"]) < 3000


def test_handler_fails_aloud_on_events_that_are_not_http(handler: Handler) -> None:
    with pytest.raises(RuntimeError):
        handler({"Records": []}, CONTEXT)
