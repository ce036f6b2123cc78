"""AWS's Lambda Runtime Interface Emulator around our handler, without a container.

The emulator comes in the package aws-sam-cli; awslambdaric is the client that Lambda itself runs.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local.children import end, said
from local.ports import free_ports, listens

Event = dict[str, Any]

# Lambda takes and gives 6 MB; the emulator cuts longer events off without a word.
EVENT_LIMIT_BYTES = 6 * 1024 * 1024
_PATH = "/2015-03-31/functions/function/invocations"
_START_TIMEOUT_S = 15.0


class EmulatorError(Exception):
    """The emulator did not start, or did not answer."""


class EventTooLargeError(EmulatorError):
    """The event is larger than Lambda takes; it was not sent."""


def binary() -> Path:
    """The emulator's program, executable.

    Raises:
        EmulatorError: aws-sam-cli is not installed here.
    """
    found = importlib.util.find_spec("samcli")
    if found is None or not found.submodule_search_locations:
        raise EmulatorError(
            "the emulator is not installed: pip install -r requirements/emulator.txt"
        )
    arch = {"x86_64": "x86_64", "aarch64": "arm64"}[os.uname().machine]
    path = Path(found.submodule_search_locations[0], "local/rapid", f"aws-lambda-rie-{arch}")
    if not os.access(path, os.X_OK):  # wheels do not keep the bit
        path.chmod(0o755)
    return path


def python_path() -> str:
    """PYTHONPATH for a process that is to import what this one can."""
    return os.pathsep.join(path for path in sys.path if path)


class Emulator:
    """A running emulator; use as a context manager, one invocation at a time.

    Args:
        env: the function's environment variables, on top of this process's.
        handler: "module.function", as in the image's CMD.
        timeout_s: the function's timeout, which the emulator enforces.
    """

    def __init__(
        self,
        env: dict[str, str],
        *,
        handler: str = "predict.handler.api",
        timeout_s: int = 60,
        memory_mb: int = 6144,
    ) -> None:
        self._port, runtime_port = free_ports(2)
        # It would pass the settings of this shell on; the function must see what Lambda sets.
        self._env = (
            os.environ
            | {
                "AWS_REGION": "eu-west-3",
                # The function's imports are this process's, as pytest or make set them up.
                "PYTHONPATH": python_path(),
                "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout_s),
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb),
            }
            | env
        )
        self._command = [
            str(binary()),
            "--log-level", "error",
            "--runtime-interface-emulator-address", f"127.0.0.1:{self._port}",
            "--runtime-api-address", f"127.0.0.1:{runtime_port}",
            sys.executable, "-m", "awslambdaric", handler,
        ]  # fmt: skip
        self._lock = threading.Lock()
        self._timeout_s = timeout_s

    def __enter__(self) -> Self:
        # Without a name: whenever an interrupt comes, there is nothing to leave behind.
        self._log = tempfile.TemporaryFile()
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = subprocess.Popen(
                self._command,
                env=self._env,
                stdout=self._log,
                stderr=self._log,
                start_new_session=True,
            )
            self._wait(self._process)
        except BaseException:  # an interrupt as well: nothing is left behind
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not listens(self._port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise EmulatorError(f"the emulator did not start: {self.log()[-500:]}")
            time.sleep(0.02)

    def _end(self) -> None:
        """End the emulator and the function, which are a session of their own."""
        if self._process is not None:
            end(self._process, 5)
        self._log.close()

    def invoke(self, event: Event) -> Event:
        """Send one event; the first one pays for the cold start.

        Raises:
            EventTooLargeError: the event is over the limit.
            EmulatorError: no answer came.
        """
        content = json.dumps(event).encode()
        if len(content) > EVENT_LIMIT_BYTES:
            raise EventTooLargeError(
                f"the event has {len(content):,} bytes, Lambda takes {EVENT_LIMIT_BYTES:,}"
            )
        url = f"http://127.0.0.1:{self._port}{_PATH}"
        with self._lock:  # it dies of two overlapping invocations
            try:
                with urllib.request.urlopen(url, content, self._timeout_s + 30) as response:
                    answer: Event = json.loads(response.read())
                    return answer
            except urllib.error.HTTPError as cause:
                # How it reports a handler that cannot start.
                raise EmulatorError(f"the function did not start: {_reason(cause)}") from cause
            except (urllib.error.URLError, OSError, ValueError) as cause:
                raise EmulatorError(f"no answer from the emulator: {cause}") from cause

    def log(self) -> str:
        """What the emulator and the function wrote."""
        return said(self._log)


def _reason(answer: urllib.error.HTTPError) -> str:
    body = answer.read().decode("utf-8", "replace")
    try:
        return str(json.loads(body)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        return body.strip() or str(answer)
