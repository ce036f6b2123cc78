"""Processes to measure in: each side has its own, so that their threads and memory do not mix."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from bench import FOLDER

Answer = dict[str, Any]

_LOG = FOLDER / "log"
_KIB_TO_MB = 1024 / 1e6
_SAMPLE_S = 0.1
_MEMORY = {"VmRSS": "rss", "VmHWM": "peak", "RssFile": "mapped"}


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a child gets: our own environment, TensorFlow kept quiet."""
    return os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | dict(extra or {})


def error_log() -> IO[str]:
    """Where children write what nobody asked for; TensorFlow is talkative."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    return _LOG.open("a")


def memory() -> dict[str, float]:
    """This process, in MB: what is resident now, the most so far, and of which kind."""
    found = {}
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in _MEMORY:
            found[_MEMORY[name]] = int(rest.split()[0]) * _KIB_TO_MB
    return found


def forget_peak() -> None:
    """From here on, the peak counts from what is resident now."""
    Path("/proc/self/clear_refs").write_text("5")


class Worker:
    """A child that answers commands: JSON lines through its standard streams.

    Args:
        side: a module of `bench.sides`; what it does at import is its start.
        env: set for the child.
    """

    def __init__(self, side: str, env: Mapping[str, str] | None = None) -> None:
        self._side = side
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker", side],
            env=environment(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=error_log(),
            text=True,
        )
        self.hello = self._receive()

    def ask(self, command: str, **arguments: Any) -> Answer:
        """Have the side run one of its commands; its result and, as "memory", what it holds."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, **arguments}) + "\n")
        self._process.stdin.flush()
        return self._receive()

    def _receive(self) -> Answer:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(
                f"the worker {self._side} ended with {self._process.wait()}; see {_LOG}"
            )
        answer: Answer = json.loads(line)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ended: its code, what it said, how long and how large it was."""

    code: int
    output: str
    seconds: float
    peak_mb: float


def run_measured(command: list[str], log: Path, limit_mb: float) -> Finished:
    """Run a command to its end; its peak is that of all its processes together.

    Args:
        log: a file for what it says.
        limit_mb: it is ended when it holds more: the machine is not ours alone.
    """
    start, most = time.perf_counter(), 0.0
    with log.open("w") as file:
        process = subprocess.Popen(
            command, env=environment(), stdout=file, stderr=file, start_new_session=True
        )
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            most = max(most, _resident(process.pid))
            if most > limit_mb:
                os.killpg(process.pid, 9)
            time.sleep(_SAMPLE_S)
    process.returncode = os.waitstatus_to_exitcode(status)
    most = max(most, usage.ru_maxrss * _KIB_TO_MB)
    output = log.read_text(errors="replace")
    return Finished(process.returncode, output, time.perf_counter() - start, most)


def _resident(session: int) -> float:
    """All processes of a session, in MB."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # After the name, which may hold blanks: state, parent, group, session, …, resident.
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(fields[3]) == session:
            total += int(fields[21])
    return total * resource.getpagesize() / 1e6
