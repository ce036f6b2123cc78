"""What the check before traffic speaks to, over HTTP: Lambda's Invoke and CodeDeploy's status."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from local.emulator import EmulatorError

Event = dict[str, Any]
Invoke = Callable[[Event], Any]

ARN = "arn:aws:lambda:eu-west-3:123456789012:function"
PREDICT, BATCH = f"{ARN}:stack-PredictFunction-1:7", f"{ARN}:stack-BatchFunction-1:5"
HOOK = {"DeploymentId": "d-ABCDEF123", "LifecycleEventHookExecutionId": "eyJlbmNyeXB0ZWQ"}
_TARGET = "CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus"


class Hook(ThreadingHTTPServer):
    """Both services on one port; CodeDeploy's records what it is told."""

    def __init__(self, functions: Mapping[str, Invoke]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.functions = functions
        self.told: list[dict[str, str]] = []

    @property
    def env(self) -> dict[str, str]:
        """What leads boto3 here, and the versions that the check is told to ask."""
        url = f"http://127.0.0.1:{self.server_port}"
        return {
            "AWS_ENDPOINT_URL_LAMBDA": url,
            "AWS_ENDPOINT_URL_CODEDEPLOY": url,
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "PREDICT_VERSION": PREDICT,
            "BATCH_VERSION": BATCH,
        }


@contextmanager
def hook(functions: Mapping[str, Invoke]) -> Iterator[Hook]:
    """Listen until the end.

    Args:
        functions: from an event to an answer, by ARN; EmulatorError for one that does not start.
    """
    with Hook(functions) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers.get("X-Amz-Target") == _TARGET:
            self.server.told.append(event)
            self._answer(200, {"lifecycleEventHookExecutionId": event.get("deploymentId")})
            return
        _, date, _, function, _ = unquote(self.path).split("/")
        assert date == "2015-03-31"
        if function not in self.server.functions:
            self._answer(404, {"Type": "User", "Message": f"Function not found: {function}"})
            return
        try:
            content = self.server.functions[function](event)
        except EmulatorError as fault:
            content = {"errorType": "Runtime.ExitError", "errorMessage": str(fault)}
        failed = isinstance(content, dict) and "errorType" in content
        self._answer(200, content, {"X-Amz-Function-Error": "Unhandled"} if failed else {})

    def _answer(self, status: int, content: Any, headers: Mapping[str, str] | None = None) -> None:
        body = json.dumps(content).encode()
        self.send_response_only(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...
