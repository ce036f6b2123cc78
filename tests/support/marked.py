"""Requests with the marker in every place that a caller can write to."""

import gzip
import json
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from local.event import http_event
from serving.documents import Matrix
from tests.support.documents import POINTS, npy, npz, one, xml
from tests.support.markers import DIGITS, NUMBER

Headers = dict[str, str]
XML, NPZ = {"content-type": "application/xml"}, {"content-type": "application/x-npz"}
NPY, GZIP = {"content-type": "application/x-npy"}, {"content-encoding": "gzip"}
JSON = {"content-type": "application/json"}
BYTES = {"content-type": "application/octet-stream"}
_INFER = "/v2/models/demo/infer"
_EVERYWHERE = {
    "user-agent": f"agent-{DIGITS}",
    "cookie": f"session={DIGITS}",
    "accept-encoding": f"gzip;q=0.{DIGITS}",
    "x-forwarded-for": f"192.0.2.1, {DIGITS}",
    "authorization": f"Bearer {DIGITS}",
    f"x-{DIGITS}": DIGITS,
}


@dataclass(frozen=True)
class Request:
    """What is sent."""

    method: str
    path: str
    body: bytes = b""
    headers: Headers = field(default_factory=dict)

    @property
    def event(self) -> dict[str, Any]:
        """As API Gateway passes it on, with the marker in what every request may have."""
        event = http_event(self.method, self.path, self.body, _EVERYWHERE | self.headers)
        event["headers"] |= self.headers  # what is said of the body's length, too
        event["rawQueryString"] = f"q={DIGITS}&{DIGITS}"
        event["queryStringParameters"] = {"q": DIGITS, DIGITS: ""}
        event["requestContext"]["http"]["userAgent"] = DIGITS
        return event


def _values() -> Any:
    return np.full((POINTS, 1), NUMBER)


def documents() -> dict[str, Request]:
    """Documents in the body: good ones, and refused ones of every kind."""
    good = [Matrix(f"patient {DIGITS}", _values())]
    text = f"{DIGITS} " * POINTS
    twice = f"<matrix id='{DIGITS}'>{text}</matrix>" * 2
    big = np.full((2, POINTS, 1), NUMBER)
    bad = np.full((2, POINTS - 1, 1), NUMBER)
    within = {
        "text": (xml(good), XML),
        "elements": (xml(good, "values"), XML),
        "text, packed": (gzip.compress(xml(good)), XML | GZIP),
        "npz": (npz(good), NPZ),
        "npy": (npy(big), NPY),
        "npy, single": (npy(big.astype(np.float32)), NPY),
        "short": (one(f"{DIGITS} {DIGITS}", f' id="{DIGITS}"'), XML),
        "not a number": (one(f"x{DIGITS},{DIGITS}"), XML),
        "too large a number": (one(f"{DIGITS}e999 " * POINTS), XML),
        "beyond the model's type": (one(f"{DIGITS}e200 " * POINTS), XML),
        "no end": (f"<a x='{DIGITS}'><matrix>{DIGITS}".encode(), XML),
        "names": (f"<m{DIGITS} a{DIGITS}='{DIGITS}'>{DIGITS}</m{DIGITS}>".encode(), XML),
        "twice": (f"<a>{twice}</a>".encode(), XML),
        "a long id": (one("1", f' id="{DIGITS * 40}"'), XML),
        "shape": (one(text, f' shape="{DIGITS}"'), XML),
        "dtd": (f'<!DOCTYPE a [<!ENTITY e "{DIGITS}">]><a>&e;</a>'.encode(), XML),
        "encoding": (f'<?xml version="1.0" encoding="{DIGITS}"?><a/>'.encode(), XML),
        "UTF-16": (f"<a>{DIGITS}".encode("utf-16"), BYTES | {"content-type": "application/xml"}),
        "npy of another shape": (npy(bad), NPY),
        "npy, cut": (npy(big)[:-9], NPY),
        "npz, damaged": (npz(good)[:-40] + b"x" * 40, NPZ),
        "npz of text": (npz(good).replace(b"matrices", DIGITS[:8].encode()), NPZ),
        "an array of text": (npy(np.array([DIGITS] * 9)), NPY),
        "gzip, damaged": (gzip.compress(xml(good))[:-20] + DIGITS.encode() * 2, XML | GZIP),
        "another type": (DIGITS.encode(), {"content-type": f"text/{DIGITS}"}),
        "another packing": (DIGITS.encode(), XML | {"content-encoding": DIGITS}),
        "a length": (b"<a/>", XML | {"content-length": DIGITS}),
        "JSON that is none": (f'{{"url": {DIGITS}x'.encode(), JSON),
        "another member": (json.dumps({DIGITS: DIGITS}).encode(), JSON),
        "no text": (json.dumps({"url": int(DIGITS)}).encode(), JSON),
        "more than a URL": (json.dumps({"url": DIGITS * 2_000}).encode(), JSON),
    }
    return {name: Request("POST", "/predictions", *given) for name, given in within.items()}


def links(endpoint: str, signed: str) -> dict[str, Request]:
    """URLs of documents: one that is there, and those that are not followed, or end nowhere.

    Args:
        endpoint: of the stand-in for S3.
        signed: a presigned GET of a good document there.
    """
    signature = f"X-Amz-Signature={DIGITS}&X-Amz-Credential={DIGITS}"
    urls = {
        "followed": signed,
        "not there": f"{endpoint}/documents/uploads/{DIGITS}?{signature}",
        "another host": f"https://{DIGITS}.example.org/a?{signature}",
        "no such bucket": f"https://b{DIGITS}.s3.eu-west-3.invalid/a?{signature}",
        "another scheme": f"ftp://{DIGITS}/{DIGITS}?{signature}",
        "a port": f"https://s3.eu-west-3.amazonaws.com:{DIGITS}/a?{signature}",
        "letters": f"https://é{DIGITS}\n",
    }
    return {
        f"link: {name}": Request("POST", "/predictions", json.dumps({"url": url}).encode(), JSON)
        for name, url in urls.items()
    }


def inference() -> dict[str, Request]:
    """The Open Inference Protocol, as JSON, as bytes and raw."""

    def asked(**changed: Any) -> bytes:
        tensor = {"name": "input", "shape": [1, POINTS, 1], "datatype": "FP64"} | changed
        return json.dumps({"id": f"request {DIGITS}", "inputs": [tensor]}).encode()

    values = [int(DIGITS)] * POINTS
    raw = struct.pack(f"<{POINTS}d", *[NUMBER] * POINTS)
    header = asked(parameters={"binary_data_size": len(raw)})
    length = "inference-header-content-length"
    sized = BYTES | {length: str(len(header))}
    within = {
        "JSON": (asked(data=values), JSON),
        "bytes": (header + raw, sized),
        "bytes, packed": (gzip.compress(header + raw), sized | GZIP),
        "raw": (np.full((1, POINTS, 1), NUMBER, "<f4").tobytes(), BYTES | {length: "0"}),
        "raw, short": (raw[:-4], BYTES | {length: "0"}),
        "short": (asked(data=values[:-1]), JSON),
        "text": (asked(data=[DIGITS] * POINTS), JSON),
        "not finite": (asked(data=[]).replace(b"[]}", f"[NaN, {DIGITS}".encode()), JSON),
        "a name": (asked(data=values, name=DIGITS), JSON),
        "a datatype": (asked(data=values, datatype=DIGITS), JSON),
        "a shape": (asked(data=values, shape=[int(DIGITS), POINTS, 1]), JSON),
        "a long id": (json.dumps({"id": DIGITS * 40, "inputs": [{}]}).encode(), JSON),
        "a size": (asked(parameters={"binary_data_size": int(DIGITS)}) + raw, sized),
        "a length": (header + raw, BYTES | {length: DIGITS}),
        "a length that is none": (header + raw, BYTES | {length: f"x{DIGITS}"}),
        "cut": (header + raw[:100], sized),
    }
    found = {f"v2: {name}": Request("POST", _INFER, *given) for name, given in within.items()}
    for path in (f"/v2/models/{DIGITS}/infer", f"/v2/models/demo/versions/{DIGITS}/infer"):
        found[f"v2: {path}"] = Request("POST", path, asked(data=values), JSON)
    found["v2: another model"] = Request("GET", f"/v2/models/{DIGITS}")
    return found


def addresses() -> dict[str, Request]:
    """Addresses with the marker in them, and methods that nobody knows."""
    given = {
        "look-up": ("GET", f"/predictions/{DIGITS}"),
        "look-up, odd": ("GET", f"/predictions/{DIGITS}/a b\ud800"),
        "erase": ("DELETE", f"/predictions/{DIGITS}"),
        "a long name": ("DELETE", f"/predictions/{DIGITS * 200}"),
        "upload": ("POST", "/uploads"),
        "nothing there": ("GET", f"/{DIGITS}"),
        "another method": (f"M{DIGITS}", "/predictions"),
        "a method of no route": (f"M{DIGITS}", f"/{DIGITS}"),
        "limits": ("GET", "/limits"),
    }
    return {name: Request(*each) for name, each in given.items()}


def malformed() -> dict[str, Any]:
    """Events that API Gateway never sends, which the framework has no answer to."""
    event = Request("POST", "/predictions", f"<a>{DIGITS}".encode(), XML).event
    context = event["requestContext"]
    return {
        "no HTTP": {"Records": [DIGITS], DIGITS: DIGITS},
        "a text": DIGITS,
        "a list": [DIGITS, int(DIGITS)],
        "a port": event | {"headers": {"x-forwarded-port": f"x{DIGITS}"}},
        "a host": event | {"headers": {"host": f"a:{DIGITS}:b"}},
        "headers of a list": event | {"headers": [DIGITS]},
        "headers of numbers": event | {"headers": {DIGITS: int(DIGITS)}},
        "no method": event | {"requestContext": context | {"http": {DIGITS: DIGITS}}},
        "a version": event | {"version": DIGITS},
        "no base64": event | {"isBase64Encoded": True, "body": f"!{DIGITS}!"},
        "half a letter": event | {"body": f"<a>{DIGITS}\ud800</a>"},
        "a body of a list": event | {"body": [DIGITS]},
        "a context of text": event | {"requestContext": DIGITS},
        "version 1.0": {"version": "1.0", "path": f"/{DIGITS}", "httpMethod": DIGITS}
        | {"headers": {DIGITS: DIGITS}, "requestContext": {"requestId": f"a {DIGITS}"}},
    }
