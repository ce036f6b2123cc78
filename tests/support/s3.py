"""An S3 on this machine, whose answers the test writes."""

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, BinaryIO

from predict.link import open_link
from tests.support.ground import SIGNED

Answer = Callable[[http.server.BaseHTTPRequestHandler], object]
BODY = bytes(range(256)) * 40


class Server:
    """An S3 whose answers the test writes."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.answer: Answer = send()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append((self.path, dict(self.headers)))
                outer.answer(self)

            def log_message(self, *_: Any) -> None: ...

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"
        self.url = f"{self.endpoint}/my-bucket/a%20key?{SIGNED}"

    def open(
        self, limit_bytes: int = 100_000, limit_s: float = 20
    ) -> AbstractContextManager[BinaryIO]:
        """The object."""
        return open_link(self.url, self.endpoint, limit_bytes, limit_s)

    def read(self, limit_bytes: int = 100_000, limit_s: float = 20) -> bytes:
        """All of the object."""
        with self.open(limit_bytes, limit_s) as stream:
            return stream.read()


def send(body: bytes = BODY, status: int = 200, **headers: str) -> Answer:
    """An answer; a header that is empty is left out."""

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            if value:
                handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def drip(head: bytes) -> Answer:
    """An answer of one byte every 50 ms, for a minute."""

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.wfile.write(head)
        try:
            for _ in range(1200):
                time.sleep(0.05)
                handler.wfile.write(b"x")
        except OSError:  # the reader has gone
            handler.close_connection = True

    return answer


def chunked(*chunks: bytes) -> bytes:
    """A body in chunks; the last of a whole one is empty."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)


@contextmanager
def serving(answer: Answer | None = None) -> Iterator[Server]:
    """An S3 on this machine."""
    server = Server()
    server.answer = answer or server.answer
    thread = threading.Thread(target=server.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.server.shutdown()
        thread.join()
        server.server.server_close()
