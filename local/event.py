"""A document as the event that API Gateway would make of it."""

import base64
import json
from pathlib import Path
from typing import Any

Event = dict[str, Any]

EVENTS = Path(__file__).parents[1] / "events"
# What an HTTP API passes on as text; everything else becomes base64.
_TEXT = ("text/", "application/json", "application/xml", "application/javascript")
_TYPES = {".xml": "application/xml", ".npz": "application/x-npz", ".npy": "application/x-npy"}


def load_event(name: str) -> Event:
    """An event of the folder events/, by its name without .json."""
    event: Event = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return event


def http_event(
    method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> Event:
    """An HTTP API event, payload format 2.0.

    Args:
        headers: with lower-case names; a body is text or base64 by its content type, and base64
            where it is not UTF-8.
    """
    event = load_event("predict_http_document")
    headers = headers or {}
    event["rawPath"] = event["requestContext"]["http"]["path"] = path
    event["requestContext"]["http"]["method"] = method
    if "content-type" not in headers:
        del event["headers"]["content-type"]
    event["headers"] |= headers | {"content-length": str(len(body))}
    is_text = headers.get("content-type", "").startswith(_TEXT) and _is_utf8(body)
    packed = headers.get("content-encoding", "identity") != "identity"
    event["isBase64Encoded"] = not is_text or packed
    event["body"] = base64.b64encode(body).decode() if event["isBase64Encoded"] else body.decode()
    return event


def headers_of(path: Path) -> dict[str, str]:
    """The headers that a client would send with a file, by its name."""
    suffixes = path.suffixes[-2:]
    packed = bool(suffixes) and suffixes[-1] == ".gz"
    kind = suffixes[0] if packed else (suffixes[-1] if suffixes else "")
    headers = {"content-type": _TYPES.get(kind, "application/xml")}
    return headers | ({"content-encoding": "gzip"} if packed else {})


def body_of(answer: Event) -> bytes:
    """The body of a Lambda answer."""
    body: str = answer.get("body", "")
    return base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
