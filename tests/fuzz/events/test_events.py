"""The target "events": a short run finds nothing, and what is broken on purpose is found."""

import base64
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from predict.telemetry.invocations import EventError
from tests.fuzz.breaking import ANYWHERE, Fault, check_found, run
from tests.fuzz.events import good
from tests.fuzz.events.case import Case
from tests.fuzz.events.good import MARKER
from tests.fuzz.events.services import Handler, Services, open_services
from tests.fuzz.events.target import Events
from tests.fuzz.lines import reached
from tests.fuzz.report import summary

Break = Callable[[Handler, Any, Any], Any]  # the handler as it was, an event, a context
_EXECUTIONS = 1_500


@pytest.fixture(scope="module")
def services() -> Services:
    return open_services()


def test_a_short_run_finds_nothing(services: Services, tmp_path: Path) -> None:
    session = run(Events(services), tmp_path, 1, _EXECUTIONS)
    assert not session.count.findings, summary(session)
    kinds = session.count.kinds
    names = ("200", "201", "202", "204", "400", "404", "405", "415", "422", "not HTTP")
    assert min(kinds[name] for name in (*names, "delivered", "unusable", "hurried")) > 10
    assert len(session.count.texts) > 50


def test_a_seed_gives_the_same_run_again(services: Services, tmp_path: Path) -> None:
    first, second = (run(Events(services), tmp_path, 7, 300).count for _ in range(2))
    assert first.kinds == second.kinds


def test_good_events_get_what_they_are_to_get(services: Services, tmp_path: Path) -> None:
    session = run(Events(services), tmp_path, 3, len(Events(services).seeds()))
    assert not session.count.findings, summary(session)
    assert session.count.kinds["200"] > 30
    assert session.count.kinds["delivered"] > 20


def test_good_events_reach_most_lines(services: Services) -> None:
    found, known = reached(lambda: Events(services), Events(services).seeds()).count
    assert 0.4 * known < found < known


def test_each_event_holds_what_no_log_may_hold() -> None:
    events = [good.event(Random(seed)) for seed in range(200)]
    requests = [case.text.decode() for case in events if case.handler == "api"]
    assert all(MARKER in text for text in requests)


@pytest.mark.parametrize("content", [b"", b"api", b"other 1\n{}", b"api x\n{}", b"\xff 1\n{}"])
def test_what_is_no_case_is_none(content: bytes) -> None:
    assert Case.from_bytes(content) is None


def test_a_case_is_the_same_from_its_file() -> None:
    case = Case("batch", b'{"Records": ["\xff"]}', 100)
    assert Case.from_bytes(case.to_bytes()) == case


def broken(services: Services, fault: Break) -> Events:
    """The functions with a fault."""

    def handler(handle: Handler) -> Handler:
        return lambda event, context: fault(handle, event, context)

    handlers = {name: handler(handle) for name, handle in services.handlers.items()}
    return Events(replace(services, handlers=handlers))


def answers(change: Callable[[Any], Any]) -> Break:
    """Other answers of the HTTP edge."""

    def fault(handle: Handler, event: Any, context: Any) -> Any:
        answer = handle(event, context)
        return change(answer) if "statusCode" in answer else answer

    return fault


def fails(change: Callable[[list[Any]], list[Any]]) -> Break:
    """Other failures of the batch edge."""

    def fault(handle: Handler, event: Any, context: Any) -> Any:
        answer = handle(event, context)
        if "batchItemFailures" not in answer:
            return answer
        return {"batchItemFailures": change(answer["batchItemFailures"])}

    return fault


def lets_out(handle: Handler, event: Any, context: Any) -> Any:
    """What no framework would look at."""
    try:
        return handle(event, context)
    except EventError:
        raise KeyError("requestContext") from None


def raises_on_http(handle: Handler, event: Any, context: Any) -> Any:
    """What Mangum does with an odd event."""
    if isinstance(event, dict) and not isinstance(event.get("headers", {}), dict):
        raise EventError("no headers")
    return handle(event, context)


def answers_all(handle: Handler, event: Any, context: Any) -> Any:
    """An answer to what is no request."""
    try:
        return handle(event, context)
    except EventError:
        return {"statusCode": 400, "headers": {}, "body": "", "isBase64Encoded": False}


def logs(handle: Handler, event: Any, context: Any) -> Any:
    """The address of a request, in a record's own field."""
    logging.getLogger("predict.api").info("asked", extra={"event": str(event)})
    return handle(event, context)


def prints(handle: Handler, event: Any, context: Any) -> Any:
    """To stdout."""
    print(event)
    return handle(event, context)


def says(handle: Handler, event: Any, context: Any) -> Any:
    """An error that quotes."""
    try:
        return handle(event, context)
    except EventError:
        raise EventError(f"cannot handle {event}") from None


def forgets(handle: Handler, event: Any, context: Any) -> Any:
    """Results that are not there."""
    answer = handle(event, context)
    if "batchItemFailures" in answer:
        _objects(handle).clear()
    return answer


def _objects(handle: Any) -> dict[str, Any]:
    """Of the bucket behind the batch edge."""
    cells = {
        name: cell.cell_contents
        for name, cell in zip(handle.__code__.co_freevars, handle.__closure__, strict=True)
    }
    found: dict[str, Any] = cells["job"].store._s3.objects
    return found


def problem(status: int, **members: Any) -> dict[str, Any]:
    content = {"status": status, "title": "no", "detail": "no"} | members
    return {
        "statusCode": status,
        "headers": {"content-type": "application/problem+json"},
        "body": json.dumps(content),
        "isBase64Encoded": False,
    }


BROKEN: list[Any] = [
    pytest.param(raises_on_http, "raised: no headers", id="raises"),
    pytest.param(lets_out, "not HTTP: and no RuntimeError", id="another error"),
    pytest.param(answers_all, "not HTTP: and no RuntimeError", id="answers what is no request"),
    pytest.param(answers(lambda _: problem(500)), "status 500", id="500"),
    pytest.param(answers(lambda _: problem(418)), "status 418", id="odd status"),
    pytest.param(answers(lambda _: problem(404)), "status 404, expected 200", id="refuses"),
    pytest.param(answers(lambda _: problem(404, detail="")), "problem: its detail", id="no detail"),
    pytest.param(answers(lambda _: problem(404, title="")), "problem: its members", id="no title"),
    pytest.param(
        answers(lambda answer: answer | {"body": b"x"}), "answer: Lambda cannot send", id="bytes"
    ),
    pytest.param(
        answers(lambda answer: answer | {"body": "x", "isBase64Encoded": True}),
        "answer: Lambda cannot send",
        id="not base64",
    ),
    pytest.param(
        answers(lambda answer: answer | {"body": base64.b64encode(b"{}").decode()}),
        "problem: not JSON",
        id="base64, not said",
    ),
    pytest.param(
        answers(lambda answer: answer | {"headers": {"a": "b\r\nc"}}),
        "answer: Lambda cannot send",
        id="two lines in a header",
    ),
    pytest.param(logs, "log: holds what the event holds", id="logs"),
    pytest.param(prints, "log: holds what the event holds", id="prints"),
    pytest.param(says, "error: says what the event holds", id="an error that quotes"),
    pytest.param(fails(lambda _: []), "batch: other messages failed", id="swallows a failure"),
    pytest.param(
        fails(lambda failed: [*failed, {"itemIdentifier": "id-0"}]), "batch: ", id="fails more"
    ),
    pytest.param(
        fails(lambda _: [{"itemIdentifier": "who"}]),
        "batch: Lambda cannot use the answer",
        id="an unknown message",
    ),
    pytest.param(forgets, "batch: another result", id="no result"),
]


@pytest.mark.parametrize(("fault", "key"), BROKEN)
def test_what_is_broken_is_found(
    services: Services, tmp_path: Path, fault: Break, key: str
) -> None:
    session = run(broken(services, fault), tmp_path, 2, 2_000, key)
    check_found(session, key, Case.from_bytes)


@pytest.mark.parametrize(("fault", "key", "bounds"), ANYWHERE)
def test_what_may_break_anywhere_is_found(
    services: Services, tmp_path: Path, fault: Fault, key: str, bounds: dict[str, Any]
) -> None:
    target = broken(services, lambda handle, event, context: fault(lambda: handle(event, context)))
    if "LookupError" in key:
        key = "not HTTP: and no RuntimeError"  # an event may raise, and not that
    check_found(run(target, tmp_path, 2, 1_000, key, **bounds), key, Case.from_bytes)
