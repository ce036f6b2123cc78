"""The Lambda edge of the queue: each message succeeds or fails by itself.

What can never succeed is no failure: it gets a result that says so. What may succeed later fails,
and SQS brings it again, until it has done so often enough to set the message aside.
"""

import hashlib
import logging
from collections.abc import Callable
from time import perf_counter, time
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
from predict.keys import Note
from predict.problems import log_failure
from serving.errors import UnavailableError
from serving.settings import Storage

log = logging.getLogger(__name__)

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]


class Queue(Protocol):
    """What is asked of the queue that brings the messages."""

    def send_again(self, body: str) -> None:
        """As a message of its own, which may be tried as often as any."""
        ...

    def bring_back(self, receipt: str, after_s: int) -> None:
        """Bring a message that fails again sooner than it would."""
        ...


def create_handler(job: Job, queue: Queue, storage: Storage) -> Handler:
    """A Lambda handler for SQS events with partial batch responses."""
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)

    def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
        def remaining_s() -> float:
            return float(context.get_remaining_time_in_millis()) / 1e3

        whole_s = remaining_s()

        def handle_record(record: SQSRecord) -> None:
            _Delivery(record, job, queue, storage).handle(remaining_s, whole_s)

        answer = process_partial_response(event, handle_record, processor, context)
        return dict(answer)

    return handle


class _Delivery:
    """One message."""

    def __init__(self, record: SQSRecord, job: Job, queue: Queue, storage: Storage) -> None:
        self._record = record
        self._job = job
        self._queue = queue
        self._storage = storage
        self._tries = int(record.attributes.approximate_receive_count)
        self._is_last = self._tries >= storage.max_receives

    def handle(self, remaining_s: Callable[[], float], whole_s: float) -> None:
        """Raises whatever keeps a document from having its result."""
        name = ""
        try:
            for name in names(self._record.body, self._storage.bucket):
                deadline = Deadline(
                    remaining_s,
                    self._storage.hand_over_s,
                    is_last=self._is_last,
                    whole_s=whole_s,
                )
                if self._run(name, deadline) is Outcome.CONTINUED:
                    self._queue.send_again(self._record.body)  # with the names behind this one
                    break
        except Exception as error:
            log_failure(error, document=_hash(name))
            self._fail(name, error)
            raise

    def _run(self, name: str, deadline: Deadline) -> Outcome:
        start = perf_counter()
        deadline.check()
        if self._is_last:  # the function may die, and then nobody is there to say so
            self._note(name, deadline.until)
        outcome = self._job.run(name, deadline)
        seconds = round(perf_counter() - start, 3)
        log.info("%s", outcome, extra={"document": _hash(name), "seconds": seconds})
        return outcome

    def _note(self, name: str, until: float | None) -> None:
        self._job.store.put_note(name, Progress(until=until).to_json(), Note.PROGRESS)

    def _fail(self, name: str, error: Exception) -> None:
        """Say what becomes of the message: soon again, or never by itself."""
        try:
            if self._is_last and name:
                self._note(name, time())
            if isinstance(error, UnavailableError | OutOfTimeError):
                after_s = min(15 * 2 ** (self._tries - 1), 900)
                self._queue.bring_back(self._record.receipt_handle, after_s)
        except UnavailableError as another:  # then it comes back when it always would
            log_failure(another)


def _hash(name: str) -> str:
    """Names may be somebody's; whoever has one finds its lines by this."""
    return hashlib.sha256(name.encode()).hexdigest()[:12]
