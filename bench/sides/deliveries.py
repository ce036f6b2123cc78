"""A document of S3 through a batch handler, whichever it is: the command that both sides share."""

import json
from typing import Any

from bench.processes import forget_peak, memory
from bench.sides.requests import Handler, timed
from local.delivery import Context
from local.event import load_event


def deliver(handler: Handler, key: str) -> dict[str, Any]:
    """Announce an object; the milliseconds until its result is there, and the peak meanwhile."""
    event = load_event("predict_s3_document")
    [record] = event["Records"]
    message = json.loads(record["body"])
    message["Records"][0]["s3"]["object"]["key"] = key
    record["body"] = json.dumps(message)
    forget_peak()
    answers: list[Any] = []
    taken = timed(lambda: answers.append(handler(event, Context())), 1)
    if answers[0] not in (None, {"batchItemFailures": []}):
        raise RuntimeError(f"{key}: {answers[0]}")
    return {"ms": taken, "peak_mb": memory()["peak"]}
