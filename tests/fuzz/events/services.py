"""Both functions around a small model, wired as their handlers are, and a bucket in memory."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import boto3
from botocore.config import Config

from predict.api import create_app
from predict.batch import edge
from predict.batch.deadline import Deadline
from predict.batch.job import create_job
from predict.gateway import create_handler
from predict.store import Store
from predict.telemetry.invocations import observe
from predict.telemetry.lines import Reporter
from predict.telemetry.start import Function
from serving.settings import Settings, Storage
from tests.fuzz.events.bucket import Bucket
from tests.fuzz.events.good import BUCKET, DOCUMENTS, DONE, XML
from tests.fuzz.v2.services import open_small

Handler = Callable[[Any, Any], Any]
_REGION = "eu-west-3"


@dataclass(slots=True)
class Queue:
    """A queue that remembers what it is asked."""

    sent: int = 0

    def send_again(self, body: str) -> None:
        """See `predict.batch.edge.Queue`."""
        body.encode()
        self.sent += 1

    def bring_back(self, receipt: str, after_s: int) -> None:
        """See `predict.batch.edge.Queue`."""
        receipt.encode()
        self.sent += after_s > 0


class Context:
    """What a handler asks of Lambda's context."""

    aws_request_id = "1"

    def __init__(self, remaining_ms: int) -> None:
        self._remaining_ms = remaining_ms

    def get_remaining_time_in_millis(self) -> int:
        """What is left, which gets less with each look."""
        self._remaining_ms = max(0, self._remaining_ms - 100)
        return self._remaining_ms


@dataclass(frozen=True, slots=True)
class Services:
    """The functions, by name, and what they have in common."""

    handlers: dict[str, Handler]
    bucket: Bucket
    objects: dict[str, Any]  # that are in it before each event

    def reset(self) -> None:
        """Make the bucket what it was."""
        self.bucket.reset(self.objects)


def open_services() -> Services:
    """All of it."""
    storage = Storage(BUCKET, _REGION)
    settings = replace(Settings.from_env({"MODEL_DIR": "none"}), region=_REGION, storage=storage)
    bucket, store = Bucket(_signer()), Store(storage)
    store.__dict__["_s3"] = bucket  # in place of the client that it would open
    model = open_small("dense")
    job = create_job(model, store, settings)
    report = Reporter(Function(), {}).report
    app = create_app(model, settings, lambda: store)
    handlers = {
        "api": observe(create_handler(app), report),
        "batch": edge.create_handler(job, Queue(), storage, report),
    }
    bucket.fill({f"uploads/{name}": content for name, (content, _) in DOCUMENTS.items()})
    bucket.put_object(Key=f"uploads/{DONE}", Body=XML)
    job.run(DONE, Deadline(lambda: 300.0, 30.0))
    return Services(handlers, bucket, dict(bucket.objects))


def _signer() -> Any:
    return boto3.client(
        "s3",
        region_name=_REGION,
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=Config(signature_version="s3v4"),
    )
