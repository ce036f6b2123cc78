"""API Gateway on a port: requests become events of an HTTP API, answers become responses."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local.event import Event, body_of, http_event

Invoke = Callable[[Event], Event]


@contextmanager
def gateway(invoke: Invoke) -> Iterator[str]:
    """Listen until the end, also of the requests under way; gives the URL.

    Args:
        invoke: from an event to the function's answer; called once at a time.
    """
    server = _Server(invoke)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.end()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for them

    def __init__(self, invoke: Invoke) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._invoke = invoke
        self._one_at_a_time = threading.Lock()
        self._connections: set[Any] = set()

    def ask(self, event: Event) -> Event:
        with self._one_at_a_time:
            return self._invoke(event)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def end(self) -> None:
        """Clients keep their connections, whose threads would wait for the next request."""
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RD)
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one go: a kept connection would wait in between
    server: _Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        event = http_event(self.command, path, body, self._headers())
        event["rawQueryString"] = query
        answer = self.server.ask(event)
        content = body_of(answer)
        self.send_response_only(answer["statusCode"])
        for name, value in answer.get("headers", {}).items():
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _headers(self) -> dict[str, str]:
        """By their names in lower case, as a function gets them; one name may come twice."""
        names = {name.lower() for name in self.headers} - {"connection", "host"}
        return {name: ",".join(self.headers.get_all(name, [])) for name in names}

    def log_message(self, *_: Any) -> None: ...


# The API's route is of any method.
for _method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "QUERY"):
    setattr(_Handler, f"do_{_method}", _Handler.do_GET)
