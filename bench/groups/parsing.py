"""Parsing alone, against defusedxml.ElementTree and float()."""

from typing import Any

from bench.documents import FORMS, document_file, long_file
from bench.processes import Worker
from bench.rows import Plan, Row, compare, in_turns, limit

_SHORT = {"text": "≥ 5", "values": "≥ 10"}
_LONG = {"text": "≥ 4", "values": "≥ 8"}
_GROWTH = "≤ 40"
_MATRICES, _OTHER = 10_000, 500


def measure(plan: Plan) -> list[Row]:
    """Both sides of a short document in one process; of a long one in two, for their memory."""
    return [_short(form, plan) for form in FORMS] + [
        row for form in FORMS for row in _long(form, plan)
    ]


def _short(form: str, plan: Plan) -> Row:
    path = str(document_file(32, form))
    with Worker("parser") as worker:

        def side(name: str) -> Any:
            return lambda: worker.ask(name, path=path, times=1)["ms"]

        figures = in_turns((side("ours"), side("other")), plan.rounds(15))
    return compare(
        f"parse 32 matrices, {form}", "ms", figures, "ElementTree and float", goal=_SHORT[form]
    )


def _long(form: str, plan: Plan) -> list[Row]:
    """The other side reads a twentieth, for which it takes a twentieth of the time."""
    count, part = plan.matrices(_MATRICES), plan.matrices(_OTHER)
    grown: list[float] = []
    other_grown: list[float] = []
    with (
        long_file(count, form) as path,
        Worker("parser") as our_worker,
        Worker("parser") as other_worker,
    ):

        def ours() -> list[float]:
            answer = our_worker.ask("our_stream", path=str(path))
            assert answer["count"] == count, answer
            grown.append(answer["grown_mb"])
            return [answer["ms"][0] / 1e3]

        def other() -> list[float]:
            answer = other_worker.ask("other_stream", path=str(path), count=part)
            other_grown.append(answer["grown_mb"])
            return [answer["ms"][0] / 1e3 * count / part]

        figures = in_turns((ours, other), 3 if form == "text" else 2, warm=0)
    against = f"iterparse and float, on {part} matrices, times {count // part}"
    title = f"parse {count:,} matrices as a stream, {form}"
    return [
        compare(title, "s", figures, against, goal=_LONG[form]),
        limit(f"{title}: memory", "MB", grown, _GROWTH, other_grown, against),
    ]
