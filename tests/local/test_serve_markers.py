"""What make serve prints: a line for each request, and nothing of what was sent."""

import http.client
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest

from local.children import end
from local.ports import free_ports
from tests.support import marked
from tests.support.documents import matrices, npz
from tests.support.markers import DIGITS, found
from tests.support.processes import environment
from tests.support.servers import wait

_PATIENCE_S = 60


class Served:
    """A running make serve, and what it has printed."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._log = log

    def said(self, expected: str = "") -> str:
        """All of it, once it has what is expected."""
        deadline = time.monotonic() + _PATIENCE_S
        while expected not in (log := self._log.read_bytes().decode("latin-1")):
            assert time.monotonic() < deadline, log
            time.sleep(0.05)
        return log


@pytest.fixture(scope="module")
def served(root: Path, bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    log = tmp_path_factory.mktemp("serve") / "log"
    [port] = free_ports(1)
    command = [sys.executable, "-m", "local.serve", "--bundle", str(bundle), "--port", str(port)]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=root,
            env=environment(),
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
        served = Served(port, log)
        try:
            wait(process, served.url)
            yield served
        finally:
            end(process, 20)


def ask(served: Served, request: marked.Request) -> int:
    """Send what no careful client would; gives the status."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=_PATIENCE_S)
    try:
        path = quote(request.path, errors="replace") + f"?q={DIGITS}"
        connection.request(request.method, path, request.body, request.headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_requests_are_one_line_each_without_what_was_sent(served: Served) -> None:
    requests = marked.documents() | marked.inference() | marked.addresses()
    statuses = {name: ask(served, request) for name, request in requests.items()}
    assert {200, 201, 400, 404, 405, 413, 415, 422} <= set(statuses.values())
    log = served.said("GET /limits 200")
    assert log.count("POST /predictions 200 (matrices: 1, ") == 5
    assert len(re.findall(r"^[A-Z(][a-z)A-Z]+ \S+ \d+ \(", log, re.MULTILINE)) >= len(requests)
    assert not found(log)


def test_what_is_no_http_is_not_printed(served: Served) -> None:
    for text in (f"{DIGITS}\r\n\r\n", f"GET /{DIGITS} HTTP/9.{DIGITS}\r\n\r\n", "\x16\x03" * 20):
        with socket.create_connection(("127.0.0.1", served.port), 5) as sock:
            sock.sendall(text.encode())
            sock.recv(100)
    upgrade = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    headers = upgrade | {"sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="}
    ask(served, marked.Request("GET", f"/{DIGITS}", headers=headers))
    assert not found(served.said("Invalid HTTP request"))


def test_uploads_are_one_line_each_without_what_was_sent(served: Served) -> None:
    """Predicted, refused, looked up, erased."""
    good, bad = marked.documents()["npz"].body, marked.documents()["short"].body
    for body, status in ((good, 200), (bad, 422)):
        begun = httpx2.post(f"{served.url}/uploads").json()
        form = begun["upload"]
        file = {form.get("file_field", "file"): (f"{DIGITS}.xml", body)}
        sent = httpx2.post(form["url"], data=form["fields"], files=file)
        assert sent.status_code == 204
        url = f"{served.url}{begun['prediction']}"
        deadline = time.monotonic() + _PATIENCE_S
        while (answer := httpx2.get(url)).status_code == 202:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert answer.status_code == status
        assert httpx2.delete(url).status_code == 204
        assert begun["id"] not in served.said()
    log = served.said("batch: refused (document ")
    for line in ("batch: predicted (document ", "DELETE /predictions/{id:path} 204 ("):
        assert line in log
    assert not found(log)


def test_requests_at_once_are_told_apart(served: Served) -> None:
    """By their counts, though they share threads."""
    counts = [14, 17, 31, 8, 23, 29, 11, 5] * 2
    documents = [npz(matrices(n)) for n in counts]
    requests = [marked.Request("POST", "/predictions", body, marked.NPZ) for body in documents]
    before = len(served.said())
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda request: ask(served, request), requests)) == {200}
    ask(served, marked.Request("GET", "/schema.xsd"))
    told = re.findall(r"matrices: (\d+), ", served.said("GET /schema.xsd 200")[before:])
    assert sorted(map(int, told)) == [0, *sorted(counts)]


def test_what_it_prints_is_for_people(served: Served) -> None:
    assert '{"_aws"' not in served.said("Uvicorn running on")
