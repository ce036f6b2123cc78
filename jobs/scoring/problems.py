"""Errors to problem details (RFC 9457), as `functions/predict/problems.py` states them.

Jobs import nothing of functions/, so the table is written twice; a test compares them.
"""

import json
import logging
from types import TracebackType
from typing import Any

from serving.errors import (
    InvalidInputError,
    MalformedError,
    NotFoundError,
    TooLargeError,
    UnavailableError,
    UnsupportedError,
)

log = logging.getLogger(__name__)

Problem = dict[str, Any]

_KINDS: tuple[tuple[type[Exception], int, str, str], ...] = (
    (MalformedError, 400, "malformed", "The document is malformed"),
    (NotFoundError, 404, "not-found", "There is nothing under this name"),
    (TooLargeError, 413, "too-large", "The document is too large"),
    (UnsupportedError, 415, "unsupported", "The format is not read here"),
    (InvalidInputError, 422, "invalid", "The data is wrong"),
    (UnavailableError, 503, "unavailable", "Try again later"),
)
_INTERNAL = (500, "internal", "The service failed")
_LONGEST_DETAIL = 2_000


def explain(error: Exception) -> Problem:
    """The problem that an error is; of what nobody foresaw the type and the place are logged."""
    found = next((row for kind, *row in _KINDS if isinstance(error, kind)), None)
    if found is None:
        log.error("failed: %s at %s", type(error).__name__, _place(error.__traceback__))
    status, name, title = found or _INTERNAL
    detail = str(error) if found else "This is our fault; it was logged."
    problem = {
        "type": f"urn:verger:problem:{name}",
        "title": title,
        "status": status,
        "detail": detail[:_LONGEST_DETAIL],
    }
    if isinstance(error, InvalidInputError):
        place = {"matrix": error.matrix, "line": error.line}
        problem |= {key: value for key, value in place.items() if value is not None}
    return problem


def to_line(path: str, problem: Problem) -> str:
    """The problem of a document as a line of JSON, with its path before it."""
    text = json.dumps({"path": path} | problem, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace").decode()


def _place(trace: TracebackType | None) -> str:
    """Where something was raised; never its message, which may quote the document."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "unknown"
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
