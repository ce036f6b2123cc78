"""Holds what a function answered, raised and let out against the rules."""

import base64
import json
import re
from dataclasses import dataclass
from typing import Any

from tests.fuzz.events import proper
from tests.fuzz.events.bucket import Bucket
from tests.fuzz.events.good import DOCUMENTS, DONE, REQUESTS, SECRETS, body_of
from tests.fuzz.target import FaultError, Outcome

_STATUSES = {200, 201, 202, 204, 303, 307, 400, 404, 405, 413, 415, 422}
# What of the headers changes the answer to a good request.
_HEADERS = ("content-type", "content-encoding", "content-length", "inference-header-content-length")
_LONGEST_DETAIL = 2_600  # a refusal's, and the way out behind it
_FOLDS = (
    (re.compile(r"^.*: (Not Found|Method Not Allowed);", re.DOTALL), r"\1;"),
    (re.compile(r'"[^"]*"', re.DOTALL), '"…"'),
    (re.compile(r"\[[^\]]*\]"), "[…]"),
    (re.compile(r"[0-9][0-9,.]*(e[+-]?[0-9]+)?"), "0"),
)
_EXPECTED = {
    (request.method, request.path, request.headers, request.body): request.status
    for request in REQUESTS
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an event: an answer or an error, and what was let out meanwhile."""

    value: Any
    error: Exception | None
    output: str


def judge(handler: str, event: Any, answer: Answer, bucket: Bucket, *, is_hurried: bool) -> Outcome:
    """What an answer is.

    Args:
        is_hurried: the invocation had not the time for its work.

    Raises:
        FaultError: not what it must be.
    """
    output = _without_request_id(answer.output, event)
    for secret in SECRETS:
        if secret in output:
            at = output.index(secret)
            raise FaultError("log: holds what the event holds", output[max(0, at - 300) :])
        if answer.error is not None and secret in str(answer.error):
            raise FaultError("error: says what the event holds", str(answer.error)[:500])
    if handler == "api":
        return _judge_http(event, answer)
    return _judge_batch(event, answer, bucket, is_hurried)


def _without_request_id(output: str, event: Any) -> str:
    """API Gateway makes the id of a request, and it is what lines are found by."""
    context = event.get("requestContext") if isinstance(event, dict) else None
    id = context.get("requestId") if isinstance(context, dict) else None
    return output.replace(json.dumps(id), "") if isinstance(id, str) else output


def _judge_http(event: Any, answer: Answer) -> Outcome:
    if not proper.is_http(event):
        if not isinstance(answer.error, RuntimeError):
            raise FaultError("not HTTP: and no RuntimeError", repr(answer.error or answer.value))
        return Outcome("not HTTP")
    if answer.error is not None:
        raise FaultError(f"raised: {answer.error}"[:200], repr(event)[:500])
    status, headers, body = _sendable(answer.value)
    text = ""
    if status not in _STATUSES:
        raise FaultError(f"status {status}", body[:300].decode(errors="replace"))
    if status >= 400:
        text = _problem(status, headers, body)
    if proper.is_proper(event):
        _check_expected(event, status)
    return Outcome(str(status), text)


def _sendable(answer: Any) -> tuple[int, dict[str, str], bytes]:
    """Raises FaultError for what Lambda and API Gateway cannot send."""
    try:
        json.dumps(answer, ensure_ascii=False, allow_nan=False).encode()
        status, headers = answer["statusCode"], answer["headers"]
        many = answer.get("multiValueHeaders") or {}
        values = [*headers.values(), *(value for found in many.values() for value in found)]
        texts = [*headers, *many, *values, *answer.get("cookies", [])]
        if type(status) is not int or not all(isinstance(text, str) for text in texts):
            raise TypeError
        if any("\n" in text or "\r" in text for text in texts):
            raise ValueError
        encoded: str = answer.get("body", "")
        is_bytes = answer["isBase64Encoded"]
        body = base64.b64decode(encoded, validate=True) if is_bytes else encoded.encode()
        return status, {name.lower(): value for name, value in headers.items()}, body
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        raise FaultError("answer: Lambda cannot send it", repr(answer)[:500]) from cause


def _problem(status: int, headers: dict[str, str], body: bytes) -> str:
    try:
        content = json.loads(body.decode())
    except ValueError as cause:
        raise FaultError("problem: not JSON", repr(body)[:500]) from cause
    if headers.get("content-type") == "application/problem+json":
        detail = content.get("detail")
        if content.get("status") != status or not content.get("title"):
            raise FaultError("problem: its members", repr(content)[:500])
    else:
        detail = content.get("error")
        if set(content) != {"error"} or headers.get("content-type") != "application/json":
            raise FaultError("problem: of no form", repr(content)[:500])
    if not isinstance(detail, str) or not detail.strip() or len(detail) > _LONGEST_DETAIL:
        raise FaultError("problem: its detail", repr(content)[:500])
    for pattern, instead in _FOLDS:
        detail = pattern.sub(instead, detail)
    return detail[:140]


def _check_expected(event: dict[str, Any], status: int) -> None:
    """A request that is right gets its answer, whatever else is in the event."""
    http = event["requestContext"].get("http", {})
    is_2 = event.get("version") == "2.0"
    found = proper.headers_of(event)
    headers = tuple((name, found[name]) for name in _HEADERS if name in found)
    try:
        body = body_of(event)
    except ValueError:
        return
    stated = dict(headers).get("content-length", str(len(body)))
    headers = tuple(pair for pair in headers if pair[0] != "content-length")
    method, path = (http["method"], http["path"]) if is_2 else (event["httpMethod"], event["path"])
    expected = _EXPECTED.get((method, path, headers, body))
    if expected is not None and stated == str(len(body)) and status != expected:
        raise FaultError(f"status {status}, expected {expected}: {method} {path}"[:150])


def _judge_batch(event: Any, answer: Answer, bucket: Bucket, is_hurried: bool) -> Outcome:
    if not proper.is_delivery(event):
        if answer.error is None:
            _failed(event, answer.value)
        return Outcome("unusable", type(answer.error).__name__)
    if answer.error is not None:
        raise FaultError(f"raised: {answer.error!r}"[:200], repr(event)[:500])
    failed = _failed(event, answer.value)
    if is_hurried:
        return Outcome("hurried", str(len(failed) > 0))
    records = event["Records"]
    announced = [(record["messageId"], proper.names(record["body"])) for record in records]
    expected = [id for id, documents in announced if documents is None]
    if sorted(failed) != sorted(expected):
        raise FaultError("batch: other messages failed", f"{failed}, expected {expected}")
    for name in {name for _, documents in announced for name in documents or []}:
        _check_result(name, bucket)
    return Outcome("delivered", f"{min(len(expected), 3)} of {min(len(records), 3)}")


def _failed(event: Any, answer: Any) -> list[str]:
    """The messages that are to come again."""
    try:
        if set(answer) != {"batchItemFailures"}:
            raise KeyError
        failed = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
        known = _ids(event)
        if any(failed.count(id) > known.count(id) for id in failed):
            raise ValueError
        json.dumps(answer).encode()
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        raise FaultError("batch: Lambda cannot use the answer", repr(answer)[:500]) from cause
    return failed


def _ids(event: Any) -> list[Any]:
    """Those of the messages that have one."""
    records = event.get("Records") if isinstance(event, dict) else None
    found = records if isinstance(records, list) else []
    return [record.get("messageId") for record in found if isinstance(record, dict)]


def _check_result(name: str, bucket: Bucket) -> None:
    """A document has its result, and what is none has none."""
    found = bucket.objects.get(f"predictions/{name}.json")
    expected = 200 if name == DONE else DOCUMENTS[name][1] if name in DOCUMENTS else None
    status = None if found is None else int(found.metadata["status"])
    if status != expected:
        raise FaultError("batch: another result", f"{name[:100]}: {status}, expected {expected}")
