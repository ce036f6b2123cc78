"""From the queue to the batch handler, as Lambda's event source does it.

`python -m local.delivery PARENT` does so for make serve, with the handler in its own process.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from local.aws import client
from predict.telemetry.facts import Facts

Event = dict[str, Any]
Invoke = Callable[[Event], Mapping[str, Any]]

TIMEOUT_S = 300  # of the template's function


class Context:
    """What a handler asks of Lambda's context."""

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._end = time.monotonic() + timeout_s

    def get_remaining_time_in_millis(self) -> int:
        return int(max(self._end - time.monotonic(), 0) * 1e3)


def sqs_event(messages: list[dict[str, Any]], queue: str = "queue") -> Event:
    """The event that Lambda makes of messages of SQS."""
    return {
        "Records": [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:eu-west-3:123456789012:{queue}",
                "awsRegion": "eu-west-3",
            }
            for message in messages
        ]
    }


def deliver(sqs: Any, queue_url: str, invoke: Invoke, *, most: int = 1, wait_s: int = 1) -> int:
    """Take messages once, and remove those that did not fail; returns how many there were.

    A handler that raises, or an answer with an error, leaves all of them: they come back.
    """
    messages = sqs.receive_message(
        QueueUrl=queue_url,
        MaxNumberOfMessages=most,
        WaitTimeSeconds=wait_s,
        AttributeNames=["All"],
    ).get("Messages", [])
    if not messages:
        return 0
    answer = invoke(sqs_event(messages))
    if "batchItemFailures" not in answer:
        return len(messages)
    failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    for message in messages:
        if message["MessageId"] not in failed:
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    return len(messages)


def run(invoke: Invoke, queue_url: str, endpoint: str, ended: threading.Event) -> None:
    """Deliver until it is ended; what fails is said, and comes back."""
    sqs = client("sqs", endpoint)
    while not ended.is_set():
        try:
            deliver(sqs, queue_url, invoke)
        except Exception as error:
            if ended.is_set():
                return
            print(f"batch: {type(error).__name__}: {error}", file=sys.stderr)
            ended.wait(1)


def main() -> int:
    """Deliver to the handler of this process, until it is interrupted, or its parent is gone."""
    parent = int(sys.argv[1])
    from predict.batch.edge import create_handler
    from predict.batch.handler import job, queue, storage

    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: ended.set())
    threading.Thread(target=_watch, args=(parent, ended), daemon=True).start()
    assert storage is not None  # noqa: S101
    assert storage.queue_url is not None  # noqa: S101
    assert storage.endpoint is not None  # noqa: S101
    batch = create_handler(job, queue, storage, _say)
    run(lambda event: batch(event, Context()), storage.queue_url, storage.endpoint, ended)
    return 0


def _say(facts: Facts) -> None:
    """What became of a document, for people."""
    what = f"document {facts.document or 'unknown'}, {facts.duration_ms / 1e3:.3f} s"
    print(f"batch: {facts.outcome} ({what})", *facts.errors, sep="; ", file=sys.stderr)


def _watch(parent: int, ended: threading.Event) -> None:
    """Whoever started us may have been killed."""
    while os.getppid() == parent:
        time.sleep(0.5)
    ended.set()


if __name__ == "__main__":
    sys.exit(main())
