"""A deadline for one execution: signals that interrupt Python wherever it is."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

_WALL_FACTOR = 15  # what waits takes no processor, and neither does what others keep from running
_AGAIN_S = 1.0
_TIMERS = {
    signal.ITIMER_PROF: (signal.SIGPROF, 1),
    signal.ITIMER_REAL: (signal.SIGALRM, _WALL_FACTOR),
}


class LateError(BaseException):
    """Not an Exception, which what is tested may catch."""


@dataclass(slots=True)
class Alarm:
    """Where the execution was when it was interrupted; None where it was in time."""

    place: str | None = None


@contextmanager
def deadline(seconds: float) -> Iterator[Alarm]:
    """Interrupt what takes more of the processor, or 15 times as long; for the main thread."""
    alarm = Alarm()

    def ring(_number: int, frame: FrameType | None) -> None:
        if alarm.place is None:
            alarm.place = _place(frame)
        raise LateError

    before = {number: signal.signal(number, ring) for number, _ in _TIMERS.values()}
    with suppress(LateError):
        for timer, (_, factor) in _TIMERS.items():
            # Again and again: the first may be caught.
            signal.setitimer(timer, seconds * factor, _AGAIN_S)
        try:
            yield alarm
        finally:
            for timer in _TIMERS:
                signal.setitimer(timer, 0)
            for number, handler in before.items():
                signal.signal(number, handler)


def _place(frame: FrameType | None) -> str:
    return "unknown" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
