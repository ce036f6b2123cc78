"""For the tests of the fuzzer: short runs, and faults that any target may have."""

import os
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.engines import blind
from tests.fuzz.session import Bounds, Session
from tests.fuzz.target import Target

Work = Callable[[], Any]  # what is right
Fault = Callable[[Work], Any]

_BOUNDS = Bounds(
    deadline_s=20.0, warm_up=200, sample_every=100, growth_bytes=20_000_000, peak_every=20
)


def run(
    target: Target, folder: Path, seed: int, executions: int, until: str = "-", **bounds: Any
) -> Session:
    """A session after so many executions, or once something was found."""
    session = Session(target, folder, replace(_BOUNDS, **bounds))

    def is_done() -> bool:
        is_found = any(key.startswith(until) for key in session.count.findings)
        return is_found or session.is_over or session.count.executions >= executions

    blind(session, seed, is_done)
    return session


def check_found(session: Session, key: str, make: Callable[[bytes], object]) -> None:
    """One finding of that key was saved, as a case, with what repeats it."""
    [finding] = [found for found in session.count.findings.values() if found.key.startswith(key)]
    assert make(finding.path.read_bytes()) is not None
    name = session.target.name
    assert finding.command == f"make fuzz TARGET={name} REPLAY={os.path.relpath(finding.path)}"
    assert key in finding.path.with_suffix(".txt").read_text()


def raises(_work: Work) -> Any:
    """An error that nobody foresaw."""
    raise LookupError("not there")


def warns(work: Work) -> Any:
    """A warning."""
    warnings.warn("old", DeprecationWarning, stacklevel=1)
    return work()


def hangs(work: Work) -> Any:
    """Never ends, and catches what would end it, as a framework may."""
    while True:
        try:
            time.sleep(60)
        except BaseException:
            return work()


def spins(work: Work) -> Any:
    """The same, at work."""
    while True:
        try:
            while True:
                pass
        except BaseException:
            return work()


def leaking() -> Fault:
    """Keeps 50 KB of each."""
    kept: list[bytes] = []

    def leaks(work: Work) -> Any:
        kept.append(b"x" * 50_000)
        return work()

    return leaks


def swells(work: Work) -> Any:
    """Takes 300 MB."""
    assert len(bytes(300_000_000)) > 0
    return work()


_GROWTH = {"growth_bytes": 4_000_000, "warm_up": 60, "sample_every": 30}
# Fault, key of the finding, bounds.
ANYWHERE = [
    pytest.param(raises, "raised: LookupError at tests/fuzz/breaking.py:", {}, id="raises"),
    pytest.param(warns, "warned: DeprecationWarning at ", {}, id="warns"),
    pytest.param(hangs, "hang: at ", {"deadline_s": 0.05}, id="hangs"),
    pytest.param(spins, "hang: at ", {"deadline_s": 0.1}, id="spins"),
    pytest.param(leaking(), "memory: it grows", _GROWTH, id="leaks"),
    pytest.param(swells, "memory: one execution took too much", {}, id="swells"),
]
