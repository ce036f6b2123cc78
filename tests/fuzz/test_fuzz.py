"""The fuzzer: a short run finds nothing, and what is broken on purpose is found."""

import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from local.event import Event
from tests.fuzz.engines import blind
from tests.fuzz.lines import reached
from tests.fuzz.report import coverage, summary
from tests.fuzz.session import Bounds, Session
from tests.fuzz.target import FaultError
from tests.fuzz.v2 import good, plain
from tests.fuzz.v2.case import TRANSPORTS, Case
from tests.fuzz.v2.services import NAMES, Service, open_services
from tests.fuzz.v2.target import V2
from tests.fuzz.watching import FOUND, Running, watch
from tests.support.processes import environment

Answer = dict[str, Any]
Break = Callable[[Event, Service], Answer]

_EXECUTIONS = 2_000
_BOUNDS = Bounds(
    deadline_s=20.0, warm_up=200, sample_every=50, growth_bytes=20_000_000, peak_every=20
)


@pytest.fixture(scope="module")
def services() -> Mapping[str, Service]:
    return open_services()


def run(
    services: Mapping[str, Service],
    folder: Path,
    seed: int,
    executions: int,
    until: str = "nothing",
    **bounds: Any,
) -> Session:
    """A session after so many executions, or once something was found."""
    session = Session(V2(services), folder, replace(_BOUNDS, **bounds))

    def is_done() -> bool:
        is_found = any(key.startswith(until) for key in session.count.findings)
        return is_found or session.is_over or session.count.executions >= executions

    blind(session, seed, is_done)
    return session


def test_a_short_run_finds_nothing(services: Mapping[str, Service], tmp_path: Path) -> None:
    session = run(services, tmp_path, 1, _EXECUTIONS)
    assert not session.count.findings, summary(session)
    kinds = session.count.kinds
    assert min(kinds[kind] for kind in ("200", "400", "404", "405")) > 20
    assert len(session.count.texts) > 50


def test_a_seed_gives_the_same_run_again(services: Mapping[str, Service], tmp_path: Path) -> None:
    first, second = (run(services, tmp_path, 7, 300).count for _ in range(2))
    assert first.texts == second.texts


def test_a_run_says_what_it_counted(services: Mapping[str, Service], tmp_path: Path) -> None:
    text = summary(run(services, tmp_path, 1, 250))
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


def raises(_event: Event, _service: Service) -> Answer:
    raise LookupError("not there")


def warns(event: Event, service: Service) -> Answer:
    warnings.warn("old", DeprecationWarning, stacklevel=1)
    return right(event, service)


def hangs(event: Event, service: Service) -> Answer:
    while True:  # and catches what would end it, as a framework may
        try:
            time.sleep(60)
        except BaseException:
            return right(event, service)


def leaking() -> Break:
    kept: list[bytes] = []

    def leaks(event: Event, service: Service) -> Answer:
        kept.append(b"x" * 50_000)
        return right(event, service)

    return leaks


def swells(event: Event, service: Service) -> Answer:
    assert len(bytes(300_000_000)) > 0
    return right(event, service)


def misreads(event: Event, service: Service) -> Answer:
    answer = right(event, service)
    service.recorder.batches = [batch + 1 for batch in service.recorder.batches]
    return answer


def miscounts(event: Event, service: Service) -> Answer:
    answer = right(event, service)
    service.recorder.outputs = [output * 2 + 1 for output in service.recorder.outputs]
    return answer


BROKEN: list[Any] = [
    pytest.param(raises, "raised: LookupError at tests/fuzz/test_fuzz.py:", {}, id="raises"),
    pytest.param(warns, "warned: DeprecationWarning at ", {}, id="warns"),
    pytest.param(hangs, "hang: at ", {"deadline_s": 0.1}, id="hangs"),
    pytest.param(leaking(), "memory: it grows", {"growth_bytes": 5_000_000}, id="leaks"),
    pytest.param(swells, "memory: one execution took too much", {}, id="swells"),
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
    session = run(broken(services, fault), tmp_path, 2, 1_000, key, **bounds)
    [finding] = [found for found in session.count.findings.values() if found.key.startswith(key)]
    data = finding.path.read_bytes()
    assert Case.from_bytes(data) is not None
    assert finding.command == f"make fuzz TARGET=v2 REPLAY={os.path.relpath(finding.path)}"
    assert key in finding.path.with_suffix(".txt").read_text()


@pytest.fixture
def running(tmp_path: Path) -> Running:
    return Running.create(tmp_path / "running")


@pytest.mark.parametrize("code", [0, FOUND])
def test_the_parent_passes_the_code_on(running: Running, code: int) -> None:
    assert watch([sys.executable, "-c", f"raise SystemExit({code})"], running, 60) == code


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        pytest.param("import os; os.abort()", "ended with -6", id="dies"),
        pytest.param("raise SystemExit(1)", "ended with 1", id="breaks"),
        pytest.param("import time; time.sleep(600)", "nothing could interrupt it", id="hangs"),
    ],
)
def test_the_parent_sees_what_the_process_cannot(
    running: Running, program: str, reason: str
) -> None:
    with pytest.raises(FaultError, match=reason):
        watch([sys.executable, "-c", program], running, 0.4 if "sleep" in program else 60)


def test_the_latest_input_outlives_the_process(running: Running, tmp_path: Path) -> None:
    note = "import os, sys, pathlib; from tests.fuzz.watching import Running\n"
    note += f"r = Running(pathlib.Path({str(tmp_path / 'running')!r}))\n"
    note += "r.note(b'first'); r.note(b'last'); os.abort()"
    with pytest.raises(FaultError):
        watch([sys.executable, "-c", note], running, 60)
    assert (running.executions, running.data) == (2, b"last")


def fuzz(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_run_from_the_command_line(tmp_path: Path) -> None:
    ended = fuzz("--blind", "--seconds", "1", "--seed", "4", "--folder", str(tmp_path))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "findings: 0\nlines of functions reached: " in ended.stdout
    kept = sorted((tmp_path / "corpus-v2-4").iterdir())
    again = fuzz("--replay", str(kept[0]))
    assert again.returncode == 0
    assert "Outcome(kind='200'" in again.stdout
