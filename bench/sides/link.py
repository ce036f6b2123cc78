"""Our HTTP handler, with documents that are in S3 already."""

import json
from typing import Any

from bench.processes import forget_peak, memory
from bench.sides.requests import timed
from local.event import http_event
from predict.handler import api


def document(url: str) -> dict[str, Any]:
    """Predict what a presigned URL names; the milliseconds, and the peak meanwhile."""
    body = json.dumps({"url": url}).encode()
    event = http_event("POST", "/predictions", body, {"content-type": "application/json"})
    forget_peak()
    answers: list[Any] = []
    taken = timed(lambda: answers.append(api(event, None)), 1)
    if answers[0]["statusCode"] != 200:
        raise RuntimeError(answers[0]["body"][:500])
    count = len(json.loads(answers[0]["body"])["predictions"])
    return {"ms": taken, "peak_mb": memory()["peak"], "count": count}


COMMANDS = {"document": document}
