"""make serve: a real HTTP server around the same app."""

import gzip
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from local.emulator import Emulator
from local.event import body_of, http_event
from tests.support.documents import every_form, matrices
from tests.support.processes import environment
from tests.support.servers import serve

XML = {"content-type": "application/xml"}


@pytest.fixture(scope="module")
def url(root: Path, bundle: Path) -> Iterator[str]:
    with serve(root, bundle) as url:
        yield url


def test_serve_answers_the_same_bytes_as_lambda(url: str, root: Path, bundle: Path) -> None:
    sample = (root / "models/demo/sample.xml").read_bytes()
    with Emulator({"MODEL_DIR": str(bundle)}) as emulator:
        expected = body_of(emulator.invoke(http_event("POST", "/predictions", sample, XML)))
    assert httpx2.post(f"{url}/predictions", content=sample, headers=XML).content == expected


def test_serve_answers_the_same_in_every_form(url: str) -> None:
    answers = {
        httpx2.post(f"{url}/predictions", content=body, headers=headers, timeout=60).content
        for body, headers in every_form(matrices(32)).values()
    }
    assert len(answers) == 1


def test_serve_refuses_what_lambda_could_not_take(url: str) -> None:
    answer = httpx2.post(f"{url}/predictions", content=b" " * 6_000_001, headers=XML, timeout=60)
    assert answer.status_code == 413
    assert "the limit is 6,000,000 bytes" in answer.json()["detail"]
    assert "Content-Encoding: gzip" in answer.json()["detail"]


def test_serve_refuses_a_bomb_and_goes_on(url: str) -> None:
    bomb = gzip.compress(b"<a>" + b" " * 200_000_000)
    answer = httpx2.post(f"{url}/predictions", content=bomb, headers=XML, timeout=60)
    assert answer.status_code == 413
    assert httpx2.get(f"{url}/health/live").status_code == 200


def test_serve_says_in_a_line_what_is_wrong(url: str, root: Path, bundle: Path) -> None:
    taken = url.rpartition(":")[2]
    for given, port, reason in (
        ("nowhere", "8999", "no model bundle in nowhere: passport.json: No such file"),
        (f"{bundle}/model.h5", "8999", "is a file, expected a bundle"),
        (
            str(bundle),
            taken,
            f"port {taken} cannot be used (Address already in use): choose another with PORT=",
        ),
        (str(bundle), "99999", "port 99999 cannot be used"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "local.serve", "--bundle", given, "--port", port],
            cwd=root,
            env=environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1
        assert reason in done.stderr
        assert "Traceback" not in done.stderr
