"""EMR Serverless for tests: one application, whose jobs go through the states that a test plays."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

APPLICATION, JOB = "00fabcdefghij01", "00gabcdefghij02"
DENIED = "denied"  # a state in which the credentials have expired
BILLED = {"vCPUHour": 3.6, "memoryGBHour": 8.0, "storageGBHour": 0.0}


class Emr(ThreadingHTTPServer):
    """moto's jobs succeed at once and its applications are of older releases; these are not.

    Attributes:
        states: of the job, one for each time it is asked for; the last one stays.
        started: the requests that started a job.
        cancelled: the ids of those that were stopped.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.application = {"state": "CREATED", "releaseLabel": "emr-spark-8.0.0"}
        self.states: list[dict[str, Any]] = [
            {"state": "SUCCESS", "stateDetails": "", "billedResourceUtilization": BILLED}
        ]
        self.started: list[dict[str, Any]] = []
        self.cancelled: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Emr

    def log_message(self, *_: Any) -> None: ...

    def do_GET(self) -> None:
        if self.path == f"/applications/{APPLICATION}":
            self._send({"application": {"applicationId": APPLICATION, **self.server.application}})
        elif self.path.startswith(f"/applications/{APPLICATION}/jobruns/{JOB}"):
            states = self.server.states
            now = states.pop(0) if len(states) > 1 else states[0]
            if now["state"] == DENIED:
                return self._send({"message": "it expired"}, 403, "ExpiredTokenException")
            self._send({"jobRun": {"jobRunId": JOB, "applicationId": APPLICATION, **now}})
        else:
            self._missing()
        return None

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.started.append(body)
        self._send({"applicationId": APPLICATION, "jobRunId": JOB, "arn": "arn"})

    def do_DELETE(self) -> None:
        job = self.path.partition("?")[0].rpartition("/")[2]
        if job != JOB:
            return self._missing()
        self.server.cancelled.append(job)
        return self._send({"applicationId": APPLICATION, "jobRunId": job})

    def _missing(self) -> None:
        self._send({"message": "there is no such job run"}, 404, "ResourceNotFoundException")

    def _send(self, content: dict[str, Any], status: int = 200, error: str = "") -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if error:
            self.send_header("x-amzn-errortype", error)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def emr() -> Iterator[Emr]:
    """A running one."""
    server = Emr()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
