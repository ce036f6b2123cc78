"""The processes below this one, and the cores they may use."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_KIB_TO_MB = 1024 / 1e6
_DAEMONS = {"pyspark.daemon", "cluster.daemon"}


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    parent: int
    command: list[str]


@contextmanager
def on_cores(count: int) -> Iterator[None]:
    """What starts meanwhile finds so many cores, as if the machine had no more."""
    allowed = os.sched_getaffinity(0)
    if len(allowed) < count:
        raise RuntimeError(f"{count} cores are to be measured; this machine has {len(allowed)}")
    os.sched_setaffinity(0, sorted(allowed)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def peaks() -> dict[str, Any]:
    """The most that the Java machine and each of Spark's Python workers ever held, in MB.

    A worker is a fork of Spark's daemon: the pages that they share count for it as well.
    """
    below = _below(os.getpid())
    daemons = {process.pid for process in below if _DAEMONS & set(process.command)}
    workers = [process for process in below if process.parent in daemons]
    java = [process for process in below if process.command[0].endswith("java")]
    return {
        "java_mb": sum(_peak_mb(process.pid) for process in java),
        "worker_mb": [_peak_mb(process.pid) for process in workers],
    }


def _below(pid: int) -> list[_Process]:
    children: dict[int, list[_Process]] = {}
    for process in _all():
        children.setdefault(process.parent, []).append(process)
    found, waiting = [], [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += [process.pid for process in below]
    return found


def _all() -> Iterator[_Process]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # After the name, which may hold blanks: state, parent, …
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            command = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it ended meanwhile
            continue
        yield _Process(int(folder.name), int(parent), command)


def _peak_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * _KIB_TO_MB
    raise RuntimeError(f"process {pid} has no memory: it ended")
