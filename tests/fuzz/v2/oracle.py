"""Holds an answer against the rules: its form, what it says of the request, and the outputs."""

import base64
import gzip
import json
import re
import zlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import numpy as np

from local.event import Event
from tests.fuzz.target import FaultError, Outcome
from tests.fuzz.v2 import plain
from tests.fuzz.v2.good import DATATYPES
from tests.fuzz.v2.plain_tensors import SPELLING
from tests.fuzz.v2.reading import NO_TEXT, Reading, UnknownError, WrongError
from tests.fuzz.v2.services import Service

_STATUSES = {200, 400, 404, 405}
_MOST_QUOTED = 100
_OUT = {"float32": "FP32", "float64": "FP64", "int64": "INT64"}
_FOLDS = (
    (re.compile(r"^.*: (Not Found|Method Not Allowed);"), r"\1;"),
    (re.compile(r"\(b['\"].*\)"), "(…)"),
    (re.compile(r"0x[0-9a-f]+"), "0x0"),
    (re.compile(r'"[^"]*"'), '"…"'),
    (re.compile(r"\[[^\]]*\]"), "[…]"),
    (re.compile(r"[0-9][0-9,.]*(e[+-]?[0-9]+)?"), "0"),
)


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def judge(event: Event, answer: Any, service: Service) -> Outcome:
    """What an answer is.

    Raises:
        FaultError: not what it must be.
    """
    path = _path(event)
    seen = _answer(answer)
    if not f"{unquote(path)}/".startswith("/v2/"):
        if seen.status >= 500:
            raise FaultError(f"status {seen.status}, not under /v2")
        return Outcome("not under /v2")
    if seen.status not in _STATUSES:
        raise FaultError(f"status {seen.status}")
    if seen.status != 200:
        text = _error(seen)
        _check_quotes(text, event, service)
        _check_refusal(text, event, service)
        return Outcome(str(seen.status), _folded(text, path))
    if _method(event) == "GET":
        _check_description(seen, service)
        return Outcome("200", "GET")
    return Outcome("200", _check_inference(seen, event, service))


def _path(event: Event) -> str:
    path: str = event["path"] if "path" in event else event["requestContext"]["http"]["path"]
    return path


def _method(event: Event) -> str:
    found: str = event.get("httpMethod") or event["requestContext"].get("http", {}).get(
        "method", ""
    )
    return found


def _answer(answer: Any) -> _Answer:
    """The parts of what the handler returned, which Lambda must be able to send."""
    try:
        json.dumps(answer, ensure_ascii=False).encode()
        headers = {str(name).lower(): str(value) for name, value in answer["headers"].items()}
        body: str = answer.get("body", "")
        content = (
            base64.b64decode(body, validate=True) if answer["isBase64Encoded"] else body.encode()
        )
        return _Answer(answer["statusCode"], headers, content)
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        raise FaultError("answer: Lambda cannot send it", repr(answer)[:500]) from cause


def _error(seen: _Answer) -> str:
    try:
        content = json.loads(seen.body.decode())
    except ValueError as cause:
        raise FaultError("error: not JSON", repr(seen)[:500]) from cause
    if not isinstance(content, dict) or set(content) != {"error"}:
        raise FaultError('error: not {"error": …}', repr(content)[:500])
    text = content["error"]
    if not isinstance(text, str) or not text.strip():
        raise FaultError("error: no text", repr(content)[:500])
    if seen.headers.get("content-type") != "application/json":
        raise FaultError("error: its type", repr(seen.headers)[:500])
    return text


def _check_quotes(text: str, event: Event, service: Service) -> None:
    """What is logged and shown of a request is short: it may hold what nobody else may see."""
    size = _MOST_QUOTED + 1
    if len(text) < size:
        return
    pieces = [text[i : i + size] for i in range(len(text) - size + 1)]
    sources = {
        "address": [_path(event), unquote(_path(event))],
        "method": [_method(event)],
        "headers": list(event["headers"].values()),
        "body": [event.get("body") or "", *plain.texts(event, service.limits)],
    }
    for name, texts in sources.items():
        if any(piece in source for source in texts for piece in pieces):
            key = f"error: quotes more than {_MOST_QUOTED} characters of the {name}"
            raise FaultError(key, text[:500])


def _check_refusal(text: str, event: Event, service: Service) -> None:
    """What is right, and uses no limit, is not refused."""
    try:
        reading = plain.read(event, service.passport, service.limits)
    except (WrongError, UnknownError):
        return
    recorder = service.recorder
    finite = all(np.isfinite(output).all() for output in recorder.outputs)
    if not reading.doubts and not recorder.failed and finite:
        raise FaultError(f"refused: {_folded(text, _path(event))}", text[:500])


def _check_description(seen: _Answer, service: Service) -> None:
    try:
        content = json.loads(seen.body.decode())
    except ValueError as cause:
        raise FaultError("description: not JSON", repr(seen)[:500]) from cause
    named = {"verger", service.passport.name}
    if not isinstance(content, dict) or not (content.get("name") in named or content.get("live")):
        raise FaultError("description: of what?", repr(content)[:500])


def _check_inference(seen: _Answer, event: Event, service: Service) -> str:
    try:
        reading = plain.read(event, service.passport, service.limits)
    except WrongError as wrong:
        raise FaultError(f"accepted: {wrong}", repr(event.get("body"))[:500]) from wrong
    except UnknownError as unknown:
        return f"unknown: {unknown}"
    _check_matrices(reading, service)
    _check_outputs(seen, event, reading, service)
    kind = "bytes" if reading.is_binary else "JSON"
    return ", ".join([kind, *sorted(reading.doubts)])


def _check_matrices(reading: Reading, service: Service) -> None:
    """The model was given what the request says, to the bit."""
    if not service.recorder.batches:
        raise FaultError("accepted: and not computed")
    given, wanted = np.concatenate(service.recorder.batches), reading.values
    assert wanted is not None
    if given.shape != wanted.shape or given.dtype != np.dtype(service.passport.input.dtype):
        raise FaultError("matrices: of another shape", f"{given.shape}, expected {wanted.shape}")
    is_other = given != wanted
    if SPELLING not in reading.doubts:
        is_other |= np.signbit(given) != np.signbit(wanted)
    if is_other.any():
        wrong = np.flatnonzero(is_other)[:5].tolist()
        raise FaultError("matrices: other values", f"at {wrong} of {given.shape}")


def _check_outputs(seen: _Answer, event: Event, reading: Reading, service: Service) -> None:
    body = _unpacked(seen, event)
    stated = seen.headers.get("inference-header-content-length")
    if (stated is not None) != reading.is_binary:
        raise FaultError("answer: bytes and JSON mistaken", repr(seen.headers)[:500])
    text, tail = (body, b"") if stated is None else (body[: int(stated)], body[int(stated) :])
    content = json.loads(text.decode())
    outputs = np.concatenate(service.recorder.outputs)
    datatype = _OUT[service.passport.output.dtype]
    wanted = {
        "model_name": service.passport.name,
        "model_version": service.passport.version,
        **({} if reading.id is None else {"id": reading.id}),
    }
    [tensor] = content.pop("outputs")
    if content != wanted and NO_TEXT not in reading.doubts:
        raise FaultError("answer: its parts", f"{content!r}, expected {wanted!r}"[:500])
    expected: dict[str, Any] = {
        "name": "output",
        "datatype": datatype,
        "shape": list(outputs.shape),
    }
    if reading.is_binary:
        data = np.frombuffer(tail, DATATYPES[datatype])
        expected |= {"parameters": {"binary_data_size": len(tail)}}
    else:
        data = np.array(tensor.pop("data"), dtype=outputs.dtype)
    if tensor != expected:
        raise FaultError("answer: its tensor", f"{tensor!r}, expected {expected!r}"[:500])
    if data.tobytes() != outputs.tobytes():
        raise FaultError("answer: other values", f"{data!r}, expected {outputs!r}"[:500])


def _unpacked(seen: _Answer, event: Event) -> bytes:
    encoding = seen.headers.get("content-encoding")
    accepted = {name.lower(): value for name, value in event["headers"].items()}.get(
        "accept-encoding", ""
    )
    if encoding is None:
        return seen.body
    if encoding not in {"gzip", "deflate"} or encoding not in accepted.lower():
        raise FaultError(
            "answer: packed as nobody asked for", f"{encoding}, accepted {accepted}"[:500]
        )
    return gzip.decompress(seen.body) if encoding == "gzip" else zlib.decompress(seen.body)


def _folded(text: str, path: str) -> str:
    """Without what differs from request to request."""
    for quoted in {path, unquote(path)} - {""}:
        text = text.replace(quoted, "<path>")
    for pattern, instead in _FOLDS:
        text = pattern.sub(instead, text)
    return text[:160]
