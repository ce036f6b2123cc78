"""Errors to problem details (RFC 9457): the one place that knows which status an error has."""

import json
import logging
from typing import Any

from predict.telemetry.facts import collected, describe, facts
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
_LONGEST_DETAIL = 2_000


def problem(status: int, kind: str, title: str, detail: str, **more: Any) -> Problem:
    """What went wrong, for a person and for a program; what is None in `more` is left out."""
    return {
        "type": f"urn:verger:problem:{kind}",
        "title": title,
        "status": status,
        "detail": detail[:_LONGEST_DETAIL],
    } | {key: value for key, value in more.items() if value is not None}


def explain(error: Exception) -> Problem:
    """The problem that an error is; what nobody foresaw is a 500 that gives nothing away."""
    for kind, status, name, title in _KINDS:
        if isinstance(error, kind):
            facts().reason = name
            place = {}
            if isinstance(error, InvalidInputError):
                place = {"matrix": error.matrix, "line": error.line}
            return problem(status, name, title, str(error), **place)
    log_failure(error)
    return problem(500, "internal", "The service failed", "This is our fault; it was logged.")


def to_bytes(content: Problem) -> bytes:
    """The JSON of a problem."""
    # Half a surrogate pair can come in by an address; no answer may fail on it.
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def log_failure(error: Exception) -> None:
    """The type and the place, never the message: it may quote the document."""
    noted = collected()
    if noted is None:  # nobody will tell it
        log.error("failed: %s", describe(error))
    else:
        noted.errors.append(describe(error))
