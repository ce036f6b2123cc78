"""Events of any shape: what is meant for an HTTP API gets an answer, all else an error."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI

from local.event import http_event
from predict.events import Handler
from predict.gateway import create_handler

CONTEXT = SimpleNamespace(aws_request_id="1")
VERSION_1: dict[str, Any] = {
    "resource": "/{proxy+}",
    "path": "/limits",
    "httpMethod": "GET",
    "headers": None,
    "multiValueHeaders": None,
    "queryStringParameters": None,
    "requestContext": {},
    "body": None,
}


@pytest.fixture(scope="module")
def handler(app: FastAPI) -> Handler:
    return create_handler(app)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"headers": {"host": "a:b:c"}}, "the Host is not a name", id="two colons"),
        pytest.param({"headers": {"host": "a:port"}}, "the Host is not a name", id="no port"),
        pytest.param({"headers": {"x-forwarded-port": ""}}, "x-forwarded-port", id="empty port"),
        pytest.param({"headers": {"a": None}}, "the event's headers", id="no text"),
        pytest.param({"headers": {"a": "\ud800"}}, "the event's headers", id="half a pair"),
        pytest.param({"headers": ["a"]}, "the event's headers", id="a list"),
        pytest.param({"requestContext": {"http": None}}, "the event's method", id="no method"),
        pytest.param({"requestContext": "x"}, "the event's requestContext", id="a text"),
        pytest.param({"rawQueryString": 1}, "the event's rawQueryString", id="a number"),
        pytest.param({"cookies": [1]}, "the event's cookies", id="numbers"),
        pytest.param({"body": {}}, "the event's body", id="an object"),
        pytest.param({"isBase64Encoded": "yes"}, "isBase64Encoded", id="yes"),
        pytest.param({"version": 2}, "the event's version", id="another version"),
        pytest.param({"version": None}, "the event's version", id="no version"),
    ],
)
def test_an_odd_event_is_refused(handler: Handler, changes: dict[str, Any], reason: str) -> None:
    answer = handler(http_event("GET", "/limits") | changes, CONTEXT)
    assert answer["statusCode"] == 400
    assert reason in json.loads(answer["body"])["detail"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({}, 200, id="as a REST API has it"),
        pytest.param({"multiValueHeaders": {"Host": ["a:443"]}}, 200, id="a port"),
        pytest.param({"queryStringParameters": {"a": "b"}}, 200, id="a query"),
        pytest.param({"multiValueQueryStringParameters": {"a": ["b", "c"]}}, 200, id="twice"),
        pytest.param({"multiValueHeaders": {"a": [1]}}, 400, id="a number"),
        pytest.param({"httpMethod": None}, 400, id="no method"),
        pytest.param({"path": 1}, 400, id="no path"),
        pytest.param({"requestContext": {"identity": []}}, 400, id="no identity"),
        pytest.param({"requestContext": {"elb": {}}}, 200, id="a balancer's"),
    ],
)
def test_events_of_version_1(handler: Handler, changes: dict[str, Any], status: int) -> None:
    assert handler(VERSION_1 | changes, CONTEXT)["statusCode"] == status


@pytest.mark.parametrize(
    "event",
    [
        *({}, [], None, "x", 1, {"version": "2.0"}, {"requestContext": {}}),
        {"Records": [{"cf": {"request": {}}}]},
        {"requestContext": {"elb": {}}, "path": "/", "httpMethod": "GET", "headers": {}},
    ],
)
def test_what_is_no_request_is_an_error(handler: Handler, event: Any) -> None:
    with pytest.raises(RuntimeError, match="not one of an HTTP API"):
        handler(event, CONTEXT)
