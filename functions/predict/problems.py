"""Errors to problem details (RFC 9457): the one place that knows which status an error has."""

import json
import logging
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from predict.contract import PROBLEM_TYPE
from serving.errors import (
    InvalidInputError,
    MalformedError,
    TooLargeError,
    UnavailableError,
    UnsupportedError,
)

log = logging.getLogger(__name__)

_KINDS: tuple[tuple[type[Exception], int, str, str], ...] = (
    (MalformedError, 400, "malformed", "The document is malformed"),
    (TooLargeError, 413, "too-large", "The document is too large"),
    (UnsupportedError, 415, "unsupported", "The format is not read here"),
    (InvalidInputError, 422, "invalid", "The data is wrong"),
    (UnavailableError, 503, "unavailable", "Try again later"),
)
_LONGEST_DETAIL = 2_000
_TITLES = {404: "There is nothing at this address", 405: "The method does not fit the address"}


def problem(status: int, kind: str, title: str, detail: str, **place: str | int | None) -> Response:
    """An answer that says what went wrong; `place` is left out where it is unknown."""
    content: dict[str, Any] = {
        "type": f"urn:verger:problem:{kind}",
        "title": title,
        "status": status,
        "detail": detail[:_LONGEST_DETAIL],
    }
    content.update({key: value for key, value in place.items() if value is not None})
    # Half a surrogate pair can come in by an address; no answer may fail on it.
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    return Response(body, status, media_type=PROBLEM_TYPE)


def explain(error: Exception) -> Response:
    """The problem that an error is; what nobody foresaw is a 500 that gives nothing away."""
    for kind, status, name, title in _KINDS:
        if isinstance(error, kind):
            log.info("refused", extra={"reason": name, "status": status})
            place = {}
            if isinstance(error, InvalidInputError):
                place = {"matrix": error.matrix, "line": error.line}
            return problem(status, name, title, str(error), **place)
    # The type and the place in our code, never the message: it may quote the document.
    log.error("failed: %s at %s", type(error).__name__, _where(error))
    return problem(500, "internal", "The service failed", "This is our fault; it was logged.")


def _where(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "unknown"
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


def install(app: FastAPI) -> None:
    """Answer every error of an app with a problem."""

    async def on_error(_: Request, error: Exception) -> Response:
        return explain(error)

    async def on_http(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            return explain(error)
        title = _TITLES.get(error.status_code, "The request is wrong")
        detail = f"{request.method} {request.url.path}: {error.detail}; see /docs"
        response = problem(error.status_code, "http", title, detail)
        response.headers.update(error.headers or {})
        return response

    async def on_validation(_request: Request, _error: Exception) -> Response:
        return problem(422, "invalid", "The data is wrong", "The parameters do not fit; see /docs")

    app.add_exception_handler(Exception, on_error)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_validation)
