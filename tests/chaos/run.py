"""A run: the stand-in for AWS, functions beside each other, and whoever puts, sends and changes."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.aws import BUCKET, REGION, Aws
from predict.store import Store
from serving.settings import Storage
from tests.chaos.faults import Faults
from tests.chaos.plan import Change, Plan, Put, Send
from tests.chaos.planning import Size
from tests.chaos.proxy import World
from tests.chaos.worker import SharedQueue, Worker

# A message comes back when it failed, or when whoever had it is gone; never while it is handled.
VISIBILITY_S, _TIMEOUT_S = 300, 40
# How long before the end work is handed over: some functions have two seconds, others more.
_HAND_OVER_S = (38, 37, 32)
_MOST_WAITING = 40


@dataclass(slots=True)
class Outcome:
    """What a run left behind, beside what is in the bucket and in the queues."""

    seconds: float
    drained: bool
    faults: Faults
    counts: Counter[str]
    logs: list[str]
    lost_uploads: set[str]
    errors: list[str]


class Run:
    """One run; use `world` first.

    Attributes:
        aws: the stand-in; the bucket keeps every version, so that nothing is overwritten unseen.
    """

    def __init__(self, plan: Plan, size: Size, bundle: Path, aws: Aws) -> None:
        self.plan = plan
        self.aws = aws
        self._size = size
        self._bundle = bundle
        self._exclusive = threading.Lock()
        self._s3: Any = aws.client("s3")
        self._queue = SharedQueue(aws.client("sqs"), self._exclusive)
        self._store = Store(Storage(BUCKET, REGION, aws.endpoint))
        self._pending = [(e.name, c) for e in plan.entries.values() for c in e.changes]
        self._there: set[str] = set()
        self._changing = threading.Lock()
        self.faults = Faults(plan, size.rate)

    def run(self) -> Outcome:
        """Put, send, deliver, kill, until nothing is left to do or it takes too long."""
        self._s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        vars(self._store)["_s3"] = self._s3  # no environment variable here names credentials
        start = time.monotonic()
        with self._workers() as workers:
            drained = self._feed(start + self._size.limit_s)
        counts: Counter[str] = sum((worker.counts for worker in workers), Counter())
        return Outcome(
            time.monotonic() - start,
            drained,
            self.faults,
            counts,
            [log for worker in workers for log in worker.logs],
            {upload for worker in workers for upload in worker.lost_uploads},
            [repr(worker.error) for worker in workers if worker.error is not None],
        )

    @contextmanager
    def _workers(self) -> Iterator[list[Worker]]:
        world = World(
            int(self.aws.endpoint.rpartition(":")[2]),
            self._size.clock,
            self.faults,
            self._exclusive,
            self._change,
        )
        env = self.aws.env | {"MODEL_DIR": str(self._bundle)}
        workers = []
        for number in range(self._size.workers):
            hand_over = {"HAND_OVER_S": str(_HAND_OVER_S[number % len(_HAND_OVER_S)])}
            worker = Worker(env | hand_over, world, self._queue, self.aws.queue_url, _TIMEOUT_S)
            worker.start()
            workers.append(worker)
        try:
            yield workers
        finally:
            for worker in workers:
                worker.ended.set()
            for worker in workers:
                worker.join(_TIMEOUT_S + 60)

    def _feed(self, end: float) -> bool:
        """Whether the queue is empty in the end."""
        for item in self.plan.feed:
            self._put(item)
            while self.waiting()[0] > _MOST_WAITING and time.monotonic() < end:
                time.sleep(0.1)
        if not self._wait(end):
            return False
        for name, change in list(self._pending):  # whose step never came
            self._change(name, change)
        return self._wait(end)

    def _put(self, item: Put | Send) -> None:
        if isinstance(item, Put):
            self._upload(item.entry.name, item.entry.content)
            self._there.add(item.entry.name)
        else:
            self._queue.send_message(QueueUrl=self.aws.queue_url, MessageBody=item.body)

    def _upload(self, name: str, content: bytes) -> None:
        with self._exclusive:  # S3 sends the event
            self._s3.put_object(Bucket=BUCKET, Key=f"uploads/{name}", Body=content)

    def _change(self, name: str, change: Change) -> None:
        """Do to a document what somebody does to it; each change once, in their order."""
        with self._changing:
            own = [pending for pending in self._pending if pending[0] == name]
            if name not in self._there or not own or own[0][1] is not change:
                return
            self._pending.remove(own[0])
            if change.content is None:
                self._store.erase(name)
            else:
                self._upload(name, change.content)

    def waiting(self) -> tuple[int, int]:
        """How many messages wait, and how many are in somebody's hands."""
        attributes = self._queue.get_queue_attributes(
            QueueUrl=self.aws.queue_url, AttributeNames=["All"]
        )["Attributes"]
        return (
            int(attributes["ApproximateNumberOfMessages"]),
            int(attributes["ApproximateNumberOfMessagesNotVisible"]),
        )

    def _wait(self, end: float) -> bool:
        while self.waiting() != (0, 0):
            if time.monotonic() > end:
                return False
            time.sleep(0.2)
        return True
