"""Thousands of requests to one process: in the end it holds what it held after the first of them.

make bench sends ten thousand, which takes a minute; here it is a fifth.
"""

import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from local.emulator import Emulator
from tests.load.mix import mix
from tests.load.process import SEED, Answers, held
from tests.support.processes import children, environment

_COUNT, _EMULATED = 2_000, 2_000
_MOST_MB = 20


@pytest.fixture
def env(bundle: Path, tmp_path: Path) -> dict[str, str]:
    """Wherever it writes, it is seen."""
    (tmp_path / "function").mkdir()
    folders = {name: str(tmp_path / "function") for name in ("TMPDIR", "HOME")}
    return {"MODEL_DIR": str(bundle), "AWS_REGION": "eu-west-3"} | folders


def test_memory_stays_flat(root: Path, env: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.load", str(_COUNT)],
        cwd=root,
        env=environment(**env),
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    rows = found["rows"]
    first, last = rows[0], rows[-1]
    print(
        f"{first['rss_mb']:.1f} MB after {first['requests']:,} requests, "
        f"{last['rss_mb']:.1f} MB after {last['requests']:,}"
    )
    assert found["wrong"] == {}
    assert sum(found["counts"].values()) == _COUNT
    assert max(row["rss_mb"] for row in rows) - first["rss_mb"] <= _MOST_MB
    assert last["descriptors"] == first["descriptors"]
    assert last["threads"] == first["threads"]
    assert os.listdir(env["TMPDIR"]) == []


def test_memory_stays_flat_under_the_emulator(env: dict[str, str]) -> None:
    """By AWS's runtime and its client: each event comes as JSON, each answer leaves as such."""
    requests, answers = mix(SEED), Answers()
    before = set(children(os.getpid()))
    with Emulator(env) as emulator:
        [pid] = set(children(os.getpid())) - before
        answers.send(islice(requests, _EMULATED // 4), emulator.invoke)
        [function] = children(pid)
        first = held(function)
        answers.send(islice(requests, _EMULATED - _EMULATED // 4), emulator.invoke)
        last = held(function)
    print(f"{first.rss_mb:.1f} MB after {_EMULATED // 4}, {last.rss_mb:.1f} after {_EMULATED:,}")
    assert answers.wrong == {}
    assert last.rss_mb - first.rss_mb <= _MOST_MB
    assert (last.descriptors, last.threads) == (first.descriptors, first.threads)
    assert os.listdir(env["TMPDIR"]) == []
