"""Events of API Gateway: which are some, and the parts of them that are used, by their types.

What is of another type would let Mangum raise, or reach the app as what no request can be.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from serving.errors import MalformedError

Event = dict[str, Any]
Handler = Callable[[Event, Any], dict[str, Any]]
_T = TypeVar("_T")

_HOST = re.compile(r"[^:]+(?::[0-9]{1,5})?", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)


def check(event: Any) -> Event:
    """The parts of an event that are used, in the shape that Mangum takes for granted.

    Raises:
        RuntimeError: it is not an event of an HTTP API; Lambda then counts an error.
        MalformedError: it is one that API Gateway does not send; names the part.
    """
    if not is_http(event):
        raise RuntimeError("the event is not one of an HTTP API")
    version = event.get("version", "1.0")  # which a REST API leaves out
    if version not in ("1.0", "2.0"):
        raise MalformedError('the event\'s version is neither "2.0" nor "1.0"')
    parts = _version_2(event) if version == "2.0" else _version_1(event)
    flag = event.get("isBase64Encoded")
    if not isinstance(flag, bool | None):
        raise _wrong("isBase64Encoded")
    body = event.get("body")
    if not isinstance(body, str | None):
        raise _wrong("body")
    return parts | {"version": version, "body": body or "", "isBase64Encoded": bool(flag)}


def is_http(event: Any) -> bool:
    """Whether an event is one of API Gateway's, or means to be."""
    is_request = isinstance(event, dict) and "requestContext" in event
    return is_request and ("version" in event or "resource" in event)


def path_of(event: Event) -> str:
    """The address of a request, as far as it has one."""
    path = event.get("rawPath") or event.get("path")
    return path if isinstance(path, str) else ""


def _version_2(event: Event) -> Event:
    http = _part(_part(event, "requestContext", _map), "http", _map)
    address = {"method": _part(http, "method", _text), "path": _part(http, "path", _any_text)}
    return {
        "headers": _checked_headers(_headers(event)),
        "cookies": _part(event, "cookies", _texts),
        "rawQueryString": _part(event, "rawQueryString", _optional_text),
        "requestContext": {"http": address | {"sourceIp": _part(http, "sourceIp", _text)}},
    }


def _version_1(event: Event) -> Event:
    identity = _part(_part(event, "requestContext", _map), "identity", _map)
    many = _part(event, "multiValueHeaders", _map_of_texts)
    joined = {name.lower(): ", ".join(values) for name, values in many.items()}
    return {
        "httpMethod": _part(event, "httpMethod", _text),
        "path": _part(event, "path", _any_text),
        "headers": _checked_headers(_headers(event) | joined),
        "queryStringParameters": _part(event, "queryStringParameters", _map_of_text),
        "multiValueQueryStringParameters": _part(
            event, "multiValueQueryStringParameters", _map_of_texts
        ),
        "requestContext": {"identity": {"sourceIp": _part(identity, "sourceIp", _optional_text)}},
    }


def _headers(event: Event) -> dict[str, str]:
    headers = _part(event, "headers", _map_of_text)
    return {name.lower(): value for name, value in headers.items()}


def _checked_headers(headers: dict[str, str]) -> dict[str, str]:
    """Those that Mangum makes numbers of; API Gateway sets them itself."""
    if not _HOST.fullmatch(headers.get("host", "none")):
        raise MalformedError("the Host is not a name, or a name and a port")
    if not _PORT.fullmatch(headers.get("x-forwarded-port", "443")):
        raise MalformedError("the header x-forwarded-port is not a number")
    return headers


def _part(holder: Event, name: str, read: Callable[[Any], _T | None]) -> _T:
    found = read(holder.get(name))
    if found is None:
        raise _wrong(name)
    return found


def _wrong(name: str) -> MalformedError:
    return MalformedError(f"the event's {name} is missing, or not of the type that it has")


def _map(value: Any) -> Event | None:
    return {} if value is None else value if isinstance(value, dict) else None


def _any_text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _text(value: Any) -> str | None:
    """Text that has bytes: no half of a surrogate pair."""
    try:
        return value if isinstance(value, str) and value.encode() is not None else None
    except UnicodeEncodeError:
        return None


def _optional_text(value: Any) -> str | None:
    return "" if value is None else _text(value)


def _texts(value: Any) -> list[str] | None:
    if value is None:
        return []
    is_list = isinstance(value, list) and all(_text(each) is not None for each in value)
    return value if is_list else None


def _map_of(value: Any, read: Callable[[Any], Any]) -> Event | None:
    found = _map(value)
    if found is None or any(_text(name) is None for name in found):
        return None
    return None if any(each is None or read(each) is None for each in found.values()) else found


def _map_of_text(value: Any) -> dict[str, str] | None:
    return _map_of(value, _text)


def _map_of_texts(value: Any) -> dict[str, list[str]] | None:
    return _map_of(value, _texts)
