"""Where hostile URLs are tried: a listener that nothing may reach, an endpoint that redirects."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from socket import AF_INET, AF_INET6, create_server, getaddrinfo, socket
from typing import Any, Protocol

from predict.link import open_link
from predict.problems import explain
from serving.errors import ServingError

ALGORITHM = "X-Amz-Algorithm=AWS4-HMAC-SHA256"
CREDENTIAL = "X-Amz-Credential=AKIDEXAMPLE%2F20260101%2Feu-west-3%2Fs3%2Faws4_request"
SIGNATURE = f"X-Amz-Signature={'5ec2e7' * 10}0000"
SIGNED = f"{ALGORITHM}&{CREDENTIAL}&X-Amz-Expires=60&X-Amz-SignedHeaders=host&{SIGNATURE}"


class Trial(Protocol):
    """A URL, what its host resolves to (by default, what DNS says), and where it redirects to."""

    @property
    def url(self) -> str: ...
    @property
    def resolves_to(self) -> tuple[str, ...]: ...
    @property
    def redirects_to(self) -> str: ...
    @property
    def status(self) -> int: ...


class Ground:
    """A listener that nothing may reach, and a local endpoint that redirects as a row says."""

    def __init__(self, listeners: Sequence[socket], endpoint: "_Redirector") -> None:
        self._listeners = listeners
        self._endpoint = endpoint
        self.port = int(listeners[0].getsockname()[1])
        self.endpoint_port = endpoint.server_port
        self.endpoint = f"http://127.0.0.1:{self.endpoint_port}"

    def url(self, text: str) -> str:
        """The URL that a row's text stands for."""
        filled = text.replace("PORT", str(self.port)).replace("SIGNED", SIGNED)
        return filled.replace("ENDPOINT", str(self.endpoint_port))

    def one_request(self) -> list[tuple[str, Any]]:
        """The events of one request to the endpoint, and of nothing else."""
        return [
            ("socket.getaddrinfo", "127.0.0.1"),
            ("socket.connect", ("127.0.0.1", self.endpoint_port)),
        ]

    def was_reached(self) -> bool:
        """Whether anything connected to the listener; whoever did waits in its queue."""
        for listener in self._listeners:
            try:
                listener.accept()[0].close()
            except BlockingIOError:
                continue
            return True
        return False

    def see(self, link: Trial, endpoint: str | None) -> str:
        """The status and the detail of the problem that following a row's URL ends in."""
        self._endpoint.answer = link.status, self.url(link.redirects_to)

        def resolve(*_: Any, **__: Any) -> list[Any]:
            return [
                (AF_INET6 if ":" in address else AF_INET, 0, 0, "", (address, self.port))
                for address in link.resolves_to
            ]

        resolver = resolve if link.resolves_to else getaddrinfo
        try:
            with open_link(self.url(link.url), endpoint, 1000, 10, resolver) as stream:
                return f"followed: {stream.read(100)!r}"
        except ServingError as error:
            problem = explain(error)
        return f"{problem['status']} {problem['detail'].replace(str(self.port), 'PORT')}"


class _Redirector(HTTPServer):
    answer = (500, "")


class _Redirect(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, _Redirector)
        status, target = self.server.answer
        self.send_response(status)
        self.send_header("Location", target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None: ...


@contextmanager
def ground(host: str = "127.0.0.1") -> Iterator[Ground]:
    """Listen on an address, and on the loopback address of IPv6 where there is one."""
    with ExitStack() as stack:
        first = stack.enter_context(create_server((host, 0)))
        listeners = [first]
        try:
            address = ("::1", first.getsockname()[1])
            listeners.append(stack.enter_context(create_server(address, family=AF_INET6)))
        except OSError:  # no IPv6 here, or its port is taken
            pass
        for listener in listeners:
            listener.setblocking(False)
        server = stack.enter_context(_Redirector(("127.0.0.1", 0), _Redirect))
        stack.callback(server.shutdown)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield Ground(listeners, server)
