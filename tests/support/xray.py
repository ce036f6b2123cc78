"""The daemon of X-Ray: a UDP socket, and what came to it."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_PATIENCE_S = 5.0


class Daemon:
    """What was sent, in order."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.env = {
            "TRACING": "on",
            "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{sock.getsockname()[1]}",
            "LAMBDA_TASK_ROOT": "/var/task",  # else the library takes it that this is no Lambda
        }

    def datagrams(self, at_least: int = 0) -> list[str]:
        """What has come since the last time; waits for so many."""
        found: list[str] = []
        while True:
            self._sock.settimeout(_PATIENCE_S if len(found) < at_least else 0.2)
            try:
                found.append(self._sock.recv(65_536).decode())
            except TimeoutError:
                return found

    def segments(self, at_least: int) -> list[dict[str, Any]]:
        """What has come, without the line before each."""
        return [json.loads(each.partition("\n")[2]) for each in self.datagrams(at_least)]


@contextmanager
def daemon() -> Iterator[Daemon]:
    """Listen until the end."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        sock.bind(("127.0.0.1", 0))
        yield Daemon(sock)
