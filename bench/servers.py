"""Servers on this machine, and clients that ask them: over HTTP, on connections that stay open."""

import http.client
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from bench.processes import environment, error_log
from local.ports import free_ports

_HOST = "127.0.0.1"
_START_TIMEOUT_S = 90


@dataclass(frozen=True, slots=True)
class Target:
    """A request that is sent again and again."""

    port: int
    path: str
    body: bytes
    headers: Mapping[str, str]

    def send(self, connection: http.client.HTTPConnection) -> bytes:
        """One request; the body of the answer.

        Raises:
            RuntimeError: it is not 200.
        """
        connection.request("POST", self.path, self.body, dict(self.headers))
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{self.path}: {answer.status}: {content[:300]!r}")
        return content

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(_HOST, self.port, timeout=30)


@contextmanager
def serving(command: list[str], ready_path: str) -> Iterator[int]:
    """A server on a free port, given as the last argument, until the block ends.

    Raises:
        RuntimeError: it did not start.
    """
    [port] = free_ports(1)
    # A group of its own: the framework starts processes that outlive it.
    process = subprocess.Popen(
        [*command, "--port", str(port)],
        env=environment(),
        stdout=error_log(),
        stderr=error_log(),
        start_new_session=True,
    )
    try:
        _wait(process, port, ready_path)
        yield port
    finally:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def rate(target: Target, clients: int, seconds: float) -> float:
    """Requests per second that so many clients get answered, each sending one after the other."""
    counts = [0] * clients
    errors: list[Exception] = []
    barrier = threading.Barrier(clients + 1)

    def client(number: int) -> None:
        connection = target.connect()
        try:
            target.send(connection)
            barrier.wait()
            while time.perf_counter() < end[0]:
                target.send(connection)
                counts[number] += 1
        except Exception as cause:
            errors.append(cause)
            barrier.abort()
        finally:
            connection.close()

    end = [float("inf")]
    threads = [threading.Thread(target=client, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    start = time.perf_counter()
    end[0] = start + seconds + 1  # until all are connected
    try:
        barrier.wait()
        start = time.perf_counter()
        end[0] = start + seconds
    except threading.BrokenBarrierError:
        end[0] = 0.0
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return sum(counts) / (time.perf_counter() - start)


def _wait(process: "subprocess.Popen[bytes]", port: int, path: str) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection(_HOST, port, timeout=5)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.2)
    raise RuntimeError(f"{process.args!r} did not start; see the log in build/bench")
