"""Large documents as people send them: make serve, the client, and a stand-in for S3 over HTTP."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.ports import free_ports
from serving.model import Model, predict_all
from tests.support.documents import FORMS, long_file, matrices, one
from tests.support.processes import children, environment, runs
from tests.support.servers import serve, start, wait

_DISTINCT = 64


@pytest.fixture(scope="module")
def url(root: Path, bundle: Path) -> Iterator[str]:
    with serve(root, bundle) as url:
        yield url


@pytest.fixture(scope="module")
def outputs(model: Model) -> list[Any]:
    """What the inline path says of each matrix of a long document, which then repeat."""
    given = matrices(_DISTINCT)
    return [p.output.tolist() for p in predict_all(given, model, model.passport.batch_size)]


def send(url: str, document: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """What make send does."""
    return subprocess.run(
        [sys.executable, "-m", "client", str(document), "--url", url, "--out", str(out)],
        env=environment(),
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("count", [1, 32, 1_000, 10_000])
def test_from_the_form_to_the_result(
    url: str, outputs: list[Any], tmp_path: Path, count: int, form: str
) -> None:
    """10,000 matrices are 1 GB as text, and 1.7 GB with an element for each value."""
    with long_file(tmp_path, count, form, _DISTINCT) as document:
        done = send(url, document, tmp_path / "result.json")
    assert done.returncode == 0, done.stderr
    assert "100%" in done.stderr
    predictions = json.loads((tmp_path / "result.json").read_bytes())["predictions"]
    assert [p["id"] for p in predictions] == [f"m{i}" for i in range(count)]
    expected = [outputs[i % _DISTINCT] for i in range(count)]
    assert [p["output"] for p in predictions] == expected


def test_a_bad_document_says_where(url: str, tmp_path: Path) -> None:
    document = tmp_path / "bad.xml"
    document.write_bytes(one("1 2", ' id="a7"'))
    done = send(url, document, tmp_path / "result.json")
    assert done.returncode == 1
    assert 'matrix "a7" (line 1): expected 5000 values, got 2' in done.stderr
    assert not (tmp_path / "result.json").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left_of_what_it_started(root: Path, bundle: Path, number: int) -> None:
    [port] = free_ports(1)
    server = start(root, bundle, port)
    wait(server, f"http://127.0.0.1:{port}")
    started = children(server.pid)
    assert len(started) == 2
    os.kill(server.pid, number)
    server.wait(20)
    deadline = time.monotonic() + 10
    while any(map(runs, started)):
        assert time.monotonic() < deadline, "left running"
        time.sleep(0.05)
