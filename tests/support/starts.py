"""Cold starts of the handler, a few milliseconds each: forks of a process that has its imports.

`python -m tests.support.starts` reads the environment of each start as a line of JSON, and answers
with how it ended.
"""

import importlib
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.processes import environment

_MOST_S = 30
_KIB_TO_MB = 1024 / 1e6


@dataclass(frozen=True, slots=True)
class Start:
    """How a cold start ended.

    Attributes:
        error: the type of what it raised; None where the function started.
        message: what Lambda would show as errorMessage.
        peak_mb: the most that was resident.
        code: of the process; not 0 where it died.
        loaded: the large libraries that it imported.
    """

    error: str | None
    message: str
    peak_mb: float
    code: int
    loaded: list[str]


class Starts:
    """A process that starts functions, one after the other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self, **env: str) -> Start:
        """Import the handler with these variables."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(env) + "\n")
        self._process.stdin.flush()
        return Start(**json.loads(self._process.stdout.readline()))


@contextmanager
def starting() -> Iterator[Starts]:
    """Such a process, to its end."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.starts"],
        cwd=Path(__file__).parents[2],
        env=environment(AWS_REGION="eu-west-3"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        yield Starts(process)
        assert process.stdin is not None
        process.stdin.close()


def _import(env: Mapping[str, str]) -> dict[str, Any]:
    os.environ.update(env)
    try:
        import predict.handler  # noqa: F401

        error, message = None, ""
    except Exception as fault:
        error, message = type(fault).__name__, str(fault)
    loaded = [name for name in ("tensorflow", "keras") if name in sys.modules]
    return {"error": error, "message": message, "loaded": loaded}


def _fork(env: Mapping[str, str]) -> dict[str, Any]:
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        signal.alarm(_MOST_S)  # whoever takes longer dies of it
        with os.fdopen(writing, "w") as answer:
            json.dump(_import(env), answer)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        said = answer.read()
    _, status, usage = os.wait4(pid, 0)
    none: dict[str, Any] = {"error": None, "message": "", "loaded": []}
    return (json.loads(said) if said else none) | {
        "peak_mb": usage.ru_maxrss * _KIB_TO_MB,
        "code": os.waitstatus_to_exitcode(status),
    }


def main() -> None:
    """Answer one line with one line."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what ONNX Runtime prints is no answer
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Everything but the wiring, and no engine: a fork has no threads but its own.
    for module in ("predict.api", "predict.gateway", "predict.warmup", "serving.engines.onnx"):
        importlib.import_module(module)
    for line in sys.stdin:
        print(json.dumps(_fork(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
