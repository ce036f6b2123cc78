"""The target "v2": a short run finds nothing, and what is broken on purpose is found."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from local.event import Event
from tests.fuzz.breaking import ANYWHERE, Fault, check_found, run
from tests.fuzz.lines import reached
from tests.fuzz.report import coverage, summary
from tests.fuzz.v2 import good, plain
from tests.fuzz.v2.case import TRANSPORTS, Case
from tests.fuzz.v2.services import NAMES, Service, open_services
from tests.fuzz.v2.target import V2

Answer = dict[str, Any]
Break = Callable[[Event, Service], Answer]

_EXECUTIONS = 2_000


@pytest.fixture(scope="module")
def services() -> Mapping[str, Service]:
    return open_services()


def test_a_short_run_finds_nothing(services: Mapping[str, Service], tmp_path: Path) -> None:
    session = run(V2(services), tmp_path, 1, _EXECUTIONS)
    assert not session.count.findings, summary(session)
    kinds = session.count.kinds
    assert min(kinds[kind] for kind in ("200", "400", "404", "405")) > 20
    assert len(session.count.texts) > 50


def test_a_seed_gives_the_same_run_again(services: Mapping[str, Service], tmp_path: Path) -> None:
    first, second = (run(V2(services), tmp_path, 7, 300).count for _ in range(2))
    assert first.texts == second.texts


def test_a_run_says_what_it_counted(services: Mapping[str, Service], tmp_path: Path) -> None:
    text = summary(run(V2(services), tmp_path, 1, 250))
    assert "executions: 250 in" in text
    assert "outcomes: 200 " in text
    assert text.endswith("findings: 0")


def test_good_requests_reach_most_lines(services: Mapping[str, Service]) -> None:
    lines = reached(lambda: V2(services), V2(services).seeds())
    found, known = lines.count
    assert 0.4 * known < found < known
    assert f"lines of functions reached: {found} of {known}" in coverage(lines)


@pytest.mark.parametrize("name", NAMES)
def test_good_requests_are_good(services: Mapping[str, Service], name: str) -> None:
    service = services[name]
    for seed in range(100):
        case = good.inference(service.passport, Random(seed))
        doubts = plain.read(case.event(), service.passport, service.limits).doubts
        assert all(doubt.startswith("limits: ") for doubt in doubts)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_case_is_the_same_from_its_file(transport: str) -> None:
    case = Case(
        "dense",
        "/v2/\ud800",
        headers=(("a", "é"),),
        text=bytes(range(256)),
        tail=b"\0\xff",
        repeat=("tail", 0, 1, 3),
        length=-1,
        packings=("gzip",),
        edits=((3, 0, b"\xff"),),
        transport=transport,
    )
    again = Case.from_bytes(case.to_bytes())
    assert again == case
    assert again.event() == case.event()


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"service": 1, "paths": []}', b"\xff"])
def test_what_is_no_case_is_none(content: bytes) -> None:
    assert Case.from_bytes(content) is None


def broken(services: Mapping[str, Service], fault: Break) -> dict[str, Service]:
    """The services with a fault: it gets the event and the service as it was."""

    def handler(service: Service) -> Callable[[Event, Any], Answer]:
        return lambda event, _context: fault(event, service)

    return {name: replace(service, handler=handler(service)) for name, service in services.items()}


def right(event: Event, service: Service) -> Answer:
    return service.handler(event, None)


def refusal(content: Any, status: int = 400) -> Answer:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(content),
        "isBase64Encoded": False,
    }


def instead_of(status: int, other: Callable[[Event], Answer]) -> Break:
    """Answer something else where a status would be right."""

    def fault(event: Event, service: Service) -> Answer:
        answer = right(event, service)
        return other(event) if answer["statusCode"] == status else answer

    return fault


def anywhere(fault: Fault) -> Break:
    """A fault that knows nothing of events."""
    return lambda event, service: fault(lambda: right(event, service))


def misreads(event: Event, service: Service) -> Answer:
    answer = right(event, service)
    service.recorder.batches = [batch + 1 for batch in service.recorder.batches]
    return answer


def miscounts(event: Event, service: Service) -> Answer:
    answer = right(event, service)
    service.recorder.outputs = [output * 2 + 1 for output in service.recorder.outputs]
    return answer


BROKEN: list[Any] = [
    pytest.param(misreads, "matrices: other values", {}, id="misreads"),
    pytest.param(miscounts, "answer: other values", {}, id="other outputs"),
    pytest.param(
        instead_of(400, lambda _: refusal({"outputs": []}, 200)), "accepted: ", {}, id="accepts"
    ),
    pytest.param(
        instead_of(200, lambda _: refusal({"error": "no"})), "refused: no", {}, id="refuses"
    ),
    pytest.param(
        instead_of(400, lambda _: refusal({"error": "no"}, 500)), "status 500", {}, id="500"
    ),
    pytest.param(
        instead_of(404, lambda _: refusal({"detail": "no"}, 404)), "error: not {", {}, id="form"
    ),
    pytest.param(
        instead_of(400, lambda _: refusal({"error": " "})), "error: no text", {}, id="no text"
    ),
    pytest.param(
        instead_of(400, lambda event: refusal({"error": f"not {event.get('body')}"})),
        "error: quotes more than 100 characters of the body",
        {},
        id="quotes",
    ),
    pytest.param(
        instead_of(400, lambda _: refusal({"error": "no"}) | {"body": b"{}"}),
        "answer: Lambda cannot send it",
        {},
        id="bytes",
    ),
]


@pytest.mark.parametrize(("fault", "key", "bounds"), BROKEN)
def test_what_is_broken_is_found(
    services: Mapping[str, Service],
    tmp_path: Path,
    fault: Break,
    key: str,
    bounds: dict[str, Any],
) -> None:
    session = run(V2(broken(services, fault)), tmp_path, 2, 1_000, key, **bounds)
    check_found(session, key, Case.from_bytes)


@pytest.mark.parametrize(("fault", "key", "bounds"), ANYWHERE)
def test_what_may_break_anywhere_is_found(
    services: Mapping[str, Service],
    tmp_path: Path,
    fault: Fault,
    key: str,
    bounds: dict[str, Any],
) -> None:
    target = V2(broken(services, anywhere(fault)))
    check_found(run(target, tmp_path, 2, 1_000, key, **bounds), key, Case.from_bytes)
