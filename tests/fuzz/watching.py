"""A parent that sees what a process cannot see of itself: that it hangs, or has died."""

import mmap
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from tests.fuzz.target import FaultError

_MOST_BYTES = 8_000_000
_NUMBER_BYTES = 8
_INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM)
FOUND = 3  # the exit code of a process that reported findings; of a traceback it is 1


class Running:
    """The input that is being executed, in memory that is a file: it outlives the process."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        self._executions = 0

    @classmethod
    def create(cls, path: Path) -> "Running":
        """A new one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(_MOST_BYTES)
        return cls(path)

    def note(self, data: bytes) -> None:
        """Note an input; what is longer than all that is made here is cut."""
        data = data[: _MOST_BYTES - 2 * _NUMBER_BYTES]
        self._executions += 1
        self._map[2 * _NUMBER_BYTES : 2 * _NUMBER_BYTES + len(data)] = data
        self._map[: 2 * _NUMBER_BYTES] = _number(self._executions) + _number(len(data))

    @property
    def executions(self) -> int:
        """How many were noted."""
        return int.from_bytes(self._map[:_NUMBER_BYTES], "little")

    @property
    def data(self) -> bytes:
        """The latest."""
        size = int.from_bytes(self._map[_NUMBER_BYTES : 2 * _NUMBER_BYTES], "little")
        return bytes(self._map[2 * _NUMBER_BYTES : 2 * _NUMBER_BYTES + size])


def _number(value: int) -> bytes:
    return value.to_bytes(_NUMBER_BYTES, "little")


def watch(command: Sequence[str], running: Running, stuck_s: float) -> int:
    """Run a process to its end; its exit code. An interruption is passed on to it.

    Raises:
        FaultError: it died, or had to be killed since it executed one input for too long.
    """
    process = subprocess.Popen(command)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        process.send_signal(signal.SIGINT)

    before = {number: signal.signal(number, interrupt) for number in _INTERRUPTIONS}
    every_s = min(1.0, stuck_s / 4)
    try:
        seen, unchanged_s = running.executions, 0.0
        while True:
            try:
                code = process.wait(every_s)
            except subprocess.TimeoutExpired:
                now = running.executions
                unchanged_s = 0.0 if now != seen else unchanged_s + every_s
                seen = now
                if unchanged_s >= stuck_s:
                    raise FaultError(
                        "hang: nothing could interrupt it", f"killed after {stuck_s:g} s"
                    ) from None
                continue
            if code not in {0, FOUND}:
                raise FaultError(f"died: the process ended with {code}")
            return code
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        process.kill()
        process.wait()
