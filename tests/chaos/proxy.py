"""Between a function and the stand-in for AWS: passes requests on, or does not, or half."""

import contextlib
import http.client
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.chaos.faults import Call, Decision, Fault, Faults, read_call
from tests.chaos.plan import Change, Trouble

_DRIPS, _DRIP_S = 8, 0.04
_BEGUN = re.compile(rb"<UploadId>([^<]+)</UploadId>")
_UPLOAD = re.compile(rb"uploadId=([^&]+)")
_NOT_PASSED_ON = frozenset({"connection", "transfer-encoding", "content-length", "expect"})
# The stand-in looks and writes in two steps, and so loses what comes in between; AWS does not.
_AT_ONCE = frozenset({"result", "parts", "message", "visibility"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What AWS said."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(slots=True)
class World:
    """What a proxy acts on.

    Attributes:
        port: where the stand-in answers.
        clock: how many times faster a message comes back.
        exclusive: one at a time, for what the stand-in cannot do at once.
        change: does to a document what somebody does to it.
    """

    port: int
    clock: int
    faults: Faults
    exclusive: threading.Lock
    change: Callable[[str, Change], None]


class Proxy(ThreadingHTTPServer):
    """The endpoint of one function.

    Attributes:
        kill: ends that function, now.
        brought_back: whether it gave its message a time to come back at.
        begun, lost: uploads that it works on, and that nobody may know of any more.
    """

    daemon_threads = True

    def __init__(self, world: World, kill: Callable[[Trouble], None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.world = world
        self.kill = kill
        self.brought_back = False
        self.begun: set[str] = set()
        self.lost: set[str] = set()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, *_: Any) -> None:
        """A function that was killed hears no answer."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {key.lower(): value for key, value in self.headers.items()}
        call = read_call(self.command, self.path, headers)
        decision = self.server.world.faults.decide(call)
        self._change(call, decision, after=False)
        if decision.trouble is Trouble.KILLED_BEFORE:
            self.server.kill(decision.trouble)
            return self._close()
        if self._refused(call, decision.fault):
            return None
        answer = self._ask(call, body, headers)
        heard = decision.fault not in (Fault.UNHEARD, Fault.CUT)
        self._remember(answer, heard=heard and decision.trouble is None)
        self._change(call, decision, after=True)
        if decision.trouble is Trouble.KILLED_AFTER:
            self.server.kill(decision.trouble)
            return self._close()
        return self._reply(answer, decision.fault)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def _change(self, call: Call, decision: Decision, *, after: bool) -> None:
        for change in decision.changes:
            if change.after is after:
                self.server.world.change(call.name, change)

    def _remember(self, answer: Answer, *, heard: bool) -> None:
        """Which upload the function works on; an upload of which it never hears stays behind."""
        found = _BEGUN.search(answer.body) or _UPLOAD.search(self.path.encode())
        if found is None or self.command not in ("POST", "PUT"):
            return
        upload = found[1].decode()
        self.server.begun.add(upload)
        if self.path.endswith("?uploads") and not heard:
            self.server.lost.add(upload)

    def _refused(self, call: Call, fault: Fault | None) -> bool:
        """Whether AWS hears nothing of it."""
        if fault not in (Fault.ERROR, Fault.SLOW_DOWN, Fault.DENIED, Fault.CLOSED):
            return False
        self.server.world.faults.count(fault)
        if fault is Fault.CLOSED:
            self._close()
            return True
        status, code = fault.split()
        body = f"<Error><Code>{code}</Code><Message>chaos</Message></Error>".encode()
        if not call.name:
            body = json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": "chaos"}).encode()
        self._send(Answer(int(status), [], body))
        return True

    def _ask(self, call: Call, body: bytes, headers: dict[str, str]) -> Answer:
        world = self.server.world
        what = call.operation.partition(" ")[2]
        if what == "visibility":
            asked = json.loads(body)
            asked["VisibilityTimeout"] //= world.clock
            body = json.dumps(asked).encode()
            self.server.brought_back = True
        if what == "part":
            time.sleep(world.faults.part_s(call))
        alone = what in _AT_ONCE and self.command != "HEAD"
        with world.exclusive if alone else contextlib.nullcontext():
            return self._forward(body, headers)

    def _forward(self, body: bytes, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.world.port, timeout=60)
        try:
            passed = {key: v for key, v in headers.items() if key not in _NOT_PASSED_ON}
            connection.request(self.command, self.path, body, passed)
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def _reply(self, answer: Answer, fault: Fault | None) -> None:
        whole = len(answer.body)
        if fault is Fault.BROKEN and not 200 <= answer.status < 300:
            fault = None
        if fault is Fault.CUT and (whole < 2 or self.command == "HEAD"):
            fault = Fault.UNHEARD
        if fault is not None:
            self.server.world.faults.count(fault)
        if fault is Fault.UNHEARD:
            return self._close()
        if fault is Fault.SLOW:
            return self._send(answer, drips=_DRIPS)
        sent = {Fault.CUT: whole // 2, Fault.BROKEN: 0}.get(fault, whole) if fault else whole
        self._send(answer, sent)
        return self._close(reset=False) if sent < whole else None

    def _send(self, answer: Answer, sent: int | None = None, drips: int = 1) -> None:
        self.send_response_only(answer.status)
        known = {key.lower(): value for key, value in answer.headers}
        for key, value in answer.headers:
            if key.lower() not in _NOT_PASSED_ON:
                self.send_header(key, value)
        empty = self.command == "HEAD" or answer.status in (204, 304)
        length = known.get("content-length", "0") if empty else str(len(answer.body))
        if answer.status != 204:
            self.send_header("Content-Length", length)
        self.end_headers()
        body = b"" if empty else answer.body[:sent]
        step = max(len(body) // drips, 1)
        if drips > 1 and not body:
            time.sleep(_DRIPS * _DRIP_S)
        for start in range(0, len(body), step):
            if drips > 1:
                time.sleep(_DRIP_S)
            self.wfile.write(body[start : start + step])

    def _close(self, *, reset: bool = True) -> None:
        """Without an answer, or in the middle of one."""
        self.close_connection = True
        if not reset:
            return
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.wfile.close()
        self.rfile.close()
        self.connection.close()

    def log_message(self, *_: Any) -> None: ...
