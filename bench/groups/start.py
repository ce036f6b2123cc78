"""From the start of a process to its first answer, and how the first request compares to later."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.bundles import TITLES, bundle, keras_file, ready
from bench.documents import event_file
from bench.processes import environment, error_log
from bench.rows import AFTERNOON, Plan, Row, compare, in_turns, missing

_GOALS = {"resnet": "≥ 6", "demo": None}
_TENTH = 10


def measure(plan: Plan) -> list[Row]:
    """Every start is a process of its own; the sides take turns."""
    event = event_file(1, "text")
    whole = ready([*_GOALS, "small"])
    rows = []
    for name, goal in _GOALS.items():
        title = f"cold start, {TITLES[name]}: process start to first answer"
        rows.append(
            _cold(name, title, event, goal, plan)
            if name in whole
            else missing(title, "s", goal, "no bundle")
        )
    return rows + [_first(name, event, plan) for name in ("small", "resnet") if name in whole]


def _cold(name: str, title: str, event: Path, goal: str | None, plan: Plan) -> Row:
    def ours() -> list[float]:
        return [start("ours", {"MODEL_DIR": str(bundle(name))}, event)["answered_s"]]

    def other() -> list[float]:
        return [start("afternoon", {"KERAS_FILE": str(keras_file(name))}, event)["answered_s"]]

    times = in_turns((ours, other), plan.rounds(5))
    return compare(title, "s", times, AFTERNOON, goal=goal)


def _first(name: str, event: Path, plan: Plan) -> Row:
    env = {"MODEL_DIR": str(bundle(name))}
    runs = [
        start("ours", env, event, _TENTH)["requests_ms"] for _ in range(1 + plan.rounds(9))
    ]  # the first brings the files into memory
    first, tenth = ([run[i] for run in runs[1:]] for i in (0, _TENTH - 1))
    title = f"first request after a cold start, {TITLES[name]}"
    against = "the tenth request"
    return compare(title, "ms", (first, tenth), against, quotient="ours ÷ other", goal="≤ 1.33")


def start(side: str, env: dict[str, str], event: Path, times: int = 1) -> dict[str, Any]:
    """One cold start, and some requests; see `bench.start`."""
    command = [sys.executable, "-m", "bench.start", side, os.fspath(event), str(times)]
    started = {"BENCH_STARTED": repr(time.monotonic())}
    done = subprocess.run(
        command,
        env=environment(env | started),
        check=True,
        stdout=subprocess.PIPE,
        stderr=error_log(),
        text=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result
