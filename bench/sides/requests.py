"""Requests through a handler, whichever it is: the command that both sides share."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import Any

Handler = Callable[[Any, Any], Any]


def timed(work: Callable[[], Any], times: int) -> list[float]:
    """Milliseconds of each call."""
    found = []
    for _ in range(times):
        start = perf_counter()
        work()
        found.append((perf_counter() - start) * 1e3)
    return found


def handle(handler: Handler, event: str, times: int, warm: int = 0) -> dict[str, Any]:
    """Send an event some times; the milliseconds, and what was predicted.

    Args:
        warm: requests before those, since another process had the caches of the processor.
    """
    content = _load(event)
    answers: list[Any] = []

    def once() -> None:
        answers[:] = [handler(content, SimpleNamespace(aws_request_id="1"))]

    taken = timed(once, warm + times)[warm:]
    answer = answers[0]
    if answer["statusCode"] != 200:
        raise RuntimeError(f"{event}: {answer['body'][:500]}")
    predictions = json.loads(answer["body"])["predictions"]
    return {"ms": taken, "outputs": {p["id"]: p["output"] for p in predictions}}


@cache
def _load(path: str) -> Any:
    return json.loads(Path(path).read_text())
