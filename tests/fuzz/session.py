"""Executes inputs, one at a time: under a deadline, with an eye on the memory, and counts."""

import os
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic, process_time
from typing import Any

from tests.fuzz.alarm import deadline
from tests.fuzz.findings import Finding, save
from tests.fuzz.memory import Growth, peak_bytes
from tests.fuzz.target import FaultError, Input, Outcome, Target
from tests.fuzz.watching import Running

_MOST_TEXTS = 5_000
_LARGE_BYTES = 1_000_000
_TRACED_FACTOR = 20  # how much slower an execution may be while its memory is traced


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an execution may take, and a run.

    Attributes:
        warm_up: executions after which the memory must not grow.
        sample_every: executions between two looks at the memory of the process.
        peak_every, peak_every_large: executions between two whose own memory is measured.
        peak_bytes, peak_factor: the most that one may take, beside so many times its size.
    """

    deadline_s: float = 2.0
    deadline_s_per_mb: float = 1.0
    warm_up: int = 20_000
    sample_every: int = 1_000
    growth_bytes: int = 50_000_000
    peak_every: int = 500
    peak_every_large: int = 10
    peak_bytes: int = 100_000_000
    peak_factor: int = 10
    findings: int = 20


@dataclass(slots=True)
class Count:
    """What was seen."""

    executions: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    texts: Counter[Outcome] = field(default_factory=Counter)
    peaks: int = 0
    largest_peak: tuple[int, int] = (0, 0)  # bytes, and the size of the input
    findings: dict[str, Finding] = field(default_factory=dict)
    repeated: Counter[str] = field(default_factory=Counter)  # findings that were seen again


class Session:
    """One run.

    Args:
        running: where to note each input before it is executed.
        progress: is called after each execution.
    """

    def __init__(
        self,
        target: Target,
        folder: Path,
        bounds: Bounds | None = None,
        running: Running | None = None,
        progress: Callable[["Session"], None] | None = None,
    ) -> None:
        self.target = target
        self.bounds = bounds or Bounds()
        self.count = Count()
        self.started, self.started_cpu = monotonic(), process_time()
        self.memory = Growth()
        self._folder = folder
        self._running = running
        self._progress = progress
        self._large = 0

    @property
    def seconds(self) -> float:
        """Since the start."""
        return monotonic() - self.started

    @property
    def cpu_seconds(self) -> float:
        """Of the processor, since the start."""
        return process_time() - self.started_cpu

    @property
    def is_over(self) -> bool:
        """Whether enough was found."""
        return len(self.count.findings) >= self.bounds.findings

    def execute(self, data: bytes) -> Outcome:
        """Execute one input; a fault is noted, and is an outcome like another."""
        if self._running is not None:
            self._running.note(data)
        count = self.count
        count.executions += 1
        try:
            outcome = self._execute(data)
            if count.executions % self.bounds.sample_every == 0:
                self._look_at_memory()
        except FaultError as fault:
            self._note(fault, data)
            outcome = Outcome("fault", fault.key)
        count.kinds[outcome.kind] += 1
        if outcome in count.texts or len(count.texts) < _MOST_TEXTS:
            count.texts[outcome] += 1
        if self._progress is not None:
            self._progress(self)
        return outcome

    def _execute(self, data: bytes) -> Outcome:
        prepared = self.target.prepare(data)
        if prepared is None:
            return Outcome("no input")
        answer = self._run(prepared)
        return self.target.judge(prepared.given, answer)

    def _run(self, prepared: Input) -> Any:
        size = prepared.size_bytes
        seconds = self.bounds.deadline_s + self.bounds.deadline_s_per_mb * size / 1e6
        work = partial(self.target.run, prepared.given)
        if not self._is_traced(size):
            return in_time(work, seconds)
        answer, peak = peak_bytes(partial(in_time, work, seconds * _TRACED_FACTOR))
        self.count.peaks += 1
        self.count.largest_peak = max(self.count.largest_peak, (peak, size))
        if peak > self.bounds.peak_bytes + self.bounds.peak_factor * size:
            raise FaultError("memory: one execution took too much", f"{peak:,} bytes for {size:,}")
        return answer

    def _is_traced(self, size: int) -> bool:
        if size <= _LARGE_BYTES:
            return self.count.executions % self.bounds.peak_every == 0
        self._large += 1
        return self._large % self.bounds.peak_every_large == 1

    def _look_at_memory(self) -> None:
        grown = self.memory.sample(is_warm=self.count.executions >= self.bounds.warm_up)
        if grown > self.bounds.growth_bytes:
            detail = f"{grown:,} bytes since the warm-up; the input is only the latest"
            raise FaultError("memory: it grows", detail)

    def _note(self, fault: FaultError, data: bytes) -> None:
        found = self.count.findings
        self.count.repeated[fault.key] += 1
        if fault.key in found or self.is_over:
            return
        found[fault.key] = save(fault, data, self.target.name, self._folder)


def in_time(work: Callable[[], Any], seconds: float) -> Any:
    """What some work gives.

    Raises:
        FaultError: it raised something, or a warning, or was not done in time.
    """
    answer, fault = None, None
    with warnings.catch_warnings(record=True) as warned, deadline(seconds) as alarm:
        warnings.simplefilter("always")
        try:
            answer = work()
        except Exception as error:
            place = place_of(error)
            fault = FaultError(f"raised: {type(error).__name__} at {place}", str(error)[:1_000])
            fault.__cause__ = error
    if alarm.place is not None:  # what came of it after that does not count
        raise FaultError(f"hang: at {shown(alarm.place)}", f"not done after {seconds:.1f} s")
    if fault is not None:
        raise fault
    if warned:
        place = shown(f"{warned[0].filename}:{warned[0].lineno}")
        raise FaultError(
            f"warned: {warned[0].category.__name__} at {place}", str(warned[0].message)
        )
    return answer


def place_of(error: BaseException) -> str:
    """Where an error was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "unknown"
    return shown(f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}")


def shown(place: str) -> str:
    """A place in the code, without what differs between machines."""
    return os.path.relpath(place)
