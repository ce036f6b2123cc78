"""--token: a token goes to the service, by the environment, and to nobody else."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.fake import RESULT, FakeService, Reply, running, serving
from tests.client.test_client import bare, command, run, said

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtYXJrZXIifQ.c2lnbmF0dXJl"


@pytest.fixture
def service() -> Iterator[FakeService]:
    with serving() as service:
        yield service


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "document.xml"
    path.write_bytes(b"<matrices/>")
    return path


def test_client_shows_the_token_to_the_service_alone(service: FakeService, document: Path) -> None:
    service.polls = [running(), service.link()]
    done = run(document, "--url", service.url, "--token", "--delete", VERGER_TOKEN=f" {TOKEN}\n")
    assert (done.returncode, done.stdout) == (0, RESULT)
    shown = {seen.path: seen.headers.get("Authorization") for seen in service.seen}
    assert {path.partition("?")[0] for path in shown} == {
        "/uploads",
        "/bucket",
        "/predictions/p1",
        "/result",
    }
    for path, header in shown.items():
        is_s3 = path.startswith(("/bucket", "/result"))
        assert header == (None if is_s3 else f"Bearer {TOKEN}"), path
    [upload] = service.received
    assert TOKEN not in str(upload.fields) + upload.file_head
    assert TOKEN not in said(done)
    assert "--fetch p1 --url" in said(done)
    assert "--token --delete" in said(done)


def test_client_shows_no_token_that_nobody_asked_for(service: FakeService, document: Path) -> None:
    assert run(document, "--url", service.url, VERGER_TOKEN=TOKEN).returncode == 0
    assert all("Authorization" not in seen.headers for seen in service.seen)


def test_a_token_is_no_argument(service: FakeService, document: Path) -> None:
    """Others on the machine see those of a running process."""
    service.polls = [running(pause="60")]
    words = command(document, "--url", service.url, "--token")
    with subprocess.Popen(words, env=bare(VERGER_TOKEN=TOKEN), stdout=-1, stderr=-1) as process:
        assert service.polled.wait(30)
        line = Path(f"/proc/{process.pid}/cmdline").read_bytes().decode()
        process.kill()
    assert "--token" in line
    assert TOKEN not in line


@pytest.mark.parametrize(
    ("token", "url", "reason"),
    [
        pytest.param(None, None, "nothing in the environment variable VERGER_TOKEN", id="none"),
        pytest.param("  ", None, "nothing in the environment variable VERGER_TOKEN", id="blank"),
        pytest.param("a b", None, "holds no token: expected one word", id="words"),
        pytest.param("a\r\nX: 1", None, "holds no token: expected one word", id="header"),
        pytest.param("clé", None, "holds no token: expected one word", id="letters"),
        pytest.param("x" * 16_001, None, "it has 16,001 characters", id="long"),
        pytest.param(TOKEN, "http://verger.example", "in the clear: expected https", id="http"),
    ],
)
def test_client_refuses_a_token_before_it_asks(
    service: FakeService, document: Path, token: str | None, url: str | None, reason: str
) -> None:
    env = {} if token is None else {"VERGER_TOKEN": token}
    done = run(document, "--url", url or service.url, "--token", **env)
    assert done.returncode == 1
    assert reason in said(done)
    assert token is None or not token.strip() or token not in said(done)
    assert service.seen == []


def test_client_does_not_print_a_token_that_is_sent_back(
    service: FakeService, document: Path
) -> None:
    service.forms = [Reply(401, {"message": f"Unauthorized: Bearer {TOKEN}"})]
    done = run(document, "--url", service.url, "--token", VERGER_TOKEN=TOKEN)
    assert done.returncode == 1
    assert "answered 401: Unauthorized: Bearer (the token)" in said(done)
    assert TOKEN not in said(done)


def test_client_says_how_to_show_a_token(service: FakeService, document: Path) -> None:
    service.forms = [Reply(401, {"message": "Unauthorized"})]
    done = run(document, "--url", service.url)
    assert "if it wants signed requests: --sign REGION; if a token: --token" in said(done)


def test_client_takes_a_signature_or_a_token(document: Path) -> None:
    done = run(document, "--sign", "eu-west-3", "--token", VERGER_TOKEN=TOKEN)
    assert done.returncode == 2
    assert "not allowed with argument" in said(done)
