"""The batch path keeps its promises under faults; `make chaos` is the long run."""

from dataclasses import replace
from random import Random

import pytest

from tests.chaos import documents
from tests.chaos.chaos import run, run_plan
from tests.chaos.page import Report, outcomes, page
from tests.chaos.plan import KILLS, Change, Entry, Plan, Put, Step, Trouble
from tests.chaos.planning import SMALL, Size, make_plan
from tests.chaos.verify import GOOD, NO_MORE, PROMISES, UPLOADS

SEED = 107  # 7 kills that do not hang on the clock
# Made for every short document that stays as it is, however fast the machine.
_ALWAYS_MADE = {Step(what, 1) for what in ("HEAD result", "HEAD document", "PUT result")}


@pytest.fixture(scope="module")
def report() -> Report:
    return run(SEED, SMALL)


@pytest.mark.parametrize("promise", PROMISES)
def test_batch_keeps_its_promise_under_faults(report: Report, promise: str) -> None:
    assert report.promises[promise] == []


def test_chaos_is_one(report: Report) -> None:
    """A run in which little happens shows little."""
    assert report.plan.deliveries > 60
    assert report.faults > 100
    assert report.kills >= _certain_kills(report.plan) >= 5
    assert {"predicted", "refused", "repeated", "continued"} <= outcomes(report.outcome).keys()
    assert f"seed {SEED}" not in page(report)
    assert f"SEED={SEED}" in page(report)


def _certain_kills(plan: Plan) -> int:
    """How many are tied to a call that is always made; others come only if there is time."""
    calm = (e for e in plan.entries.values() if not (e.changes or e.lost or "long" in e.kind))
    return sum(t in KILLS and s in _ALWAYS_MADE for e in calm for s, t in e.troubles.items())


def test_the_plan_comes_from_the_seed() -> None:
    assert make_plan(7, SMALL) == make_plan(7, SMALL)
    assert make_plan(7, SMALL).feed != make_plan(8, SMALL).feed


@pytest.mark.parametrize("size", [SMALL, Size()])
def test_what_passes_can_pass(size: Size) -> None:
    """Fewer troubles than tries, or a message that could succeed would be set aside."""
    plan = make_plan(SEED, size)
    for entry in plan.entries.values():
        assert len(entry.troubles) <= size.troubles < size.max_receives - 1
        assert not (entry.lost and (entry.troubles or entry.changes))
    assert any(t in KILLS for entry in plan.entries.values() for t in entry.troubles.values())


@pytest.fixture(scope="module")
def worst() -> Report:
    """One function, no faults by chance: only what happens at the worst moment of a document."""
    kind, content = documents.good(Random(SEED), 3)
    last_look = Step("HEAD document", 2)
    entries = [
        Entry(
            "erased while its result is written, then the function is killed",
            kind,
            content,
            [Change(Step("PUT result", 1), False, None)],
            {last_look: Trouble.KILLED_BEFORE},
        ),
        Entry(
            "erased when it is about to be read, put again when it was",
            kind,
            content,
            [Change(Step("GET document", 1), False, None), Change(last_look, False, content)],
        ),
        Entry(
            "erased when its work was handed over",
            "long",
            documents.good(Random(SEED), 1200)[1],
            [Change(Step("PUT work", 1), True, None)],
        ),
    ]
    plan = Plan(SEED, {e.name: e for e in entries}, [*map(Put, entries)], [], {})
    return run_plan(plan, replace(SMALL, rate=0.0, workers=1))


def test_a_document_erased_at_the_worst_moment_has_no_result(worst: Report) -> None:
    assert worst.promises[NO_MORE] == []


def test_a_document_put_again_at_the_worst_moment_has_its_result(worst: Report) -> None:
    assert worst.promises[GOOD] == []


def test_a_document_erased_while_it_is_continued_leaves_no_parts(worst: Report) -> None:
    assert worst.promises[UPLOADS] == []


def test_nothing_else_breaks_at_the_worst_moment(worst: Report) -> None:
    assert worst.broken == []
    assert worst.kills == 1
