"""Processes of their own, which import what the tests can."""

import os
from pathlib import Path

from local.emulator import python_path


def environment(**env: str) -> dict[str, str]:
    """This process's environment variables with its import roots, and others on top."""
    return os.environ | {"PYTHONPATH": python_path()} | env


def children(pid: int) -> list[int]:
    """The processes that a process started, from whichever of its threads."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text().split()]


def runs(pid: int) -> bool:
    """Whether a process is there, and is more than an entry that nobody has read yet."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
