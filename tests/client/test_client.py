"""python3 -m client: as a process, without any library, against a service over real HTTP."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest

from client.progress import Progress
from client.service import Form
from client.transport import ClientError, check_address, connect
from client.upload import UploadError, open_document, send
from local.ports import free_ports
from tests.client.fake import (
    FIELDS,
    HANG_UP,
    LOSE_ANSWER,
    RESULT,
    FakeService,
    Reply,
    certificate,
    problem,
    running,
    s3_error,
    serving,
)
from tests.support.processes import environment

ROOT = Path(__file__).parents[2]
DOCUMENT = b"<matrices>" + b"0.1 " * 1_000_000 + b"</matrices>"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x", "AWS_SESSION_TOKEN": "t"}


@pytest.fixture
def service() -> Iterator[FakeService]:
    with serving() as service:
        yield service


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "document.xml"
    path.write_bytes(DOCUMENT)
    return path


def command(*args: str | Path) -> list[str]:
    """Without site-packages: a customer's machine has none of them."""
    return [sys.executable, "-S", "-m", "client", *map(str, args)]


def bare(**env: str) -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]} | env


def run(*args: str | Path, **env: str) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(command(*args), env=bare(**env), capture_output=True, timeout=60)
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done


def said(done: subprocess.CompletedProcess[bytes]) -> str:
    return done.stderr.decode()


def test_client_sends_waits_and_prints(service: FakeService, document: Path) -> None:
    service.polls = [running(0, "waiting"), running(0.42), running(0.97)]
    done = run(document, "--url", service.url)
    assert (done.returncode, done.stdout) == (0, RESULT)
    [upload] = service.received
    assert upload.fields == list(FIELDS.items())
    assert 'name="file"; filename="document"' in upload.file_head
    assert (upload.size, upload.content) == (len(DOCUMENT), DOCUMENT[: len(upload.content)])
    assert service.paths("GET") == ["/predictions/p1"] * 4
    assert service.paths("DELETE") == []
    for line in ("prediction p1", "sending   0%", "sending 100%", "waiting   0%", "running  42%"):
        assert line in said(done)
    assert "3,200 matrices" in said(done)
    assert "\r" not in said(done)


def test_client_is_silent_where_asked(service: FakeService, document: Path) -> None:
    done = run(document, "--url", f"{service.url}/", "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, RESULT, b"")


def test_client_replaces_the_output_at_the_end(
    service: FakeService, document: Path, tmp_path: Path
) -> None:
    out = tmp_path / "result.json"
    out.write_text("old")
    service.polls = [Reply(200, RESULT, cut=20), Reply(200, RESULT)]
    done = run(document, "--url", service.url, "--out", out, "--delete")
    assert (done.returncode, done.stdout, out.read_bytes()) == (0, b"", RESULT)
    assert f"broke off after {len(RESULT) - 20} of {len(RESULT)} bytes" in said(done)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["document.xml", "result.json"]
    assert [(seen.method, seen.path) for seen in service.seen][-2:] == [
        ("GET", "/predictions/p1"),
        ("DELETE", "/predictions/p1"),
    ]


def test_client_keeps_the_old_output_after_a_problem(
    service: FakeService, document: Path, tmp_path: Path
) -> None:
    out = tmp_path / "result.json"
    out.write_text("old")
    service.polls = [problem(422, "expected 5000 values, got 4999", matrix="a7", line=812)]
    done = run(document, "--url", service.url, "--out", out, "--delete")
    assert (done.returncode, done.stdout, out.read_text()) == (1, b"", "old")
    last = said(done).splitlines()[-1]
    assert last.endswith("422: Wrong: expected 5000 values, got 4999 (matrix a7, line 812)")
    assert service.paths("DELETE") == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["document.xml", "result.json"]


def test_client_follows_to_a_large_result(service: FakeService, tmp_path: Path) -> None:
    large, out = RESULT * 100_000, tmp_path / "result.json"
    service.polls = [service.link(), service.link(), service.link()]
    service.results = [Reply(503), Reply(200, large, cut=1_000_000), Reply(200, large)]
    done = run("--fetch", "p1", "--url", service.url, "--out", out)
    assert done.returncode == 0
    assert out.read_bytes() == large


@pytest.mark.parametrize(
    ("link", "reason"),
    [
        pytest.param("ftp://example.org/result", "is no address for this", id="scheme"),
        pytest.param("file:///etc/passwd", "is no address for this", id="file"),
        pytest.param("/gone", "answered 404 Not Found", id="gone"),
    ],
)
def test_client_does_not_follow_elsewhere(service: FakeService, link: str, reason: str) -> None:
    service.polls = [Reply(303, b"", {"Location": link})]
    if link == "/gone":
        service.polls.append(Reply(404))
    done = run("--fetch", "p1", "--url", service.url)
    assert done.returncode == 1
    assert reason in said(done)


def test_client_tries_passing_faults_again(service: FakeService, document: Path) -> None:
    again = {"Retry-After": "0"}
    service.forms = [Reply(429, {"message": "Too Many Requests"}, again)]
    service.polls = [Reply(status, b"<html>", again) for status in (500, 502, 503, 504)]
    service.polls += [problem(503, "busy", "unavailable")]
    service.deletes = [Reply(500, b"", again), Reply(404)]
    done = run(document, "--url", service.url, "--delete")
    assert (done.returncode, done.stdout) == (0, RESULT)
    assert len(service.received) == 1
    assert "answered 429: Too Many Requests; trying again in 0 s" in said(done)
    assert "answered 502: 502 Bad Gateway; trying again" in said(done)


def test_client_gives_up_on_a_fault_that_stays(service: FakeService, document: Path) -> None:
    service.forms = [Reply(503, b"", {"Retry-After": "0"})] * 9
    done = run(document, "--url", service.url)
    assert done.returncode == 75
    assert service.paths("POST") == ["/uploads"] * 5
    assert "--fetch" not in said(done)


def test_client_outlives_a_restart_of_the_service() -> None:
    [port] = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(
        command("--fetch", "p1", "--url", url), env=bare(), stdout=-1, stderr=-1
    ) as process:
        time.sleep(0.3)
        with serving(port):
            out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, RESULT)
    assert b"does not answer (Connection refused): is `make serve` running?" in err


def test_client_reports_a_document_that_was_set_aside(service: FakeService, document: Path) -> None:
    service.polls = [problem(503, "kept for the operator", "set-aside")]
    done = run(document, "--url", service.url)
    assert done.returncode == 1
    assert said(done).splitlines()[-1].endswith("Wrong: kept for the operator")
    assert len(service.paths("GET")) == 1


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(HANG_UP, id="interrupted"),
        pytest.param(s3_error(403, "AccessDenied", "Policy expired."), id="expired"),
        pytest.param(s3_error(503, "SlowDown", "Reduce your rate."), id="busy"),
    ],
)
def test_client_begins_an_upload_again(
    service: FakeService, document: Path, fault: Reply | str
) -> None:
    service.uploads = [fault]
    done = run(document, "--url", service.url)
    assert (done.returncode, done.stdout) == (0, RESULT)
    assert "; beginning again" in said(done)
    assert service.paths("POST") == ["/uploads", "/bucket"] * 2
    assert service.paths("GET") == ["/predictions/p2"]


def test_client_begins_an_upload_again_only_once(service: FakeService, document: Path) -> None:
    service.uploads = [HANG_UP, s3_error(403, "AccessDenied", "Not &quot;yours&quot;.")]
    done = run(document, "--url", service.url)
    assert (done.returncode, done.stdout) == (75, b"")
    assert 'refused the document with status 403: AccessDenied: Not "yours".' in said(done)
    assert service.paths("GET") == []


def test_client_stops_at_a_refusal_that_comes_early(service: FakeService, tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    service.uploads = [s3_error(400, "EntityTooLarge", "Your upload is too large")]
    done = run(path, "--url", service.url)
    assert done.returncode == 1
    assert "status 400: EntityTooLarge: Your upload is too large" in said(done)
    assert "sending  90%" not in said(done)
    assert "--fetch" not in said(done).splitlines()[-1]
    assert service.paths("POST") == ["/uploads", "/bucket"]


def test_client_speaks_tls(tmp_path: Path, document: Path) -> None:
    """Where a server that hangs up looks different, and its reason must be read all the same."""
    pem = certificate(tmp_path)
    document.write_bytes(DOCUMENT * 5)
    with serving(certificate=pem) as service:
        refused = run(document, "--url", service.url)
        assert refused.returncode == 1
        assert "is not trusted: self-signed certificate" in said(refused)
        done = run(document, "--url", service.url, SSL_CERT_FILE=str(pem))
        assert (done.returncode, done.stdout) == (0, RESULT)
        service.uploads = [s3_error(400, "EntityTooLarge", "Your upload is too large")]
        large = run(document, "--url", service.url, SSL_CERT_FILE=str(pem))
        assert large.returncode == 1
        assert "EntityTooLarge: Your upload is too large" in said(large)


@pytest.mark.parametrize("arrived", [True, False])
def test_client_asks_whether_a_document_arrived(
    service: FakeService, document: Path, arrived: bool
) -> None:
    """The answer of S3 was lost: the document is not sent twice if it is there."""
    service.uploads = [LOSE_ANSWER]
    service.polls = [running() if arrived else problem(404, "unknown", "http")]
    done = run(document, "--url", service.url)
    assert (done.returncode, done.stdout) == (0, RESULT)
    assert len(service.received) == (1 if arrived else 2)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda _: None, "No such file or directory", id="missing"),
        pytest.param(lambda path: path.touch(), "is empty", id="empty"),
        pytest.param(lambda path: path.mkdir(), "is no regular file", id="folder"),
        pytest.param(os.mkfifo, "is no regular file", id="pipe"),
    ],
)
def test_client_refuses_before_it_asks(
    service: FakeService, tmp_path: Path, make: Any, reason: str
) -> None:
    make(tmp_path / "document")
    done = run(tmp_path / "document", "--url", service.url)
    assert done.returncode == 1
    assert reason in said(done)
    assert service.seen == []


def test_client_refuses_a_file_over_the_limit(service: FakeService, document: Path) -> None:
    service.max_bytes = 1_000_000
    done = run(document, "--url", service.url)
    assert done.returncode == 1
    assert "4,000,021 bytes are too many: the service takes 1,000,000 at once" in said(done)
    assert service.paths("POST") == ["/uploads"]


def test_client_refuses_an_output_that_cannot_be(service: FakeService, document: Path) -> None:
    for out, reason in (
        (document.parent / "nowhere" / "result.json", "nothing can be written to the folder"),
        (Path("/dev/null"), "is no regular file"),
        (document.parent, "is no regular file"),
        (document, "--out would replace the document"),
    ):
        done = run(document, "--url", service.url, "--out", out)
        assert done.returncode == 1
        assert reason in said(done)
    assert service.seen == []
    assert document.read_bytes() == DOCUMENT


def test_client_sends_any_name_and_tells_nobody(service: FakeService, tmp_path: Path) -> None:
    path = tmp_path / 'Müller "42"\r\n.xml'
    path.write_bytes(b"<matrices/>")
    assert run(path, "--url", service.url).returncode == 0
    assert "ller" not in service.received[0].file_head
    assert service.received[0].content == b"<matrices/>"


def test_client_asks_for_a_prediction_again(service: FakeService, document: Path) -> None:
    service.polls = [running(), running(pause="30"), running()]
    first = run(document, "--url", service.url, "--timeout", "0.3")
    assert first.returncode == 75
    assert "there is no result after 0.3 s of waiting" in said(first)
    words = said(first).splitlines()[-1].partition("come back to it: python3 -m client ")[2]
    assert words == f"--fetch p1 --url {service.url}"
    again = run(*words.split())
    assert (again.returncode, again.stdout) == (0, RESULT)
    assert len(service.received) == 1


def test_client_leaves_on_an_interrupt(service: FakeService, document: Path) -> None:
    service.polls = [running(pause="60")]
    with subprocess.Popen(
        command(document, "--url", service.url), env=bare(), stdout=-1, stderr=-1
    ) as process:
        assert service.polled.wait(30)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, b"")
    last = err.decode().splitlines()[-1]
    assert last.endswith(f"come back to it: python3 -m client --fetch p1 --url {service.url}")
    assert b"Traceback" not in err


def test_client_quotes_what_is_fetched(service: FakeService) -> None:
    assert run("--fetch", "../a b", "--url", service.url).returncode == 0
    assert service.paths("GET") == ["/predictions/..%2Fa%20b"]


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        pytest.param([], "one of the arguments FILE --fetch is required", id="nothing"),
        pytest.param(["--fetch", "p", "--url", "localhost:8000"], "is no address", id="scheme"),
        pytest.param(["--fetch", "p", "--url", "http://a..b/"], "is no address", id="host"),
        pytest.param(["--fetch", "p", "--timeout", "nan"], "no number of seconds", id="timeout"),
    ],
)
def test_client_refuses_a_command(args: list[str], reason: str) -> None:
    done = run(*args)
    assert done.returncode == 2
    assert reason in said(done)


def test_client_says_what_no_service_is(service: FakeService, document: Path) -> None:
    for form, reason in (
        (Reply(201, {"hello": "world"}), "is it a Verger service?"),
        (Reply(201, b"<html>"), "is it a Verger service?"),
        (problem(404, "POST /uploads: Not Found; see /openapi.json", "http"), "see /openapi.json"),
        (Reply(403, {"message": "Forbidden"}), "403: Forbidden; if it wants signed requests: --s"),
        (Reply(301, b"", {"Location": "https://example.org"}), "answered 301"),
    ):
        service.forms = [form]
        done = run(document, "--url", service.url)
        assert done.returncode == 1
        assert reason in said(done)
    assert service.received == []


def test_client_survives_a_reader_that_leaves(service: FakeService) -> None:
    service.polls = [Reply(200, RESULT * 10_000)]
    fetch = command("--fetch", "p1", "--url", service.url, "--delete")
    with subprocess.Popen(fetch, env=bare(), stdout=-1, stderr=-1) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
    assert process.returncode == 1
    assert b"left before the end of the result" in err
    assert b"Exception" not in err
    assert service.paths("DELETE") == []


def test_client_holds_little_in_memory(service: FakeService, tmp_path: Path) -> None:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(300_000_000)
    service.polls = [service.link()]
    service.results = [Reply(200, RESULT * 1_000_000)]
    # A process in between: what this one has would count as the client's before its exec.
    measure = (
        "import resource, subprocess, sys\n"
        "code = subprocess.call(sys.argv[1:])\n"
        "print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    client = command(path, "--url", service.url, "--out", tmp_path / "result.json", "--quiet")
    done = subprocess.run(
        [sys.executable, "-S", "-c", measure, *client], env=bare(), capture_output=True, timeout=120
    )
    code, peak_kb = map(int, done.stdout.split())
    assert code == 0, done.stderr
    assert peak_kb < 60_000
    assert service.received[0].size == 300_000_000
    assert (tmp_path / "result.json").stat().st_size == len(RESULT) * 1_000_000


def test_client_signs_for_the_service_alone(service: FakeService, document: Path) -> None:
    service.polls = [running(), service.link()]
    done = subprocess.run(
        [sys.executable, *command(document, "--url", service.url)[2:], "--sign", "eu-west-3"],
        env=environment(**KEYS),
        cwd=ROOT,
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, RESULT)
    for seen in service.seen:
        signature = seen.headers.get("Authorization", "")
        if seen.path.startswith(("/bucket", "/result")):
            assert not {name.lower() for name in seen.headers} & {
                "authorization",
                "x-amz-date",
                "x-amz-security-token",
            }
        else:
            assert signature.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
            assert "/eu-west-3/execute-api/" in signature
            assert seen.headers["X-Amz-Security-Token"] == "t"
    assert len(service.seen) == 5


def test_client_says_what_signing_needs(document: Path) -> None:
    assert "pip install botocore" in said(run(document, "--sign", "eu-west-3"))


def test_a_line_is_redrawn_on_a_terminal() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    progress = Progress(terminal)
    for step in range(101):
        progress.show("sending", step / 100, f"{step} of 100 MB")
    progress.show("waiting", 0, "")
    progress.end()
    first, second, _ = terminal.getvalue().split("\n")
    assert first.startswith("\rsending [                        ]   0%  0 of 100 MB\r")
    assert first.rstrip().endswith("100%  100 of 100 MB")
    assert "waiting" in second


def test_a_file_that_becomes_shorter_is_not_sent(service: FakeService, document: Path) -> None:
    form = Form("p1", f"{service.url}/bucket", (), "file", 10**9)
    file, size_bytes = open_document(document)
    os.truncate(document, 1000)
    with file, pytest.raises(ClientError, match="became shorter"):
        send(form, file, size_bytes, lambda _: None)
    assert service.received == []


def test_a_server_that_hangs_up_is_no_fault_of_the_file(document: Path) -> None:
    [port] = free_ports(1)
    form = Form("p1", f"http://127.0.0.1:{port}/", (), "file", 10**9)
    file, size_bytes = open_document(document)
    with file, pytest.raises(UploadError, match="Connection refused") as caught:
        send(form, file, size_bytes, lambda _: None)
    assert not caught.value.complete


def test_a_proxy_is_for_others_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://me:p%40ss@proxy.example:3128")
    monkeypatch.setenv("https_proxy", "proxy.example:3129")
    monkeypatch.setenv("no_proxy", "inside.example")
    plain, target, headers = connect("http://verger.example/a?b", 1)
    assert (plain.host, plain.port, target) == ("proxy.example", 3128, "http://verger.example/a?b")
    assert headers == {"Proxy-Authorization": "Basic bWU6cEBzcw=="}
    tunnel, target, _ = connect("https://verger.example/a?b", 1)
    assert isinstance(tunnel, HTTPSConnection)
    assert (tunnel.host, tunnel.port, target) == ("proxy.example", 3129, "/a?b")
    for here in ("localhost:8000", "127.0.0.1", "[::1]:8000", "inside.example"):
        assert "proxy" not in connect(f"http://{here}/", 1)[0].host


def test_a_service_on_https_sends_nobody_to_http() -> None:
    with pytest.raises(ClientError, match="expected https"):
        check_address("http://bucket.example/", like="https://verger.example")
    assert check_address("https://bucket.example/", like="http://localhost:8000")
