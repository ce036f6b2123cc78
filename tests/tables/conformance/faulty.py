"""The service with a fault: its answers are edited, or its requests misread."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.tables.conformance.asks import LENGTH


@dataclass(slots=True)
class Answer:
    """An answer on its way out, in parts: bytes are behind the JSON."""

    status: int
    headers: dict[str, str]
    content: Any
    data: bytes


Edit = Callable[[Answer], None]


def leave(_: Answer) -> None:
    """Change nothing."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in what the service says, or in what it reads of a request.

    Attributes:
        rows: those whose checks must see it.
        reads: what it takes for something else, and that.
        path: where it has the fault.
    """

    what: str
    rows: Sequence[str]
    says: Edit = leave
    reads: tuple[str, str] = ("", "")
    path: str = "/v2"


@dataclass(frozen=True, slots=True)
class Faulty:
    """The service with a fault; it packs no responses."""

    app: ASGIApp
    fault: Fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http" or self.fault.path not in scope["path"]:
            await self.app(scope, receive, send)
            return
        sent: list[Message] = []

        async def read() -> Message:
            message = dict(await receive())
            old, new = (text.encode() for text in self.fault.reads)
            body = message.get("body", b"")
            # As long as it was: a header says how long the JSON is.
            message["body"] = body.replace(old, new.ljust(len(old))) if old else body
            return message

        async def keep(message: Message) -> None:
            sent.append(message)

        headers = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
        await self.app({**scope, "headers": headers}, read, keep)
        for message in _changed(sent, self.fault.says):
            await send(message)


def _changed(sent: Sequence[Message], edit: Edit) -> list[Message]:
    """The messages of an answer; its lengths are right again."""
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in sent[1:])
    length = int(headers.get(LENGTH, len(body)))
    answer = Answer(sent[0]["status"], headers, json.loads(body[:length]), body[length:])
    edit(answer)
    text = json.dumps(answer.content, separators=(",", ":")).encode()
    if LENGTH in answer.headers:
        answer.headers[LENGTH] = str(len(text))
    answer.headers["content-length"] = str(len(text + answer.data))
    pairs = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
    start = {"type": "http.response.start", "status": answer.status, "headers": pairs}
    return [start, {"type": "http.response.body", "body": text + answer.data}]
