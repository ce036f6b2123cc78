"""A Verger service and its S3, over real HTTP, that do what a test has written down."""

import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

MAX_BYTES = 1_000_000_000
FIELDS = {"key": "uploads/é", "Content-Type": "application/xml", "policy": "eyJ=", "x-a": 'a "b"'}
RESULT = b'{"model":{"name":"demo"},"predictions":[{"id":"a","output":[0.1,0.9]}]}'
PROBLEM = "application/problem+json"
HANG_UP, LOSE_ANSWER = "hang up", "lose the answer"


@dataclass(frozen=True)
class Reply:
    """An answer; a body that is no bytes becomes JSON. `cut` is what is left out of its end."""

    status: int
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = 0

    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Seen:
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Upload:
    """A form that came in full: its fields in order, and the file behind them."""

    fields: list[tuple[str, str]]
    file_head: str
    content: bytes  # its first megabyte
    size: int


def running(progress: float = 0.5, state: str = "running", pause: str = "0") -> Reply:
    body = {"id": "p1", "state": state, "matrices": 3200, "progress": progress}
    return Reply(202, body, {"Retry-After": pause})


def problem(status: int, detail: str, kind: str = "invalid", **more: Any) -> Reply:
    body = {"type": f"urn:verger:problem:{kind}", "title": "Wrong", "status": status, **more}
    return Reply(status, body | {"detail": detail}, {"Content-Type": PROBLEM, "Retry-After": "0"})


def s3_error(status: int, code: str, message: str) -> Reply:
    text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Reply(status, text.encode(), {"Content-Type": "application/xml"})


class FakeService(ThreadingHTTPServer):
    """Scripts are used up from the front; without one, everything goes well."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.forms: list[Reply] = []
        self.uploads: list[Reply | str] = []
        self.polls: list[Reply] = []
        self.results: list[Reply] = []
        self.deletes: list[Reply] = []
        self.max_bytes = MAX_BYTES
        self.seen: list[Seen] = []
        self.received: list[Upload] = []
        self.polled = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is part of the tests."""

    def form(self) -> Reply:
        id = f"p{sum(seen.path == '/uploads' for seen in self.seen)}"
        upload: dict[str, Any] = {"method": "POST", "url": f"{self.url}/bucket", "fields": FIELDS}
        upload |= {"file_field": "file", "max_bytes": self.max_bytes, "expires_s": 3600}
        body = {"id": id, "prediction": f"/predictions/{id}", "upload": upload}
        return Reply(201, body, {"Location": f"/predictions/{id}"})

    def link(self) -> Reply:
        return Reply(303, b"", {"Location": f"{self.url}/result?X-Amz-Signature=abc"})

    def paths(self, method: str) -> list[str]:
        return [seen.path for seen in self.seen if seen.method == method]


def next_of(script: list[Any], otherwise: Any) -> Any:
    return script.pop(0) if script else otherwise


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeService

    def log_message(self, *args: Any) -> None:
        pass

    def handle_one_request(self) -> None:
        super().handle_one_request()
        self.close_connection = True

    def _note(self) -> None:
        self.server.seen.append(Seen(self.command, self.path, dict(self.headers)))

    def do_GET(self) -> None:
        self._note()
        service = self.server
        if self.path.startswith("/result?"):
            self._reply(next_of(service.results, Reply(200, RESULT)))
        else:
            service.polled.set()
            self._reply(next_of(service.polls, Reply(200, RESULT)))

    def do_DELETE(self) -> None:
        self._note()
        self._reply(next_of(self.server.deletes, Reply(204)))

    def do_POST(self) -> None:
        self._note()
        service = self.server
        if self.path == "/uploads":
            assert self.headers["Content-Length"] == "0"
            self._reply(next_of(service.forms, service.form()))
            return
        what = next_of(service.uploads, Reply(204))
        if what == HANG_UP or (isinstance(what, Reply) and what.status >= 300):
            self.rfile.read(min(100_000, int(self.headers["Content-Length"])))
        else:
            service.received.append(self._read_form())
        if isinstance(what, Reply):
            self._reply(what)
        else:
            self.connection.shutdown(socket.SHUT_RDWR)

    def _read_form(self) -> Upload:
        left = length = int(self.headers["Content-Length"])
        kept = b""
        while left:
            chunk = self.rfile.read(min(1 << 20, left))
            if not chunk:
                raise ConnectionError
            left -= len(chunk)
            kept += chunk if len(kept) < 1_000_000 else b""
            last = chunk[-100:]
        boundary = "--" + self.headers["Content-Type"].partition("boundary=")[2]
        tail = f"\r\n{boundary}--\r\n".encode()
        assert last.endswith(tail)
        *parts, (file_head, content) = [
            part.removeprefix(b"\r\n").split(b"\r\n\r\n", 1)
            for part in kept.removesuffix(tail).split(boundary.encode())[1:]
        ]
        fields = [
            (re.findall(r'name="([^"]*)"$', head.decode())[0], value.decode().removesuffix("\r\n"))
            for head, value in parts
        ]
        size = length - kept.index(file_head) - len(file_head) - 4 - len(tail)
        return Upload(fields, file_head.decode(), content, size)

    def _reply(self, reply: Reply) -> None:
        content = reply.content()
        self.send_response(reply.status)
        headers = {"Content-Type": "application/json", "Connection": "close", **reply.headers}
        if reply.status != 204:
            headers["Content-Length"] = str(len(content))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[: len(content) - reply.cut])


def certificate(folder: Path) -> Path:
    """A certificate for this machine, signed by itself, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = Encoding.PEM
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(pem, PrivateFormat.PKCS8, NoEncryption()) + signed.public_bytes(pem)
    )
    return path


@contextmanager
def serving(port: int = 0, certificate: Path | None = None) -> Iterator[FakeService]:
    service = FakeService(port)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        service.socket = context.wrap_socket(service.socket, server_side=True)
        service.url = service.url.replace("http:", "https:")
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        service.shutdown()
        thread.join()
        service.server_close()
