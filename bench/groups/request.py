"""One request to a warm handler: against the afternoon version, and against the bare engine."""

from contextlib import ExitStack
from typing import Any

from bench.bundles import TITLES, bundle, keras_file, ready
from bench.documents import FORMS, event_file
from bench.processes import Worker
from bench.rows import AFTERNOON, Plan, Row, compare, in_turns

FUNCTION = "the same with tf.function"
# Matrices in a document and its form, with the goal against the afternoon version.
_SMALL = {(1, "text"): "≥ 45", (1, "values"): "≥ 35", (32, "text"): "≥ 7", (32, "values"): "≥ 13"}
_BARE = {"text": "≤ 1.05", "values": "≤ 1.10"}
_AGREEMENT = 1e-4


def measure(plan: Plan) -> list[Row]:
    """Each side in a process of its own, which the parent asks in turns."""
    rows: list[Row] = []
    whole = ready(("small", "resnet", "cnn_lstm"))
    if "small" in whole:
        rows += _against_keras("small", _SMALL, plan)
    if "cnn_lstm" in whole:
        rows += _against_keras("cnn_lstm", {(32, "text"): None}, plan)
    if "resnet" in whole:
        rows += _against_keras("resnet", {(32, "text"): None}, plan)
        rows += _against_engine("resnet", plan)
    return rows


def _against_keras(model: str, cases: Any, plan: Plan) -> list[Row]:
    against = {AFTERNOON: "predict", FUNCTION: "function"}
    rows = []
    with ExitStack() as stack:
        ours = stack.enter_context(Worker("ours", {"MODEL_DIR": str(bundle(model))}))
        others = [
            stack.enter_context(
                Worker("afternoon", {"KERAS_FILE": str(keras_file(model)), "KERAS_CALL": call})
            )
            for call in against.values()
        ]
        for (count, form), goal in cases.items():
            figures = _handled((ours, *others), count, form, plan)
            title = f"{_counted(count)}, {TITLES[model]}, {form}"
            for against_what, figure in zip(against, figures[1:], strict=True):
                wanted = goal if against_what == AFTERNOON else None
                name = title if against_what == AFTERNOON else f"{title}, beside tf.function"
                pair = (figures[0], figure)
                rows.append(compare(name, "ms", pair, against_what, goal=wanted))
    return rows


def _handled(workers: tuple[Worker, ...], count: int, form: str, plan: Plan) -> list[list[float]]:
    event = str(event_file(count, form))
    agree([worker.ask("handle", event=event, times=2)["outputs"] for worker in workers])
    times, warm = (5, 2) if count == 1 else (1, 1)

    def side(worker: Worker) -> Any:
        return lambda: worker.ask("handle", event=event, times=times, warm=warm)["ms"]

    return in_turns([side(worker) for worker in workers], plan.rounds(15))


def _against_engine(name: str, plan: Plan) -> list[Row]:
    rows = []
    with Worker("ours", {"MODEL_DIR": str(bundle(name))}) as worker:
        way = fastest(worker, plan)
        for form, goal in _BARE.items():
            event = str(event_file(32, form))

            def ours(event: str = event) -> Any:
                return worker.ask("handle", event=event, times=1)["ms"]

            def other(event: str = event) -> Any:
                return worker.ask("engine", event=event, way=way, times=1)["ms"]

            figures = in_turns((ours, other), plan.rounds(45))
            title = f"32 matrices, {TITLES[name]}, {form}: whole handler"
            against = f"the bare engine ({way})"
            rows.append(compare(title, "ms", figures, against, quotient="ours ÷ other", goal=goal))
    return rows


def fastest(worker: Worker, plan: Plan) -> str:
    """The way to cut 32 matrices that the bare engine takes least time for."""
    event = str(event_file(32, FORMS[0]))

    def side(way: str) -> Any:
        return lambda: worker.ask("engine", event=event, way=way, times=1)["ms"]

    ways: list[str] = worker.ask("ways")["ways"]
    figures = in_turns([side(way) for way in ways], plan.rounds(5))
    middle = {way: sorted(found)[len(found) // 2] for way, found in zip(ways, figures, strict=True)}
    return min(middle, key=lambda way: middle[way])


def agree(answers: list[dict[str, Any]]) -> None:
    """Stop where two sides do not predict the same."""
    for other in answers[1:]:
        assert list(other) == list(answers[0]), "other ids"
        for id, output in answers[0].items():
            gap = max(abs(a - b) for a, b in zip(output, other[id], strict=True))
            assert gap <= _AGREEMENT, f"matrix {id}: {gap} apart"


def _counted(count: int) -> str:
    return "1 matrix" if count == 1 else f"{count} matrices"
