"""Senders that take their time: over real HTTP against make serve, and behind a presigned URL."""

import json
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx2

from tests.attacks.attack import FULL, JSON, Attack, Sent, matrix, post
from tests.attacks.session import BUNDLE, ROOT, opened
from tests.support.s3 import drip, serving
from tests.support.servers import serve

TITLE = "Senders that take their time"
_DOCUMENT = matrix(FULL).encode()
_PATIENCE_S = 20
_WATCHED_S = 3.0
_GATEWAY = (
    "by make serve, which is for development: nothing. In production API Gateway reads a request "
    "whole, 10 MB and 30 s at most, before Lambda is asked"
)


@dataclass(frozen=True, slots=True)
class Slow:
    """What came of a sender.

    Attributes:
        bound: what ends it.
    """

    what: str
    outcome: str
    bound: str


def _connect(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=_PATIENCE_S)


def _head(*headers: str) -> bytes:
    lines = ("POST /predictions HTTP/1.1", "Host: localhost", "Content-Type: application/xml")
    return "\r\n".join((*lines, *headers, "", "")).encode()


def _answer(sock: socket.socket) -> str:
    """The status line, or that the connection ended without one."""
    try:
        line = sock.recv(65_536).partition(b"\r\n")[0].decode(errors="replace")
    except ConnectionError:
        line = ""
    return line.removeprefix("HTTP/1.1 ") or "the connection is closed without an answer"


def _drips(url: str, head: bytes) -> str:
    """One byte every tenth of a second: whether others are answered meanwhile."""
    with _connect(url) as sock:
        sock.sendall(head)
        end = time.monotonic() + _WATCHED_S
        answered = 0
        while time.monotonic() < end:
            sock.sendall(b" ")
            headers = {"content-type": "application/xml"}
            answer = httpx2.post(
                f"{url}/predictions", content=_DOCUMENT, headers=headers, timeout=_PATIENCE_S
            )
            answered += answer.status_code == 200
            time.sleep(0.1)
    return "others are answered meanwhile" if answered > 5 else f"only {answered} are answered"


def _short(url: str) -> str:
    with _connect(url) as sock:
        sock.sendall(_head(f"Content-Length: {len(_DOCUMENT) + 10}") + _DOCUMENT)
        sock.shutdown(socket.SHUT_WR)
        return _answer(sock)


def _long(url: str) -> str:
    with _connect(url) as sock:
        sock.sendall(_head(f"Content-Length: {len(_DOCUMENT)}") + _DOCUMENT + b"garbage\r\n\r\n")
        return _answer(sock)


def _twice(url: str) -> str:
    length = f"Content-Length: {len(_DOCUMENT)}"
    with _connect(url) as sock:
        sock.sendall(_head(length, "Content-Length: 5") + _DOCUMENT)
        return _answer(sock)


def _endless(url: str) -> str:
    """Chunks until the server answers."""
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    with _connect(url) as sock:
        sock.sendall(_head("Transfer-Encoding: chunked"))
        for _ in range(2_000):
            if select.select([sock], [], [], 0)[0]:
                break
            try:
                sock.sendall(chunk)
            except ConnectionError:
                break
        return _answer(sock)


def _headers(url: str) -> str:
    with _connect(url) as sock:
        sock.sendall(_head(*(f"X-{i}: {'y' * 100}" for i in range(2_000))))
        return _answer(sock)


def _s3(head: bytes) -> str:
    """A document by its URL, one second at most."""
    with serving(drip(head)) as s3, opened("") as session:

        def make(_: str) -> Sent:
            return post(json.dumps({"url": s3.url}).encode(), JSON)

        env = {"S3_ENDPOINT": s3.endpoint, "LIMIT_LINK_SECONDS": "1"}
        return session.run(Attack("", make, "", env)).answer


_OVER_HTTP: tuple[tuple[str, Callable[[str], str], str], ...] = (
    (
        "a body that comes byte by byte",
        lambda url: _drips(url, _head("Content-Length: 1000000")),
        _GATEWAY,
    ),
    ("headers that come byte by byte", lambda url: _drips(url, b"POST / HTTP/1.1\r\nX:"), _GATEWAY),
    ("a body shorter than its Content-Length", _short, "the end of the connection"),
    ("a body longer than its Content-Length", _long, "the Content-Length"),
    ("two Content-Lengths that differ", _twice, "the server, before the service is asked"),
    ("a body in chunks without end", _endless, "LIMIT_TEXT_BYTES"),
    ("headers of 200 kB", _headers, "the server, before the service is asked"),
)
_BY_URL = (
    ("S3 that gives an object byte by byte", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<a>"),
    ("S3 that gives its headers byte by byte", b"HTTP/1.1 200 OK\r\nX: "),
    ("S3 that says nothing", b""),
)


def try_all() -> list[Slow]:
    """Each sender, one after another."""
    with serve(ROOT, BUNDLE) as url:
        tried = [Slow(what, sender(url), bound) for what, sender, bound in _OVER_HTTP]
        alive = httpx2.get(f"{url}/health/live").status_code
        assert alive == 200
    bound = "LIMIT_LINK_SECONDS, here 1, from the first look-up to the last byte"
    return tried + [Slow(what, _s3(head), bound) for what, head in _BY_URL]
