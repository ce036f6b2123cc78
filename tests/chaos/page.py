"""What a run did and what held, as tables: printed, and written to docs/chaos.md."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.chaos.plan import Entry, Plan
from tests.chaos.planning import Size
from tests.chaos.run import Outcome
from tests.tables import cell

_OUTCOME = re.compile(r'"outcome":"(predicted|refused|continued|repeated|gone)"')
_INTRODUCTION = """\
<!-- Written by make chaos. -->

Documents go into a bucket, messages into its queue, and functions take them: AWS's runtime
emulator with the real handler, beside each other. S3 and SQS are a stand-in (moto). Between it and
each function is a proxy that breaks calls; functions are killed (SIGKILL); documents are repeated,
overwritten and erased while they are worked on. What is sent, and what hits which call of which
document, comes from a seed; how the functions take turns does not.

"""
_LIMITS = """
## What this does not show

- How AWS itself behaves: S3 and SQS are a stand-in on one machine. It looks and writes in two
  steps, so the proxy lets one conditional write through at a time, as S3 does.
- Time: a message that failed comes back {clock} times as fast as it would, and one whose function
  was killed comes back at once, not when its visibility timeout is over.
- What a killed function, or a call that was never answered, leaves of an upload is removed by the
  job that finishes the document. Where none does, or where it could not be removed, the bucket's
  rule removes it after days: {unfinished} in this run.
- The bucket of the run keeps versions, so that nothing is overwritten unseen; the real one keeps
  none.
- The same seed gives the same plan, not the same order of events: a fault that shows only in one
  order may need more than one run to be seen.
"""


@dataclass(frozen=True, slots=True)
class Report:
    """A run, and what became of the promises."""

    plan: Plan
    size: Size
    outcome: Outcome
    promises: Mapping[str, Sequence[str]]
    unfinished: int
    set_aside: int

    @property
    def faults(self) -> int:
        """How many calls met a fault, and how many functions were killed."""
        return self.outcome.faults.faults.total() + self.kills

    @property
    def kills(self) -> int:
        """How many functions were killed."""
        return sum(n for what, n in self.outcome.faults.troubles.items() if what.startswith("kill"))

    @property
    def broken(self) -> list[str]:
        """What does not hold."""
        return [f"{promise}: {why}" for promise, found in self.promises.items() for why in found]


def summary(report: Report) -> str:
    """The counts in a few lines, for a terminal."""
    outcome, plan = report.outcome, report.plan
    return (
        f"seed {plan.seed}: {len(plan.entries)} documents, {plan.deliveries} messages, "
        f"{report.faults:,} faults, of them {report.kills} kills, in {outcome.seconds:.0f} s\n"
        + "".join(f"{n:7,}  {what}\n" for what, n in _all_counts(report))
    )


def page(report: Report) -> str:
    """docs/chaos.md."""
    plan, outcome = report.plan, report.outcome
    command = f"make chaos SEED={plan.seed}"
    parts = [
        "# The batch path under faults\n\n",
        _INTRODUCTION,
        f"This run: {len(plan.entries)} documents, {plan.deliveries} messages and "
        f"{report.faults:,} faults, of them {report.kills} kills, on {report.size.workers} "
        f"functions in {outcome.seconds:.0f} s. `{command}` repeats it.\n\n",
        "## What held\n\n",
        _table(
            ("Promise", "Held"), [[p, "no" if why else "yes"] for p, why in report.promises.items()]
        ),
        "\n## What was done to it\n\n",
        _counts("Calls of AWS that met a fault", outcome.faults.faults),
        "\n",
        _counts("What makes an invocation fail, of the document's plan", outcome.faults.troubles),
        "\n## What was sent\n\n",
        _counts("Documents", Counter(map(_group, plan.entries.values()))),
        "\n",
        _counts("Messages, beside those of S3 itself", Counter(item.kind for item in plan.sent)),
        "\n## What became of it\n\n",
        _counts("Invocations", outcome.counts),
        "\n",
        _counts("Outcomes that the functions logged", outcomes(outcome)),
        f"\nIn the dead-letter queue: {report.set_aside} messages.\n",
        _LIMITS.format(clock=report.size.clock, unfinished=report.unfinished),
    ]
    return "".join(parts)


def outcomes(outcome: Outcome) -> Counter[str]:
    """What the functions said of documents."""
    return Counter(found for log in outcome.logs for found in _OUTCOME.findall(log))


def _all_counts(report: Report) -> list[tuple[str, int]]:
    outcome = report.outcome
    counted = (outcome.faults.faults, outcome.faults.troubles, outcome.counts, outcomes(outcome))
    rows = [(str(what), n) for counts in counted for what, n in counts.most_common()]
    return [*rows, ("in the dead-letter queue", report.set_aside)]


def _group(entry: Entry) -> str:
    return entry.group


def _table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    content = [heads, ["---"] * len(heads), *lines]
    return "".join(f"| {' | '.join(map(cell, line))} |\n" for line in content)


def _counts(head: str, counts: Counter[Any]) -> str:
    rows = [[str(what), f"{count:,}"] for what, count in sorted(counts.items())]
    return _table((head, "Count"), rows)
