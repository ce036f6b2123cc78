"""Which events are such as AWS sends: written down from its pages, and by no code of ours."""

import json
from typing import Any
from urllib.parse import unquote_plus

from tests.fuzz.events.good import BUCKET

_LONGEST_KEY_BYTES = 1_024


def is_http(event: Any) -> bool:
    """Whether it is one of API Gateway's, or means to be."""
    if not isinstance(event, dict) or "requestContext" not in event:
        return False
    return "version" in event or "resource" in event


def is_proper(event: Any) -> bool:
    """Whether each member of a request has the type that API Gateway gives it."""
    if not is_http(event) or not isinstance(event["requestContext"], dict):
        return False
    flag = event.get("isBase64Encoded", False)
    if not isinstance(flag, bool) or not _is_text_or_none(event.get("body")):
        return False
    known = _is_version_2(event) if event.get("version") == "2.0" else _is_version_1(event)
    return known and _is_host(event)


def _is_version_2(event: dict[str, Any]) -> bool:
    http = event["requestContext"].get("http")
    return (
        isinstance(http, dict)
        and all(_is_text(http.get(name)) for name in ("method", "path", "sourceIp"))
        and _is_map(event.get("headers"), _is_text)
        and _is_text(event.get("rawQueryString"))
        and _is_list(event.get("cookies", []))
    )


def _is_version_1(event: dict[str, Any]) -> bool:
    identity = event["requestContext"].get("identity")
    many = ("multiValueHeaders", "multiValueQueryStringParameters")
    return (
        event.get("version", "1.0") == "1.0"
        and "resource" in event
        and isinstance(identity, dict)
        and _is_text(identity.get("sourceIp"))
        and all(_is_text(event.get(name)) for name in ("httpMethod", "path"))
        and _is_map(event.get("headers"), _is_text)
        and all(event.get(name) is None or _is_map(event[name], _is_list) for name in many)
        and (
            event.get("queryStringParameters") is None
            or _is_map(event["queryStringParameters"], _is_text)
        )
    )


def _is_host(event: dict[str, Any]) -> bool:
    """The headers that API Gateway sets itself."""
    headers = headers_of(event)
    name, _, port = headers.get("host", "h").partition(":")
    return (
        bool(name)
        and (not port or _is_port(port))
        and (":" in headers.get("host", "h")) == bool(port)
        and _is_port(headers.get("x-forwarded-port", "443"))
        and headers.get("x-forwarded-proto", "https") in {"http", "https"}
    )


def headers_of(event: dict[str, Any]) -> dict[str, str]:
    """By their names in lower case."""
    found = {name.lower(): value for name, value in event["headers"].items()}
    many = event.get("multiValueHeaders") if event.get("version") != "2.0" else None
    return found | {name.lower(): ", ".join(values) for name, values in (many or {}).items()}


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < int(text[:9]) < 65_536 and len(text) < 6


def _is_text(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_text_or_none(value: Any) -> bool:
    return value is None or _is_text(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_map(value: Any, of: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value)) and all(map(of, value.values()))


def is_delivery(event: Any) -> bool:
    """Whether each message is one of SQS, whatever it says."""
    records = event.get("Records") if isinstance(event, dict) else None
    return isinstance(records, list) and bool(records) and all(map(_is_message, records))


def _is_message(record: Any) -> bool:
    if not isinstance(record, dict) or not isinstance(record.get("attributes"), dict):
        return False
    count = record["attributes"].get("ApproximateReceiveCount")
    if not isinstance(count, str) or not (count.isascii() and count.isdecimal()):
        return False
    known = all(_is_text(record.get(name)) for name in ("messageId", "receiptHandle", "body"))
    return known and len(count) < 9 and int(count) > 0


def names(body: str) -> list[str] | None:
    """The documents that a message announces; None where it is none of S3's, or not for us."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict):
        return None
    if message.get("Event") == "s3:TestEvent":
        return []
    try:
        keys = list(_keys(message))
    except (KeyError, TypeError, AttributeError, ValueError):
        return None
    found = []
    for key in keys:
        if not isinstance(key, str):
            return None
        if key.endswith("/"):  # a folder, wherever it is
            continue
        if not key.startswith("uploads/"):
            return None
        name = key.removeprefix("uploads/")
        if not _is_text(name) or len(f"predictions/{name}.json".encode()) > _LONGEST_KEY_BYTES:
            return None
        found.append(name)
    return found


def _keys(message: dict[str, Any]) -> Any:
    if "detail" in message:
        detail = message["detail"]
        if message["detail-type"] == "Object Created":
            yield _of(detail["bucket"]["name"], detail["object"]["key"])
        return
    for record in message["Records"]:
        if record["eventName"].startswith("ObjectCreated:"):
            s3 = record["s3"]
            yield _of(s3["bucket"]["name"], unquote_plus(s3["object"]["key"], errors="strict"))


def _of(bucket: str, key: str) -> str:
    if bucket != BUCKET:
        raise ValueError("another bucket")
    return key
