"""Attacks one after another: each in a process of its own, whose end is a part of the outcome."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from local.children import end
from tests.attacks.attack import Attack, Sent
from tests.support.processes import environment

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "models/demo/bundle"
MOST_CPU_S = 1.0
MOST_BYTES = 200_000_000
_ENV = {"MODEL_DIR": str(BUNDLE), "AWS_REGION": "eu-west-3", "AWS_LAMBDA_FUNCTION_NAME": "predict"}


@dataclass(frozen=True, slots=True)
class Seen:
    """What came back from an attack, and what it cost.

    Attributes:
        answer: the status and the text, or how the process died.
        peak_bytes: of memory, above the idle process.
        reached: what was opened, connected to or looked up.
        goes_on: whether the next request was answered.
    """

    sent: Sent
    answer: str
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_bytes: int = 0
    reached: tuple[str, ...] = ()
    goes_on: bool = False


class Session:
    """The process that others are forked from; use `opened`."""

    def __init__(self, process: "subprocess.Popen[bytes]", folder: Path, listener: str) -> None:
        self._process = process
        self._payload, self._result = folder / "payload", folder / "result"
        self.listener = listener

    def run(self, attack: Attack) -> Seen:
        """Send it to a warm process."""
        sent = attack.make(self.listener)
        self._payload.write_bytes(sent.payload)
        self._result.unlink(missing_ok=True)
        request = {
            "payload": str(self._payload), "result": str(self._result), "env": attack.env,
        }  # fmt: skip
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(request).encode() + b"\n")
        stdin.flush()
        code = stdout.readline().decode().strip()
        if code != "0" or not self._result.exists():
            return Seen(sent, f"the process died: {code or 'all of them'}")
        found: dict[str, Any] = json.loads(self._result.read_text(encoding="utf-8"))
        return Seen(sent, **(found | {"reached": tuple(found["reached"])}))


@contextmanager
def opened(listener: str, log: IO[bytes] | None = None) -> Iterator[Session]:
    """A session; the function's log is thrown away where nobody asks for it."""
    folder = Path(tempfile.mkdtemp())
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.attacks.worker"],
        cwd=ROOT,
        env=environment(**_ENV),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log or subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield Session(process, folder, listener)
    finally:
        end(process, 5)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        shutil.rmtree(folder)
