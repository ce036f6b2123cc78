"""An attack: what is sent to the whole Lambda handler, and what must come back."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local.event import http_event

Event = dict[str, Any]
Headers = dict[str, str]

XML = {"content-type": "application/xml"}
PACKED = XML | {"content-encoding": "gzip"}
NPZ = {"content-type": "application/x-npz"}
JSON = {"content-type": "application/json"}
POINTS = 5000  # values of a matrix of the demo model


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as Lambda hands it over.

    Attributes:
        payload: the event, as JSON.
        size_bytes: of the body as its sender sends it.
        unpacked_bytes: what that unpacks to, or would; None where nothing is packed.
    """

    payload: bytes
    size_bytes: int
    unpacked_bytes: int | None = None


Make = Callable[[str], Sent]


@dataclass(frozen=True, slots=True)
class Attack:
    """A row of the table.

    Attributes:
        what: in words.
        make: the request; its argument is where a listener waits that nothing may reach.
        outcome: the status and a fragment of the text that must come back.
        env: the function's environment variables, on top of the usual ones.
    """

    what: str
    make: Make
    outcome: str
    env: dict[str, str] = field(default_factory=dict)


def post(
    body: bytes,
    headers: Headers | None = None,
    path: str = "/predictions",
    unpacked_bytes: int | None = None,
) -> Sent:
    """A body in the event that API Gateway makes of it."""
    event = http_event("POST", path, body, headers)
    return Sent(json.dumps(event).encode(), len(body), unpacked_bytes)


def packed(body: bytes, level: int = 9) -> Sent:
    """An XML document, packed."""
    return post(gzip.compress(body, level), PACKED, unpacked_bytes=len(body))


def document(body: str | bytes, headers: Headers | None = None) -> Make:
    """A body that is the same wherever the listener is; XML where nothing else is said."""
    content = body.encode() if isinstance(body, str) else body
    return lambda _: post(content, XML if headers is None else headers)


def raw(event: Any) -> Make:
    """An event that no API Gateway makes."""
    payload = json.dumps(event).encode()
    return lambda _: Sent(payload, len(payload))


def matrix(values: str, attributes: str = "") -> str:
    """A document of one matrix."""
    return f"<matrices><matrix{attributes}>{values}</matrix></matrices>"


FULL = "0.5 " * POINTS
