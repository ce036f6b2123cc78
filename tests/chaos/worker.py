"""A function under AWS's runtime emulator, and the event source that gives it messages."""

import contextlib
import os
import signal
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local.delivery import Event, deliver
from local.emulator import Emulator, EmulatorError
from predict.batch.deliveries import DeliveryError, names
from tests.chaos.plan import Trouble
from tests.chaos.proxy import Proxy, World

_BUCKET = "BUCKET"
_IDLE_S = 0.05


def children(pid: int) -> list[int]:
    """The processes that a process started, from whichever of its threads."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text().split()]


class SharedQueue:
    """The queue as an event source sees it: one call at a time, which the stand-in needs."""

    def __init__(self, sqs: Any, exclusive: threading.Lock) -> None:
        self._sqs = sqs
        self._exclusive = exclusive

    def __getattr__(self, name: str) -> Any:
        def call(**options: Any) -> Any:
            with self._exclusive:
                return getattr(self._sqs, name)(**options)

        return call


class Worker(threading.Thread):
    """Takes one message after the other, until it is ended.

    Attributes:
        counts: of invocations, by what became of them.
        logs: what its emulators wrote.
        error: what ended it, if it should not have ended.
    """

    def __init__(
        self, env: dict[str, str], world: World, queue: SharedQueue, queue_url: str, timeout_s: int
    ) -> None:
        super().__init__(daemon=True)
        self._proxy = Proxy(world, self._kill_now)
        self._env = env | {"S3_ENDPOINT": f"http://127.0.0.1:{self._proxy.server_port}"}
        self._faults = world.faults
        self._queue = queue
        self._queue_url = queue_url
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._emulator: Emulator | None = None
        self._killed = False
        self._handling = self._failed = 0
        self.ended = threading.Event()
        self.counts: Counter[str] = Counter()
        self.logs: list[str] = []
        self.error: Exception | None = None

    @property
    def lost_uploads(self) -> set[str]:
        """Uploads that nobody may know of."""
        return self._proxy.lost

    def run(self) -> None:
        """Deliver; with a new emulator where one does not recover."""
        try:
            while not self.ended.is_set():
                self._run_emulator()
        except Exception as error:
            self.error = error
        finally:
            self._proxy.shutdown()
            self._proxy.server_close()

    def _run_emulator(self) -> None:
        handler = "predict.batch.handler.batch"
        with Emulator(self._env, handler=handler, timeout_s=self._timeout_s) as emulator:
            self._emulator, self._failed = emulator, 0
            self.counts["emulators"] += 1
            try:
                while not self.ended.is_set():
                    if not deliver(self._queue, self._queue_url, self._invoke, wait_s=0):
                        self.ended.wait(_IDLE_S)
            except EmulatorError:
                self.counts["emulators that were replaced"] += 1
            finally:
                self.logs.append(emulator.log())

    def _invoke(self, event: Event) -> Mapping[str, Any]:
        [record] = event["Records"]
        self._begin()
        timers = [
            threading.Timer(delay, self._kill_later, (self._handling,))
            for delay in map(self._faults.invocation, _names(record["body"], self._env[_BUCKET]))
            if delay is not None
        ]
        for timer in timers:
            timer.start()
        answer: Mapping[str, Any] = {}
        assert self._emulator is not None
        try:
            answer = self._emulator.invoke(event)
            self._failed = 0
        except EmulatorError:
            self._failed += 1
            if self._failed > 1:  # it starts the function again, but for once in a while
                raise
        finally:
            for timer in timers:
                timer.cancel()
            self._finish(record, answer)
        return answer

    def _begin(self) -> None:
        with self._lock:
            self._handling += 1
            self._killed = False
            self._proxy.brought_back = False
            self._proxy.begun = set()

    def _finish(self, record: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """See to it that what failed comes back, as it would when its time is over."""
        with self._lock:
            self._handling += 1
            killed = self._killed
        done = "batchItemFailures" in answer
        if not done:
            self._proxy.lost |= self._proxy.begun
            self.counts["killed" if killed else "ended by the emulator"] += 1
        elif not answer["batchItemFailures"]:
            self.counts["succeeded"] += 1
            return
        else:
            self.counts["failed"] += 1
            if self._proxy.brought_back:
                return
        with contextlib.suppress(ClientError):  # it was handled twice, and is done
            self._queue.change_message_visibility(
                QueueUrl=self._queue_url, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=0
            )

    def _kill_later(self, handling: int) -> None:
        with self._lock:
            if self._handling == handling:
                self._kill(Trouble.KILLED_AT)

    def _kill_now(self, trouble: Trouble) -> None:
        with self._lock:
            self._kill(trouble)

    def _kill(self, trouble: Trouble) -> None:
        assert self._emulator is not None
        process = self._emulator._process
        if process is None or not (found := children(process.pid)):
            return
        self._killed = True
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._faults.count(trouble)


def _names(body: str, bucket: str) -> list[str]:
    try:
        return names(body, bucket)
    except DeliveryError:
        return []
