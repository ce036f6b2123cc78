"""The memory of this process, and whether it grows."""

import ctypes
import gc
import os
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_LATEST = 5
_T = TypeVar("_T")


def resident_bytes() -> int:
    """What the process holds, once all that is free was given back."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # the C library keeps what is free; not all of them have the function
        trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES


def peak_bytes(work: Callable[[], _T]) -> tuple[_T, int]:
    """What some work gives, and the most that it allocated at one time."""
    tracemalloc.start()
    try:
        return work(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@dataclass(slots=True)
class Growth:
    """Samples of the memory.

    Attributes:
        warm: what it was after the warm-up.
    """

    start: int = field(default_factory=resident_bytes)
    warm: int | None = None
    latest: list[int] = field(default_factory=list)

    def sample(self, *, is_warm: bool) -> int:
        """Look again; how much it has grown since the warm-up."""
        self.latest = [*self.latest[1 - _LATEST :], resident_bytes()]
        if not is_warm:
            return 0
        if self.warm is None:
            self.warm, self.latest = self.latest[-1], self.latest[-1:]
        # The least of some, since one sample may follow on a large input.
        return min(self.latest) - self.warm if len(self.latest) == _LATEST else 0
