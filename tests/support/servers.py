"""What make serve starts, on a port of its own."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from local.children import end
from local.ports import free_ports
from tests.support.processes import environment

_START_TIMEOUT_S = 30
_PATIENCE_S = 20


def start(root: Path, bundle: Path, port: int) -> "subprocess.Popen[bytes]":
    """The process, which may not answer yet."""
    return subprocess.Popen(
        [sys.executable, "-m", "local.serve", "--bundle", str(bundle), "--port", str(port)],
        cwd=root,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def wait(server: "subprocess.Popen[bytes]", url: str) -> None:
    """Until it answers."""
    deadline = time.monotonic() + _START_TIMEOUT_S
    while True:
        try:
            httpx2.get(f"{url}/health/live")
            return
        except httpx2.TransportError:
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)


@contextmanager
def serve(root: Path, bundle: Path) -> Iterator[str]:
    """Its URL, once it answers."""
    [port] = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    server = start(root, bundle, port)
    try:
        wait(server, url)
        yield url
    finally:
        end(server, _PATIENCE_S)
