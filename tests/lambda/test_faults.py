"""The function or its emulator killed at any moment, and an invocation that takes too long.

A request that dies gets an error, and the next one is answered as if nothing had happened. The
batch path has its own: tests/chaos.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local.aws import BUCKET, Aws
from local.emulator import Emulator, EmulatorError
from local.event import Event, body_of, http_event
from tests.support.batch import put
from tests.support.documents import every_form, matrices, npz
from tests.support.ground import SIGNED
from tests.support.inference import INFER
from tests.support.models import compiled, saved
from tests.support.processes import children, environment, runs
from tests.support.s3 import drip, serving

_DIED = 30  # requests that a kill must have ended
_TRIES = 200  # kills until then: some come when the request was answered
_LINKED = 405  # matrices: an npz of 16.2 MB, which is kept on disk while it is read


@dataclass
class Function:
    """An emulator, the function in it, and what became of the requests."""

    emulator: Emulator
    pid: int
    died: int = 0
    answered: int = 0
    starting: int = 0  # died, of those that had to wait for a start
    wrong: list[Any] = field(default_factory=list)

    def is_up(self) -> bool:
        return bool(children(self.pid))

    def kill(self) -> None:
        for pid in children(self.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def ask_and_kill(self, event: Event, expected: bytes, delay_s: float) -> None:
        """Send a request, and kill the function after that long."""
        was_up = self.is_up()
        timer = threading.Timer(delay_s, self.kill)
        timer.start()
        try:
            answer = self.emulator.invoke(event)
        except EmulatorError as error:
            self.died += 1
            self.starting += not was_up
            if "signal: killed" not in str(error):
                self.wrong.append(str(error))
        else:
            self.answered += 1
            if (answer["statusCode"], body_of(answer)) != (200, expected):
                self.wrong.append(answer)
        timer.join()

    def ask(self, event: Event) -> Event:
        """The answer. A process that was killed after its answer costs the next request an error:
        the emulator hears of it then.
        """
        try:
            return self.emulator.invoke(event)
        except EmulatorError:
            return self.emulator.invoke(event)


@contextlib.contextmanager
def function(env: dict[str, str], **options: Any) -> Iterator[Function]:
    before = set(children(os.getpid()))
    with Emulator(env, **options) as emulator:
        [pid] = set(children(os.getpid())) - before
        yield Function(emulator, pid)


@pytest.fixture
def env(bundle: Path, aws: Aws, tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "function"
    folder.mkdir()
    return {"MODEL_DIR": str(bundle), "TMPDIR": str(folder), "HOME": str(folder)} | aws.env


@pytest.fixture
def requests(env: dict[str, str], aws: Aws) -> list[tuple[Event, bytes]]:
    """Requests of every form, and their answers from a function that nobody kills."""
    forms = every_form(matrices(32))
    events = [http_event("POST", "/predictions", body, headers) for body, headers in forms.values()]
    put(aws, "killed.npz", npz(matrices(_LINKED)))
    link = aws.client("s3").generate_presigned_url(
        "get_object", Params={"Bucket": BUCKET, "Key": "uploads/killed.npz"}
    )
    body = f'{{"url": "{link}"}}'.encode()
    events.append(http_event("POST", "/predictions", body, {"content-type": "application/json"}))
    raw = b"".join(m.values.astype("<f4").tobytes() for m in matrices(32))
    events.append(http_event("POST", INFER, raw, {"inference-header-content-length": "0"}))
    with function(env) as undisturbed:
        answers = [undisturbed.emulator.invoke(event) for event in events]
    assert {answer["statusCode"] for answer in answers} == {200}
    return [(event, body_of(answer)) for event, answer in zip(events, answers, strict=True)]


def duration_s(function: Function, event: Event) -> float:
    start = time.perf_counter()
    function.ask(event)
    return time.perf_counter() - start


def test_the_function_killed_at_any_moment_answers_right_afterwards(
    env: dict[str, str], requests: list[tuple[Event, bytes]]
) -> None:
    """While it starts, reads, computes and answers: two kills in a row, the second at a start."""
    rng = random.Random(1)
    with function(env) as killed:
        start_s = duration_s(killed, requests[0][0])
        warm_s = [duration_s(killed, event) for event, _ in requests]
        tries = 0
        while killed.died < _DIED and tries < _TRIES:
            tries += 1
            which = rng.randrange(len(requests))
            event, expected = requests[which]
            killed.ask_and_kill(event, expected, rng.uniform(0, warm_s[which]))
            if rng.random() < 0.4:
                killed.ask_and_kill(event, expected, rng.uniform(0, start_s + warm_s[which]))
            answer = killed.ask(event)
            assert (answer["statusCode"], body_of(answer)) == (200, expected)
        print(
            f"{killed.died} requests died, {killed.starting} of them in a start; "
            f"{killed.answered} were answered before the kill"
        )
    assert killed.wrong == []
    assert killed.died >= _DIED
    assert 0 < killed.starting < killed.died
    assert os.listdir(env["TMPDIR"]) == []


def test_the_emulator_killed_at_any_moment_starts_again(
    env: dict[str, str], requests: list[tuple[Event, bytes]]
) -> None:
    """It takes the request with it; the function that it leaves behind ends by itself."""
    rng = random.Random(2)
    left = []
    for moment in range(4):
        event, expected = requests[moment % len(requests)]
        with function(env) as killed:
            if moment % 2:
                killed.ask(event)
            timer = threading.Timer(rng.uniform(0, 0.15), os.kill, (killed.pid, signal.SIGKILL))
            timer.start()
            with contextlib.suppress(EmulatorError):
                while True:  # until it is gone
                    left += children(killed.pid)
                    assert body_of(killed.emulator.invoke(event)) == expected
            timer.join()
        with function(env) as again:
            assert body_of(again.emulator.invoke(event)) == expected
    deadline = time.monotonic() + 20
    while any(map(runs, left)):
        assert time.monotonic() < deadline, "left running"
        time.sleep(0.05)
    assert os.listdir(env["TMPDIR"]) == []


def test_an_invocation_that_takes_too_long_is_an_error_and_nothing_more(
    env: dict[str, str], requests: list[tuple[Event, bytes]]
) -> None:
    """By AWS_LAMBDA_FUNCTION_TIMEOUT; the document comes from an S3 that hardly answers."""
    event, expected = requests[0]
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n<matrices><!--"
    with serving(drip(head)) as s3:
        body = f'{{"url": "{s3.endpoint}/my-bucket/slow?{SIGNED}"}}'.encode()
        slow = http_event("POST", "/predictions", body, {"content-type": "application/json"})
        with function(env | {"S3_ENDPOINT": s3.endpoint}, timeout_s=5) as late:
            for _ in range(2):
                assert body_of(late.emulator.invoke(event)) == expected
                with pytest.raises(EmulatorError, match="no answer"):
                    late.emulator.invoke(slow)
            assert body_of(late.emulator.invoke(event)) == expected
        assert len(s3.requests) == 2
    assert os.listdir(env["TMPDIR"]) == []


_EXHAUSTED = """
import json, resource, sys
from types import SimpleNamespace
from predict.handler import api

event = json.loads(sys.stdin.read())
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
answers = []
for more_mb in (2, 8, 16, 32, 64, 128, None):
    limit = resource.RLIM_INFINITY if more_mb is None else size + more_mb * 1_000_000
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    answers.append(api(dict(event), SimpleNamespace(aws_request_id="1"))["statusCode"])
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print("answers", json.dumps(answers))
"""


def test_memory_that_runs_out_is_no_fault_of_the_document(root: Path, tmp_path: Path) -> None:
    """A matrix for which the network takes 100 MB, in a process that may have so much more."""
    import keras

    inputs = keras.Input((None, 1))
    x = keras.layers.Conv1D(256, 3, padding="same", activation="relu")(inputs)
    x = keras.layers.Conv1D(4, 3, strides=16)(x)
    x = keras.layers.GlobalAveragePooling1D()(x)
    compiled(saved(keras.Model(inputs, keras.layers.Dense(2)(x)), tmp_path))
    body, headers = npz(matrices(1, (100_000, 1))), {"content-type": "application/x-npz"}
    done = subprocess.run(
        [sys.executable, "-c", _EXHAUSTED],
        cwd=root,
        env=environment(MODEL_DIR=str(tmp_path / "bundle"), AWS_REGION="eu-west-3"),
        input=json.dumps(http_event("POST", "/predictions", body, headers)),
        check=True,
        capture_output=True,
        text=True,
    )
    [line] = [line for line in done.stdout.splitlines() if line.startswith("answers ")]
    answers = json.loads(line.removeprefix("answers "))
    assert answers[0] == 500
    assert set(answers) == {200, 500}
    assert answers[-1] == 200
