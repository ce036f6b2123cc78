"""A deadline for one execution: a signal that interrupts Python wherever it is."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType


class LateError(BaseException):
    """Not an Exception, which what is tested may catch."""


@dataclass(slots=True)
class Alarm:
    """Where the execution was when it was interrupted; None where it was in time."""

    place: str | None = None


@contextmanager
def deadline(seconds: float) -> Iterator[Alarm]:
    """Interrupt what takes longer; for the main thread."""
    alarm = Alarm()

    def ring(_number: int, frame: FrameType | None) -> None:
        if alarm.place is None:
            alarm.place = _place(frame)
        raise LateError

    before = signal.signal(signal.SIGALRM, ring)
    with suppress(LateError):
        # Again and again: the first may be caught.
        signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
        try:
            yield alarm
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def _place(frame: FrameType | None) -> str:
    return "unknown" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
