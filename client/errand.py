"""The errand from end to end: send, wait, save; and how long faults are put up with."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from client.progress import Progress, upload_meter
from client.service import Save, Service
from client.transport import LateError, PassingError
from client.upload import UploadError, open_document, send

Result = TypeVar("Result")

_LONGEST_PAUSE_S = 300.0
_SHORTEST_PAUSE_S = 0.1
_LONGEST_DOUBLED_S = 60.0
_DEFAULT_PAUSE_S = 5.0
_ASKING_TRIES = 5  # 15 seconds, where the service does not say how long
_WAITING_TRIES = 20  # a quarter of an hour without one good answer


class Patience:
    """Pauses after faults: doubled to a minute, so many in a row, and none beyond a deadline."""

    def __init__(self, tries: int, progress: Progress, limit_s: float = math.inf) -> None:
        self._tries = tries
        self._progress = progress
        self._limit_s = limit_s
        self._deadline_s = time.monotonic() + limit_s
        self._faults = 0

    def renew(self) -> None:
        """A good answer came: faults are counted from zero."""
        self._faults = 0

    def bear(self, fault: PassingError) -> None:
        """Pause after a fault.

        Raises:
            PassingError: the same, when it was one too many.
            LateError: the deadline has passed.
        """
        self._faults += 1
        if self._faults >= self._tries:
            raise fault
        doubled_s = min(2.0 ** (self._faults - 1), _LONGEST_DOUBLED_S)
        pause_s = doubled_s if fault.pause_s is None else fault.pause_s
        self._progress.say(f"{fault}; trying again in {pause_s:.0f} s")
        self.pause(pause_s)

    def pause(self, pause_s: float) -> None:
        """Sleep, but not beyond the deadline.

        Raises:
            LateError: it has passed.
        """
        left_s = self._deadline_s - time.monotonic()
        if left_s <= 0:
            raise LateError(f"there is no result after {self._limit_s:,g} s of waiting")
        time.sleep(min(max(pause_s, _SHORTEST_PAUSE_S), _LONGEST_PAUSE_S, left_s))


def patiently(action: Callable[[], Result], progress: Progress) -> Result:
    """Do something that a passing fault may stop.

    Raises:
        PassingError: the fault was still there at the last try.
    """
    patience = Patience(_ASKING_TRIES, progress)
    while True:
        try:
            return action()
        except PassingError as fault:
            patience.bear(fault)


def deliver(
    service: Service, path: Path, progress: Progress, announce: Callable[[str], None]
) -> None:
    """Send a document; `announce` is told the id of its prediction before the first byte goes.

    Raises:
        ClientError: it could not be sent, in two attempts.
    """
    file, size_bytes = open_document(path)
    with file:
        for is_last in (False, True):
            form = patiently(service.ask_form, progress)
            announce(form.prediction)
            try:
                send(form, file, size_bytes, upload_meter(progress, size_bytes))
            except UploadError as fault:
                # The answer was lost, perhaps the document was not: it need not be sent twice.
                if fault.complete and _has_arrived(service, form.prediction, progress):
                    return
                if is_last or fault.final:
                    raise
                progress.say(f"{fault}; beginning again")
            else:
                return


def _has_arrived(service: Service, prediction: str, progress: Progress) -> bool:
    return patiently(lambda: service.has(prediction), progress)


def wait(
    service: Service, prediction: str, save: Save, progress: Progress, timeout_s: float
) -> None:
    """Wait for a prediction and save its result.

    Raises:
        ClientError: the document has a problem, or there is no result in time.
    """
    patience = Patience(_WAITING_TRIES, progress, timeout_s)
    while True:
        try:
            running = service.look(prediction, save)
        except PassingError as fault:
            patience.bear(fault)
            continue
        if running is None:
            return
        patience.renew()
        count = f"{running.matrices:,} matrices" if running.matrices else ""
        progress.show(running.state, running.progress, count)
        patience.pause(_DEFAULT_PAUSE_S if running.pause_s is None else running.pause_s)
