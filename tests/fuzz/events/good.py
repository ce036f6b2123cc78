"""Events that are right, of every kind, and what is to come of them."""

import base64
import gzip
import json
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote_plus

import numpy as np

from local.event import Event, http_event, load_event
from tests.fuzz.events.case import Case
from tests.support.documents import npy

BUCKET = "documents"
MARKER, VALUE = "geheim4711q", "0.7654321987"
SECRETS = (MARKER, VALUE)
XML = (
    f'<matrices><matrix id="{MARKER}">{VALUE} 2 3</matrix><matrix>1 {VALUE} 3</matrix></matrices>'
).encode()
WRONG = f'<matrices><matrix id="{MARKER}">{VALUE} 2</matrix></matrices>'.encode()
DECLARED = b'<?xml version="1.0" encoding="ISO-8859-1"?>' + XML
DAMAGED = f'<matrices><matrix id="{MARKER}">{VALUE} 2 3'.encode()
LONG = b"<a>%b</a>" % (f"<matrix>{VALUE} 2 3</matrix>".encode() * 40)
DOCUMENTS = {
    f"{MARKER} a+b%20.xml": (XML, 200),
    "packed.gz": (gzip.compress(XML, mtime=0), 200),
    "array.npy": (npy(np.ones((5, 3))), 200),
    f"{MARKER}/wrong.xml": (WRONG, 422),
    "damaged.xml": (DAMAGED, 400),
    "empty": (b"", 400),
    "long.xml": (LONG, 200),
}
DONE = "done.xml"  # has its result
_LINK = json.dumps({"url": f"https://documents.s3.eu-west-3.amazonaws.com/a?X-Amz-{MARKER}=1"})
_INFER = json.dumps(
    {
        "inputs": [
            {"name": "input", "shape": [1, 3], "datatype": "FP32", "data": [float(VALUE), 2, 3]}
        ]
    }
)
_TYPE = {"content-type": "application/xml"}
_BYTES = {"content-type": "application/octet-stream"}
_JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Request:
    """A request, and the status that it gets."""

    method: str
    path: str
    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


def _request(
    method: str, path: str, status: int, body: bytes = b"", headers: dict[str, str] | None = None
) -> Request:
    return Request(method, path, status, body, tuple((headers or {}).items()))


REQUESTS = (
    *(_request("GET", path, 200) for path in ("/health/live", "/health/ready", "/limits")),
    *(_request("GET", path, 200) for path in ("/schema.xsd", "/openapi.json", "/v2")),
    *(_request("GET", f"/v2/{path}", 200) for path in ("health/live", "models/dense")),
    _request("POST", "/predictions", 200, XML, _TYPE),
    _request(
        "POST",
        "/predictions",
        200,
        gzip.compress(XML, mtime=0),
        _TYPE | {"content-encoding": "gzip"},
    ),
    _request("POST", "/predictions", 200, npy(np.full((2, 3), float(VALUE))), _BYTES),
    _request("POST", "/predictions", 422, WRONG, _TYPE),
    _request("POST", "/predictions", 400, DAMAGED, _TYPE),
    _request("POST", "/predictions", 400, DECLARED, _TYPE),  # it came as text
    _request("POST", "/predictions", 415, XML, {"content-type": "image/png"}),
    _request("POST", "/predictions", 422, _LINK.encode(), _JSON),
    _request("POST", "/v2/models/dense/infer", 200, _INFER.encode(), _JSON),
    _request("POST", "/v2/models/dense/infer", 400, b'{"inputs": ["%b"]}' % MARKER.encode(), _JSON),
    _request("POST", "/uploads", 201),
    _request("GET", f"/predictions/{DONE}", 200),
    _request("GET", "/predictions/packed.gz", 202),
    _request("GET", f"/predictions/{MARKER}", 404),
    _request("DELETE", f"/predictions/{DONE}", 204),
    _request("DELETE", f"/predictions/{MARKER}", 404),
    _request("GET", f"/{MARKER}", 404),
    _request("PUT", "/limits", 405),
)


def event_of(request: Request, rng: Random) -> Event:
    """The event that API Gateway makes of a request, of one of the two versions."""
    event = http_event(request.method, request.path, request.body, dict(request.headers))
    event["headers"] |= {"x-note": MARKER, "authorization": f"Bearer {MARKER}"}
    if rng.random() < 0.5:
        event["rawQueryString"] = f"q={MARKER}&r=%20"
    if rng.random() < 0.3:
        event["cookies"] = [f"a={MARKER}", "b=c"]
    if not request.body and rng.random() < 0.5:
        del event["body"]
    return event if rng.random() < 0.6 else _version_1(event, rng)


def _version_1(event: Event, rng: Random) -> Event:
    http = event["requestContext"]["http"]
    many = {name: [value] for name, value in event["headers"].items()}
    query: Any = {"q": MARKER, "r": " "} if event["rawQueryString"] else None
    found = {
        "version": "1.0",
        "resource": "/{proxy+}",
        "path": http["path"],
        "httpMethod": http["method"],
        "headers": event["headers"],
        "multiValueHeaders": many if rng.random() < 0.8 else None,
        "queryStringParameters": query,
        "multiValueQueryStringParameters": query and {"q": [MARKER, "2"], "r": [" "]},
        "requestContext": {"identity": {"sourceIp": "192.0.2.1"}, "requestId": "a", "stage": "s"},
        "pathParameters": {"proxy": http["path"][1:]},
        "stageVariables": None,
        "body": event.get("body"),
        "isBase64Encoded": event["isBase64Encoded"],
    }
    if rng.random() < 0.4:  # as a REST API has it
        del found["version"]
    return found


def message(key: str, rng: Random) -> str:
    """What S3 says of a new object, by one of its two ways."""
    if rng.random() < 0.5:
        detail = {"bucket": {"name": BUCKET}, "object": {"key": key, "size": 5}}
        return json.dumps({"detail-type": "Object Created", "source": "aws.s3", "detail": detail})
    found: Any = json.loads(load_event("predict_s3_document")["Records"][0]["body"])
    [record] = found["Records"]
    record["s3"]["bucket"]["name"] = BUCKET
    record["s3"]["object"]["key"] = quote_plus(key, safe="/")
    if rng.random() < 0.2:
        record["eventName"] = "ObjectRemoved:Delete"
    return json.dumps(found)


def _key(rng: Random) -> str:
    names = (*DOCUMENTS, DONE, f"{MARKER} not there", "folder/")
    others = (f"elsewhere/{MARKER}", "uploads/", f"predictions/{MARKER}.json")
    return rng.choice(others) if rng.random() < 0.1 else f"uploads/{rng.choice(names)}"


def delivery(rng: Random) -> Event:
    """What Lambda makes of messages of the queue."""
    [first] = load_event("predict_s3_document")["Records"]
    records = []
    for position in range(rng.choice((1, 1, 2, 3, 6))):
        body = message(_key(rng), rng)
        if rng.random() < 0.15:
            body = rng.choice(
                (MARKER, '{"Event": "s3:TestEvent"}', "{}", "[]", "", '{"Records": []}')
            )
        tries = {"ApproximateReceiveCount": str(rng.choice((1, 1, 1, 2, 5, 9)))}
        records.append(
            first
            | {
                "messageId": f"id-{position}",
                "receiptHandle": f"receipt-{position}",
                "body": body,
                "attributes": first["attributes"] | tries,
            }
        )
    return {"Records": records}


def event(rng: Random) -> Case:
    """An event."""
    if rng.random() < 0.3:
        remaining_ms = rng.choice((300_000, 300_000, 300_000, 29_000, 31_000, 0))
        return Case("batch", json.dumps(delivery(rng)).encode(), remaining_ms)
    return Case("api", json.dumps(event_of(rng.choice(REQUESTS), rng)).encode())


def body_of(event: Event) -> bytes:
    """The body of a request; raises ValueError where it says what is not so."""
    body = event.get("body") or ""
    if event.get("isBase64Encoded"):
        return base64.b64decode(body, validate=True)
    content: bytes = body.encode()
    return content
