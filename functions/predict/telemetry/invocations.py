"""Requests and documents, each timed, and told once it has ended."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from predict.events import Event, Handler
from predict.problems import log_failure
from predict.telemetry.facts import Facts, Report, Tracer, collecting, describe, facts

_ID = re.compile(r"[A-Za-z0-9=_-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class EventError(RuntimeError):
    """The event is none that is sent here."""


@contextmanager
def told(
    report: Report, context: Any, tracer: Tracer | None = None, **more: Any
) -> Iterator[Facts]:
    """One request or document: what is noted meanwhile is told at the end, whatever that is.

    Args:
        context: Lambda's.
        more: facts that are known already.
    """
    start = perf_counter()
    with collecting(tracer) as facts:
        facts.request_id = getattr(context, "aws_request_id", None)
        for name, value in more.items():
            setattr(facts, name, value)
        try:
            yield facts
        except Exception as error:
            facts.outcome = "failed"
            facts.errors.insert(0, describe(error))
            raise
        finally:
            facts.duration_ms = round((perf_counter() - start) * 1e3, 2)
            report(facts)


@contextmanager
def told_if_failed(report: Report, context: Any) -> Iterator[None]:
    """What is told by others, unless it fails before they can."""
    try:
        yield
    except Exception:
        with told(report, context):
            raise


@contextmanager
def wordless() -> Iterator[None]:
    """Lambda logs what an error says that leaves a handler; so none leaves with its message.

    Raises:
        EventError: for whatever was raised.
    """
    try:
        yield
    except Exception as error:
        raise EventError(f"the event cannot be handled: {describe(error)}") from None


def observe(handler: Handler, report: Report, tracer: Tracer | None = None) -> Handler:
    """The handler, which tells what became of each invocation.

    Raises, from the handler:
        EventError: for whatever it raises.
    """

    def observed(event: Event, context: Any) -> dict[str, Any]:
        with wordless(), told(report, context, tracer) as facts:
            facts.api_request_id = _api_request_id(event)
            answer = handler(event, context)
            _note_answer(facts, answer)
        return answer

    return observed


def _api_request_id(event: Any) -> str | None:
    """As API Gateway makes it; an event may be anything."""
    context = event.get("requestContext") if isinstance(event, dict) else None
    given = context.get("requestId") if isinstance(context, dict) else None
    return given if isinstance(given, str) and _ID.fullmatch(given) else None


def _note_answer(facts: Facts, answer: dict[str, Any]) -> None:
    facts.status = answer["statusCode"]
    length = (answer.get("headers") or {}).get("content-length")
    facts.answer_bytes = int(length) if length is not None else len(answer.get("body", ""))


class Noted:
    """The app, which notes the route of each request, and lets no error out.

    An error was answered by then; whoever runs the app would log what it says.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            if not facts().errors:
                log_failure(error)
        facts().route = _route(scope)


def _route(scope: Scope) -> str:
    """Never the address itself, which may hold an id, and never a method that nobody knows."""
    method = scope.get("method")
    template = getattr(scope.get("route"), "path", "(none)")
    return f"{method if method in _METHODS else '(other)'} {template}"
