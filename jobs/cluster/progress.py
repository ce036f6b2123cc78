"""What a person sees while a job runs: a line for each stage, and how far a long one is."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Self, TextIO

_EVERY_S = 2.0


class Stages:
    """Names the stages on `out` as they begin and end, and keeps what each took.

    Attributes:
        seconds: by stage, of those that are done.
    """

    def __init__(self, count: int, out: TextIO = sys.stderr) -> None:
        self.seconds: dict[str, float] = {}
        self._count, self._out = count, out

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """One stage; its time counts also where it fails."""
        number = len(self.seconds) + 1
        print(f"[{number}/{self._count}] {name} …", file=self._out, flush=True)
        start = perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = perf_counter() - start
        print(f"[{number}/{self._count}] {name}: {self.seconds[name]:.1f} s", file=self._out)


class Progress:
    """Says how many of `total` are done, every two seconds, while its block runs.

    Args:
        count: how many are done now; asked from another thread.
        start: how many were done before, which says nothing about the speed.
    """

    def __init__(
        self,
        name: str,
        total: int,
        count: Callable[[], int],
        *,
        start: int = 0,
        out: TextIO = sys.stderr,
    ) -> None:
        self._name, self._total, self._count, self._out = name, total, count, out
        self._before, self._began = start, perf_counter()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._began = perf_counter()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def line(self) -> str:
        """As in "  features: 1,200 of 2,000 (60 %), 340 a second, 2 s left"."""
        done = self._count()
        text = f"  {self._name}: {done:,} of {self._total:,}"
        if self._total:
            text += f" ({100 * done // self._total} %)"
        speed = (done - self._before) / max(perf_counter() - self._began, 1e-9)
        if done > self._before:
            left = (self._total - done) / speed
            text += f", {speed:,.0f} a second, {_duration(left)} left"
        return text

    def _follow(self) -> None:
        last = None
        while not self._ended.wait(_EVERY_S):
            if (line := self.line()) != last:
                print(line, file=self._out, flush=True)
                last = line


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 60 else f"{minutes / 60:.1f} h"
