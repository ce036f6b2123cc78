"""The process that is attacked: warm, and a new one for each attack, forked from one that imported.

A line of JSON in, {"payload": path, "result": path, "env": …}; a line out, how the process ended.
The figures are of everything from the payload in a file to the answer.
"""

import importlib
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from local.event import body_of, http_event
from tests.attacks.attack import FULL, JSON, NPZ, XML, matrix
from tests.support.documents import npy

# What the handler and the first requests would import, without what opens the model.
_IMPORTED = (
    "predict.api", "predict.gateway", "predict.link", "predict.v2.request", "predict.v2.response",
    "serving.documents.npy", "serving.documents.xml", "serving.engines.onnx", "encodings.utf_16",
)  # fmt: skip
_LONGEST_S = 40
_MOST_BYTES = 6_144_000_000  # what the function has
_BOUND_S, _TRIES = 1.0, 3
_INFER = "/v2/models/demo/infer"
_WATCHED = ("open", "socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "pickle.")
_OURS = (sys.prefix, sys.base_prefix, tempfile.gettempdir())
_SHOWN = 2_000

Event = dict[str, Any]
Handler = Callable[[Any, Any], Event]
_seen: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What Lambda tells of an invocation."""

    function_name: str = "predict"
    function_version: str = "$LATEST"
    invoked_function_arn: str = "arn:aws:lambda:eu-west-3:123456789012:function:predict"
    memory_limit_in_mb: int = 6144
    aws_request_id: str = "52fdfc07-2182-454f-963f-5f0f9a621d72"

    def get_remaining_time_in_millis(self) -> int:
        return 30_000


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """What is opened, connected to, looked up or started, but for Python's own modules."""
    if _seen is None or not event.startswith(_WATCHED):
        return
    target = str(arguments[0] if event == "open" else arguments)
    if event != "open" or not target.startswith(_OURS):
        _seen.append(f"{event} {target}"[:200])


def main() -> int:
    """Attack after attack, until there is no more."""
    for name in _IMPORTED:
        importlib.import_module(name)
    sys.addaudithook(_watch)
    reports = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the function logs there
    for line in sys.stdin:
        request = json.loads(line)
        if (pid := os.fork()) == 0:
            code = 1
            try:
                _attack(request)
                code = 0
            except Exception:
                traceback.print_exc()
            finally:
                os._exit(code)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), file=reports, flush=True)
    return 0


def _attack(request: Event) -> None:
    global _seen
    signal.alarm(_LONGEST_S)
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))
    os.environ.update(request["env"])
    from predict.handler import api

    _warm_up(api)
    payload = Path(request["payload"])
    idle_kb = _memory_kb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # from here on the peak is counted anew
    _seen = []
    wall_s, cpu_s, answer = _measure(api, payload)
    reached, _seen = _seen, None
    result = {"peak_bytes": (_memory_kb("VmHWM") - idle_kb) * 1024, "reached": reached}
    for _ in range(_TRIES - 1):
        if cpu_s > _BOUND_S:  # the machine may have been busy
            wall_s, cpu_s, answer = min((wall_s, cpu_s, answer), _measure(api, payload), key=_cpu)
    result |= {"wall_s": wall_s, "cpu_s": cpu_s, "answer": answer, "goes_on": _goes_on(api)}
    Path(request["result"]).write_text(json.dumps(result), encoding="utf-8")


def _cpu(measured: tuple[float, float, str]) -> float:
    return measured[1]


def _measure(api: Handler, payload: Path) -> tuple[float, float, str]:
    """Wall time, CPU time of all threads, and the answer."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    try:
        answer = api(json.loads(payload.read_bytes()), Context())
    except Exception as error:  # Lambda counts it, and says no more than this
        said = f"the handler raises {type(error).__name__}: {error}"
    else:
        said = ""
    wall_s, cpu_s = time.perf_counter() - wall_s, time.process_time() - cpu_s
    return wall_s, cpu_s, said or _say(answer)


def _say(answer: Event) -> str:
    """The status, and the detail of a refusal or the start of an answer."""
    body = body_of(answer)
    try:
        content = json.loads(body)
    except ValueError:
        content = {}
    shown = {key: content[key] for key in ("detail", "error") if key in content}
    text = next(iter(shown.values()), body[:_SHOWN].decode(errors="replace"))
    return f"{answer['statusCode']} {text[:_SHOWN]}"


def _warm_up(api: Handler) -> None:
    tensor = {"name": "input", "shape": [1, 5000, 1], "datatype": "FP32", "data": [0.5] * 5000}
    infer = json.dumps({"inputs": [tensor]}).encode()
    for _ in range(2):
        for path, body, headers in (
            ("/predictions", matrix(FULL).encode(), XML),
            ("/predictions", matrix("0,5").encode(), XML),
            ("/predictions", npy(np.ones((1, 5000))), NPZ),
            (_INFER, infer, JSON),
        ):
            api(http_event("POST", path, body, headers), Context())


def _goes_on(api: Handler) -> bool:
    """Whether the next request is answered."""
    event = http_event("POST", "/predictions", matrix(FULL).encode(), XML)
    answer = api(event, Context())
    return bool(answer["statusCode"] == 200 and b'"output":[' in body_of(answer))


def _memory_kb(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise LookupError(name)


if __name__ == "__main__":
    sys.exit(main())
