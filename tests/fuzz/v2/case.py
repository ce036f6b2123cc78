"""A request in its parts, so that each can be changed alone, and its form as a file."""

import base64
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from local.event import Event, http_event
from tests.fuzz.packing import PACK

HEADER_BYTES = "inference-header-content-length"
_OTHER_DIGITS = {ord("0") + n: chr(0x660 + n) for n in range(10)}
_MOST_BYTES = 70_000_000
_MOST_PLAIN_BYTES = 8_000_000  # of what is not packed

PACKINGS = tuple(PACK)


@dataclass(frozen=True, slots=True)
class Case:
    """A request.

    Attributes:
        service: whose handler gets it; the path may say something else.
        text: the JSON, or what is in its place.
        tail: the bytes behind it.
        repeat: ("text" or "tail", start, end, times): a part that is there many times, so that
            what is large is made of little.
        length: what the header of the JSON's length says: nothing, so many bytes more than there
            are, or literally that, where "#" is the right one, and "~" the same in other digits.
        packings: are applied one after the other.
        edits: (position, dropped bytes, inserted bytes) of what was packed.
        transport: how the body is in the event; see `_TRANSPORTS`.
    """

    service: str
    path: str
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()
    text: bytes = b""
    tail: bytes = b""
    repeat: tuple[str, int, int, int] | None = None
    length: int | str | None = None
    packings: tuple[str, ...] = ()
    edits: tuple[tuple[int, int, bytes], ...] = ()
    transport: str = "right"

    def to_bytes(self) -> bytes:
        """As a file, which a person can read."""
        return json.dumps(
            asdict(self), indent=1, default=lambda data: {"bytes": data.decode("latin-1")}
        ).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Case | None":
        """Read a file; None for one that holds no case."""
        try:
            parts = json.loads(content, object_hook=_parts)
            return cls(**{name: _frozen(value) for name, value in parts.items()})
        except (ValueError, TypeError, AttributeError):
            return None

    @property
    def size_bytes(self) -> int:
        """How much it is once it is unpacked."""
        size = len(self.text) + len(self.tail)
        if self.repeat is not None:
            size += self._repeated(self.repeat[0]) * max(0, self.repeat[3] - 1)
        return min(size, self._most_bytes)

    @property
    def _most_bytes(self) -> int:
        return _MOST_BYTES if self.packings else _MOST_PLAIN_BYTES

    def _repeated(self, name: str) -> int:
        _, start, end, _ = self.repeat or ("", 0, 0, 0)
        return len(getattr(self, name)[start:end])

    def body(self) -> bytes:
        """What travels: packed, and damaged."""
        body = self._part("text") + self._part("tail")
        for packing in self.packings:
            body = PACK[packing](body)
        for position, dropped, inserted in self.edits:
            start = position % (len(body) + 1)
            body = body[:start] + inserted + body[start + dropped :]
        return body

    def _part(self, name: str) -> bytes:
        data: bytes = getattr(self, name)
        if self.repeat is None or self.repeat[0] != name:
            return data
        _, start, end, times = self.repeat
        times = min(times, self._most_bytes // max(1, end - start))
        return data[:start] + data[start:end] * times + data[end:]

    def event(self) -> Event:
        """What API Gateway would make of it, or would not."""
        headers = dict(self.headers)
        if self.length is not None:
            right, stated = len(self._part("text")), self.length
            if isinstance(stated, str):
                other = str(right).translate(_OTHER_DIGITS)
                headers[HEADER_BYTES] = stated.replace("#", str(right)).replace("~", other)
            else:
                headers[HEADER_BYTES] = str(right + stated)
        event = http_event(self.method, self.path, self.body(), headers)
        event["headers"] |= headers  # a length of its own, too
        return _TRANSPORTS[self.transport](event)


def _parts(content: dict[str, Any]) -> Any:
    return content["bytes"].encode("latin-1") if set(content) == {"bytes"} else content


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _decoded(event: Event) -> bytes:
    return base64.b64decode(event["body"]) if event["isBase64Encoded"] else event["body"].encode()


def _with(event: Event, body: Any, flag: bool) -> Event:
    return event | {"body": body, "isBase64Encoded": flag}


def _encoded(event: Event) -> str:
    return base64.b64encode(_decoded(event)).decode()


def _plain(event: Event) -> str:
    return _decoded(event).decode(errors="replace")


def _version_1(event: Event) -> Event:
    http = event["requestContext"]["http"]
    return {
        "version": "1.0",
        "resource": "/{proxy+}",
        "path": http["path"],
        "httpMethod": http["method"],
        "headers": event["headers"],
        "multiValueHeaders": {name: [value] for name, value in event["headers"].items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"identity": {"sourceIp": "192.0.2.1"}},
        "body": event["body"],
        "isBase64Encoded": event["isBase64Encoded"],
    }


_TRANSPORTS: dict[str, Callable[[Event], Event]] = {
    "right": lambda event: event,
    "1.0": _version_1,
    "text": lambda event: _with(event, _plain(event), False),
    "base64": lambda event: _with(event, _encoded(event), True),
    "base64, not said": lambda event: _with(event, _encoded(event), False),
    "text, said to be base64": lambda event: _with(event, _plain(event), True),
    "base64 for addresses": lambda event: _with(
        event, base64.urlsafe_b64encode(_decoded(event)).decode(), True
    ),
    "base64 in lines": lambda event: _with(
        event, base64.encodebytes(_decoded(event)).decode(), True
    ),
    "base64, cut": lambda event: _with(event, _encoded(event)[:-1], True),
    "base64, unpadded": lambda event: _with(event, _encoded(event).rstrip("="), True),
    "base64 and more": lambda event: _with(event, _encoded(event) + "=", True),
    "base64, twice": lambda event: _with(event, _encoded(event) * 2, True),
    "base64, other bits": lambda event: _with(event, _encoded(event).replace("A=", "B="), True),
    "base64 with a letter": lambda event: _with(event, "é" + _encoded(event)[1:], True),
    "base64 with a blank": lambda event: _with(event, _encoded(event) + " ", True),
    "nothing": lambda event: _with(event, None, False),
    "nothing, said to be base64": lambda event: _with(event, None, True),
    "absent": lambda event: {name: value for name, value in event.items() if name != "body"},
    "empty": lambda event: _with(event, "", True),
}
TRANSPORTS = tuple(_TRANSPORTS)
