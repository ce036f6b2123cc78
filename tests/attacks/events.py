"""Requests whose document does not matter: headers, paths, methods, events that are none."""

import json
from typing import Any

from local.event import http_event
from tests.attacks.attack import FULL, NPZ, XML, Attack, Event, Make, Sent, matrix, post, raw

TITLE = "Headers, addresses and events"
_GOOD = matrix(FULL).encode()


def _with(**headers: str) -> Make:
    """A right document with other headers."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: post(_GOOD, XML | sent)


def _changed(**fields: Any) -> Make:
    """The event of a right document, some of it replaced."""

    def make(_: str) -> Sent:
        payload = json.dumps(http_event("POST", "/predictions", _GOOD, XML) | fields).encode()
        return Sent(payload, len(payload))

    return make


def _asked(path: str, method: str = "GET", query: str = "") -> Make:
    def make(_: str) -> Sent:
        event: Event = http_event(method, path) | {"rawQueryString": query}
        return Sent(json.dumps(event).encode(), len(path) + len(query))

    return make


def _lying(length: str) -> Sent:
    event = http_event("POST", "/predictions", _GOOD, XML)
    event["headers"]["content-length"] = length
    return Sent(json.dumps(event).encode(), len(_GOOD))


def _as_text() -> Sent:
    event = http_event("POST", "/predictions", b"", NPZ | {"content-encoding": "gzip"})
    event |= {"body": "PK\x03\x04\ufffd\ufffd", "isBase64Encoded": False}
    return Sent(json.dumps(event).encode(), 6)


# Who may send such events may invoke the function itself. Lambda counts an error.
_RAISES = "the handler raises EventError: the event cannot be handled"
_MANY = {f"x-{i}": "y" for i in range(10_000)}

CASES = [
    Attack("10,000 headers", lambda _: post(_GOOD, XML | _MANY), '200 "predictions"'),
    Attack("a header of 1 MB", _with(x="y" * 1_000_000), '200 "predictions"'),
    Attack(
        "a Content-Type of 1 MB",
        lambda _: post(_GOOD, {"content-type": "application/xml;" + " " * 1_000_000}),
        '200 "predictions"',
    ),
    Attack(
        "another Content-Type of 1 MB",
        lambda _: post(_GOOD, {"content-type": "x" * 1_000_000}),
        '415 the Content-Type is "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
    ),
    Attack("a Content-Length that is too small", lambda _: _lying("1"), '200 "predictions"'),
    Attack(
        "a Content-Length of 10^30",
        lambda _: _lying("1" + "0" * 30),
        "413 100000000000000000000000000000 bytes in one request; the lim",
    ),
    Attack(
        "a Content-Length of 1 MB",
        lambda _: _lying("9" * 1_000_000),
        "413 999999999999999999999999999999 bytes in one request; the lim",
    ),
    Attack("a Content-Length that is no number", lambda _: _lying("-1"), '200 "predictions"'),
    Attack("a Content-Length of superscripts", lambda _: _lying("²"), '200 "predictions"'),
    Attack(
        "a Transfer-Encoding that lies", _with(transfer_encoding="chunked"), '200 "predictions"'
    ),
    Attack(
        "packed by gzip a thousand times, it says",
        _with(content_encoding="gzip, " * 1_000),
        '415 the Content-Encoding is "gzip, gzip, gzip, gzip, gzip, gzip,',
    ),
    Attack(
        "a Content-Encoding that is not known",
        _with(content_encoding="br"),
        '415 the Content-Encoding is "br", expected gzip or none',
    ),
    Attack("gzip declared, and it is not", _with(content_encoding="gzip"), '200 "predictions"'),
    Attack("line breaks in a header", _with(x="a\r\nset-cookie: b"), '200 "predictions"'),
    Attack("another Host", _with(host="evil.example"), '200 "predictions"'),
    Attack(
        "10,000 languages and types accepted",
        _with(accept="a/b;q=0.1," * 10_000),
        '200 "predictions"',
    ),
    Attack(
        "a method that is none",
        _asked("/predictions", "x" * 100_000),
        "405 xxxxxxxxxxxxxxxxxxxx /predictions: Method Not Allowed; see /",
    ),
    Attack(
        "TRACE",
        _asked("/predictions", "TRACE"),
        "405 TRACE /predictions: Method Not Allowed; see /openapi.json",
    ),
    Attack(
        "an address of 1 MB",
        _asked("/" + "x" * 1_000_000),
        "404 GET /xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ),
    Attack(
        "an address of 300,000 slashes",
        _asked("/" * 300_000),
        "404 GET ////////////////////////////////////////////////////////",
    ),
    Attack(
        "an address above the root",
        _asked("/../../etc/passwd"),
        "404 GET /../../etc/passwd: Not Found; see /openapi.json",
    ),
    Attack(
        "the same, percent-encoded",
        _asked("/%2e%2e/%2e%2e/etc/passwd"),
        "404 GET /../../etc/passwd: Not Found; see /openapi.json",
    ),
    Attack(
        "NUL in an address",
        _asked("/predictions%00.xml"),
        "404 GET /predictions\u0000.xml: Not Found; see /openapi.json",
    ),
    Attack(
        "bytes in an address that are no text",
        _asked("/%ff%fe%c0%80"),
        "404 GET /����: Not Found; see /openapi.json",
    ),
    Attack(
        "half a surrogate pair in an address",
        _asked("/\ud800"),
        "404 GET /?: Not Found; see /openapi.json",
    ),
    Attack(
        "a page in an address",
        _asked("/<script>alert(1)</script>"),
        "404 GET /<script>alert(1)</script>: Not Found; see /openapi.json",
    ),
    Attack("a query of 1 MB", _asked("/limits", query="a=b&" * 250_000), '200 "output"'),
    Attack(
        "a body that is not base64",
        _changed(body="*" * 1_000_000, isBase64Encoded=True),
        "400 the event says that its body is base64, and it is not",
    ),
    Attack(
        "base64 that is cut",
        _changed(body="PGE+P", isBase64Encoded=True),
        "400 the event says that its body is base64, and it is not",
    ),
    Attack(
        "base64 with line breaks",
        _changed(body="PGE+\nPC9hPg==", isBase64Encoded=True),
        "400 the event says that its body is base64, and it is not",
    ),
    Attack(
        "bytes that became text",
        lambda _: _as_text(),
        "400 bytes came as text: send them as application/octet-stream",
    ),
    Attack(
        "half a surrogate pair in a body",
        _changed(body="<a>\ud800</a>"),
        "400 the event's body is not text",
    ),
    Attack("no body", _changed(body=None), "400 empty document"),
    Attack(
        "a body that is a number",
        _changed(body=5),
        "400 the event's body is missing, or not of the type that it has",
    ),
    Attack(
        "a body that is an object",
        _changed(body={"a": "b"}),
        "400 the event's body is missing, or not of the type that it has",
    ),
    Attack(
        "headers that are a list",
        _changed(headers=[]),
        "400 the event's headers is missing, or not of the type that it has",
    ),
    Attack(
        "headers that are null",
        _changed(headers=None),
        '415 the Content-Type is "", expected one of',
    ),
    Attack(
        "a header that is a number",
        _changed(headers={"content-type": 5}),
        "400 the event's headers is missing, or not of the type that it has",
    ),
    Attack(
        "a query that is null",
        _changed(rawQueryString=None),
        "200",
    ),
    Attack(
        "no address of the sender",
        _changed(requestContext={"http": {"method": "GET", "path": "/limits"}}),
        "400 the event's sourceIp is missing, or not of the type that it has",
    ),
    Attack(
        "an event of nothing",
        raw({}),
        _RAISES,
    ),
    Attack(
        "an event that is a list",
        raw([]),
        _RAISES,
    ),
    Attack(
        "an event that is a text",
        raw("x"),
        _RAISES,
    ),
    Attack(
        "an event that is null",
        raw(None),
        _RAISES,
    ),
    Attack(
        "an event of S3 at the HTTP function",
        raw({"Records": [{"eventSource": "aws:s3"}]}),
        _RAISES,
    ),
]
