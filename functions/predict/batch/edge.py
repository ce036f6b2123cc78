"""The Lambda edge of the queue: each message succeeds or fails by itself.

What can never succeed is no failure: it gets a result that says so. What may succeed later fails,
and SQS brings it again, until it has done so often enough to set the message aside.
"""

import hashlib
from collections.abc import Callable
from time import time
from typing import Any, Protocol

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from predict.batch.deadline import Deadline, OutOfTimeError
from predict.batch.deliveries import names
from predict.batch.job import Job, Outcome
from predict.batch.notes import Progress
from predict.events import Handler
from predict.keys import Note
from predict.problems import log_failure
from predict.telemetry.facts import Report, Tracer
from predict.telemetry.invocations import told, told_if_failed, wordless
from serving.errors import UnavailableError
from serving.settings import Storage


class Queue(Protocol):
    """What is asked of the queue that brings the messages."""

    def send_again(self, body: str) -> None:
        """As a message of its own, which may be tried as often as any."""
        ...

    def bring_back(self, receipt: str, after_s: int) -> None:
        """Bring a message that fails again sooner than it would."""
        ...


def create_handler(
    job: Job,
    queue: Queue,
    storage: Storage,
    report: Report = lambda _: None,
    tracer: Tracer | None = None,
) -> Handler:
    """A Lambda handler for SQS events with partial batch responses.

    Args:
        report: is told what became of each document.
    """
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)

    def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
        def remaining_s() -> float:
            return float(context.get_remaining_time_in_millis()) / 1e3

        whole_s = remaining_s()

        def handle_record(record: SQSRecord) -> None:
            with told_if_failed(report, context):
                delivery = _Delivery(record, job, queue, storage)
                documents = names(record.body, storage.bucket)
            for name in documents:
                facts = {"document": _hash(name), "receives": delivery.tries}
                with told(report, context, tracer, **facts) as noted:
                    deadline = delivery.deadline(remaining_s, whole_s)
                    noted.outcome = outcome = delivery.handle(name, deadline)
                if outcome is Outcome.CONTINUED:
                    break

        with wordless(), told_if_failed(report, context):
            return dict(process_partial_response(event, handle_record, processor, context))

    return handle


class _Delivery:
    """One message."""

    def __init__(self, record: SQSRecord, job: Job, queue: Queue, storage: Storage) -> None:
        self._record = record
        self._job = job
        self._queue = queue
        self._hand_over_s = storage.hand_over_s
        self.tries = int(record.attributes.approximate_receive_count)
        self._is_last = self.tries >= storage.max_receives

    def deadline(self, remaining_s: Callable[[], float], whole_s: float) -> Deadline:
        """For one document, from now on."""
        return Deadline(remaining_s, self._hand_over_s, is_last=self._is_last, whole_s=whole_s)

    def handle(self, name: str, deadline: Deadline) -> Outcome:
        """See to one document; raises whatever keeps it from having its result."""
        try:
            outcome = self._run(name, deadline)
            if outcome is Outcome.CONTINUED:
                self._queue.send_again(self._record.body)  # with the names behind this one
            return outcome
        except Exception as error:
            self._fail(name, error)
            raise

    def _run(self, name: str, deadline: Deadline) -> Outcome:
        deadline.check()
        if self._is_last:  # the function may die, and then nobody is there to say so
            self._note(name, deadline.until)
        return self._job.run(name, deadline)

    def _note(self, name: str, until: float | None) -> None:
        self._job.store.put_note(name, Progress(until=until).to_json(), Note.PROGRESS)

    def _fail(self, name: str, error: Exception) -> None:
        """Say what becomes of the message: soon again, or never by itself."""
        try:
            if self._is_last:
                self._note(name, time())
            if isinstance(error, UnavailableError | OutOfTimeError):
                after_s = min(15 * 2 ** min(self.tries - 1, 10), 900)
                self._queue.bring_back(self._record.receipt_handle, after_s)
        except UnavailableError as another:  # then it comes back when it always would
            log_failure(another)


def _hash(name: str) -> str:
    """Names may be somebody's; whoever has one finds its lines by this."""
    return hashlib.sha256(name.encode()).hexdigest()[:12]
