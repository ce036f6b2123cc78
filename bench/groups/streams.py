"""A long document read and predicted as a stream, against the longer of its two parts alone."""

from typing import Any

from bench.bundles import TITLES, bundle, ready
from bench.documents import event_file, long_file
from bench.groups.request import agree, fastest
from bench.processes import Worker
from bench.rows import Plan, Row, compare, in_turns

# Model, matrices and form; fewer for the model that is slow.
_CASES = (("small", 10_000, "text"), ("small", 10_000, "values"), ("resnet", 1_000, "text"))
_GOAL, _STEADY = "≥ 0.85", "≤ 1.1"


def measure(plan: Plan) -> list[Row]:
    """All of a case in one process: parsing, the engine, and both."""
    whole = ready(("small", "resnet"))
    rows = []
    for name, matrices, form in _CASES:
        if name in whole:
            rows += _case(name, plan.matrices(matrices), form, plan)
    return rows


def _case(name: str, count: int, form: str, plan: Plan) -> list[Row]:
    event = str(event_file(32, "text"))
    first: list[float] = []
    most: list[float] = []
    with (
        long_file(count, form) as path,
        Worker("ours", {"MODEL_DIR": str(bundle(name))}) as worker,
    ):
        way = fastest(worker, plan)
        wanted = worker.ask("handle", event=event, times=1)["outputs"]

        def both() -> Any:
            answer = worker.ask("stream", path=str(path))
            assert answer["count"] == count, answer["count"]
            agree([wanted, answer["outputs"]])
            first.append(answer["first_mb"])
            most.append(answer["most_mb"])
            return answer["ms"]

        def parse() -> Any:
            return worker.ask("parse_stream", path=str(path))["ms"]

        def engine() -> Any:
            return worker.ask("repeat_engine", event=event, way=way, count=count)["ms"]

        figures = in_turns((both, parse, engine), 2, warm=0)
    rates = [[count / ms * 1e3 for ms in side] for side in figures]
    # The slower of the two alone.
    slower, against = min(
        (rates[1], "parsing alone"),
        (rates[2], f"the engine alone ({way})"),
        key=lambda side: sum(side[0]),
    )
    title = f"{count:,} matrices as a stream, {TITLES[name]}, {form}"
    return [
        compare(
            title, "matrices/s", (rates[0], slower), against, quotient="ours ÷ other", goal=_GOAL
        ),
        compare(
            f"{title}: resident at most", "MB", (most, first), "after the first batch",
            quotient="ours ÷ other", goal=_STEADY,
        ),
    ]  # fmt: skip
