"""The forms of a request beside each other; the Open Inference Protocol beside KServe's server."""

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench import FOLDER
from bench.bundles import bundle, ready
from bench.forms import BINARY, INLINE, JSON, Form, forms, outputs
from bench.groups.request import agree
from bench.processes import Worker
from bench.rows import Figures, Plan, Quotient, Row, compare, in_turns, missing
from bench.servers import Target, rate, serving
from local.event import http_event

_PYTHON = "build/env/bench-kserve/bin/python"
_MODEL = "small"
_COUNTS = {1: "1 matrix", 32: "32 matrices"}
_SECONDS = 1.0
_GOAL = "≥ 1"
_PEER = "KServe"
_PEER_FORMS = (JSON, BINARY)  # it has no raw one


def measure(plan: Plan) -> list[Row]:
    """Over HTTP with one client, and in the handler; every side is asked in turns."""
    if _MODEL not in ready([_MODEL]):
        return [missing("requests per second", "requests/s", _GOAL, "no bundle")]
    return _over_http(plan) + _in_the_handler(plan)


def _over_http(plan: Plan) -> list[Row]:
    rows: list[Row] = []
    sizes: list[Row] = []
    with ExitStack() as stack:
        ours, peer = _start(stack)
        for count, counted in _COUNTS.items():
            requests = forms(count, _MODEL)
            targets = {name: _target(ours, form) for name, form in requests.items()}
            beside = {name: _target(peer, requests[name]) for name in _PEER_FORMS}
            answers = {name: _answer(target) for name, target in targets.items()}
            _check(
                [outputs(answer) for answer in answers.values()],
                [outputs(_answer(target)) for target in beside.values()],
            )
            figures = _rates([*targets.values(), *beside.values()], plan)
            found = dict(zip(targets, figures, strict=False))  # the others come after
            rows += _beside_xml(f"{counted} over HTTP", "requests/s", found)
            for name, theirs in zip(beside, figures[len(targets) :], strict=True):
                rows.append(_beside_peer(f"{name}, {counted}", (found[name], theirs)))
            sent = {name: [len(form.body)] for name, form in requests.items()}
            got = {name: [len(answer)] for name, answer in answers.items()}
            sizes += _beside_xml(f"{counted}, body of the request", "bytes", sent)
            sizes += _beside_xml(f"{counted}, body of the answer", "bytes", got)
    return rows + sizes


def _start(stack: ExitStack) -> tuple[int, int]:
    """The ports of our server and of the other, which run until the stack ends."""
    folder = str(bundle(_MODEL))
    ours = [sys.executable, "-m", "local.serve", "--bundle", folder]
    peer = [_PYTHON, "-m", "bench.kserve_peer", "--model_name", _MODEL, "--bundle", folder]
    return (
        stack.enter_context(serving(ours, "/health/ready")),
        stack.enter_context(serving(peer, "/v2/health/ready")),
    )


def _target(port: int, form: Form) -> Target:
    return Target(port, form.path, form.body, form.headers)


def _answer(target: Target) -> bytes:
    connection = target.connect()
    try:
        return target.send(connection)
    finally:
        connection.close()


def _check(ours: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
    """Our forms predict the same to the bit; the others, as near as two batches do."""
    for output in ours:
        assert output == ours[0], "our forms differ"
    agree([ours[0], *others])


def _rates(targets: Sequence[Target], plan: Plan) -> list[list[float]]:
    def side(target: Target) -> Any:
        return lambda: [rate(target, 1, _SECONDS)]

    return in_turns([side(target) for target in targets], plan.rounds(5))


def _beside_xml(title: str, unit: str, figures: Mapping[str, Figures]) -> list[Row]:
    quotient: Quotient = "other ÷ ours" if unit == "ms" else "ours ÷ other"
    return [
        compare(f"{name}, {title}", unit, (found, figures[INLINE]), INLINE, quotient=quotient)
        for name, found in figures.items()
        if name != INLINE
    ]


def _beside_peer(what: str, figures: tuple[Figures, Figures]) -> Row:
    name = f"{what} over HTTP, beside {_PEER}"
    return compare(name, "requests/s", figures, _PEER, quotient="ours ÷ other", goal=_GOAL)


def _in_the_handler(plan: Plan) -> list[Row]:
    rows: list[Row] = []
    with Worker("protocol", {"MODEL_DIR": str(bundle(_MODEL))}) as worker:
        for count, counted in _COUNTS.items():
            times, warm = (5, 2) if count == 1 else (1, 1)
            events = {
                name: str(_event_file(f"{count}-{name}", form))
                for name, form in forms(count, _MODEL).items()
            }
            _check([worker.ask("handle", event=e, times=2)["outputs"] for e in events.values()], [])

            def side(event: str, times: int = times, warm: int = warm) -> Any:
                return lambda: worker.ask("handle", event=event, times=times, warm=warm)["ms"]

            found = in_turns([side(event) for event in events.values()], plan.rounds(15))
            figures = dict(zip(events, found, strict=True))
            rows += _beside_xml(f"{counted} in the handler", "ms", figures)
    return rows


def _event_file(title: str, form: Form) -> Path:
    """The event that API Gateway would make of a request: base64 where it is no text."""
    path = FOLDER / "events" / f"protocol-{title.replace(' ', '-')}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    event = http_event("POST", form.path, form.body, form.headers)
    path.write_text(json.dumps(event), encoding="utf-8")
    return path
