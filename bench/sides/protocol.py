"""Our HTTP handler, asked in any form."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bench.forms import outputs
from bench.sides.requests import timed
from local.event import body_of
from predict.handler import api


def handle(event: str, times: int, warm: int = 0) -> dict[str, Any]:
    """Send an event some times; the milliseconds, and what was predicted."""
    content = json.loads(Path(event).read_text())
    answers: list[Any] = []

    def once() -> None:
        answers[:] = [api(content, SimpleNamespace(aws_request_id="1"))]

    taken = timed(once, warm + times)[warm:]
    if answers[0]["statusCode"] != 200:
        raise RuntimeError(f"{event}: {answers[0]['body'][:500]}")
    return {"ms": taken, "outputs": outputs(body_of(answers[0]))}


COMMANDS = {"handle": handle}
