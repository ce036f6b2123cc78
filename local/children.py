"""Processes that we start, each a session of its own."""

import contextlib
import os
import signal
import subprocess
from typing import IO


def end(process: subprocess.Popen[bytes], patience_s: float, number: int = signal.SIGTERM) -> bool:
    """Ask a process to end, and kill its session if it does not; whether it ended by itself."""
    process.send_signal(number)
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return False
    return True


def said(log: IO[bytes]) -> str:
    """What was written to a log."""
    # Not seek and read: the child writes at the same position.
    size = os.fstat(log.fileno()).st_size
    return os.pread(log.fileno(), size, 0).decode(errors="replace")
