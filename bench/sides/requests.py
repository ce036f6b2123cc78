"""Requests through a handler, whichever it is: the command that both sides share."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import Any

from local.event import body_of

Handler = Callable[[Any, Any], Any]
Read = Callable[[bytes], dict[str, Any]]


def timed(work: Callable[[], Any], times: int) -> list[float]:
    """Milliseconds of each call."""
    found = []
    for _ in range(times):
        start = perf_counter()
        work()
        found.append((perf_counter() - start) * 1e3)
    return found


def _predictions(body: bytes) -> dict[str, Any]:
    return {p["id"]: p["output"] for p in json.loads(body)["predictions"]}


def handle(
    handler: Handler, event: str, times: int, warm: int = 0, read: Read = _predictions
) -> dict[str, Any]:
    """Send an event some times; the milliseconds, and what was predicted.

    Args:
        warm: requests before those, since another process had the caches of the processor.
        read: what was predicted, from the body of an answer.
    """
    content = _load(event)
    answers: list[Any] = []

    def once() -> None:
        answers[:] = [handler(content, SimpleNamespace(aws_request_id="1"))]

    taken = timed(once, warm + times)[warm:]
    answer = answers[0]
    if answer["statusCode"] != 200:
        raise RuntimeError(f"{event}: {answer['body'][:500]}")
    return {"ms": taken, "outputs": read(body_of(answer))}


@cache
def _load(path: str) -> Any:
    return json.loads(Path(path).read_text())
