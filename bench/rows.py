"""A row of the results: what was measured, what it is held against, and whether the goal is met."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Row = dict[str, Any]
Figures = Sequence[float]
Quotient = Literal["other ÷ ours", "ours ÷ other"]

AFTERNOON = "the afternoon version"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure: all of it, or a fifth of the rounds while developing."""

    quick: bool = False

    def rounds(self, full: int) -> int:
        return max(2, full // 5) if self.quick else full

    def matrices(self, full: int) -> int:
        return full // 10 if self.quick else full


def compare(
    name: str,
    unit: str,
    figures: Sequence[Figures],
    against: str,
    *,
    quotient: Quotient = "other ÷ ours",
    goal: str | None = None,
) -> Row:
    """A row whose goal is about the quotient of the medians.

    Args:
        figures: ours and the other's; the other's may be empty.
        against: what the other side is.
        goal: as in "≥ 6" or "≤ 1.05".
    """
    ours, other = figures
    row = _row(name, unit, ours, other, against, goal)
    if other:
        first, second = statistics.median(other), statistics.median(ours)
        if quotient == "ours ÷ other":
            first, second = second, first
        ratio = first / second if second else float("inf")
        row |= {"ratio": _short(ratio), "quotient": quotient}
        if goal is not None:
            row["met"] = _meets(ratio, goal)
    return row


def limit(
    name: str,
    unit: str,
    ours: Figures,
    goal: str,
    other: Figures | None = None,
    against: str = "",
) -> Row:
    """A row whose goal is a limit, in its unit, that the most of our figures keeps."""
    row = _row(name, unit, ours, other, against, goal)
    return row | {"met": _meets(max(ours), goal)}


def missing(name: str, unit: str, goal: str | None, reason: str) -> Row:
    """A row that could not be measured, which is not met."""
    row = _row(name, unit, (), None, "", goal)
    return row | {"met": False, "note": reason}


def in_turns(
    sides: Sequence[Callable[[], Figures]], rounds: int, *, warm: int = 1
) -> list[list[float]]:
    """The figures of every side; the sides take turns, so that all meet the same machine.

    Args:
        warm: rounds before those that count.
    """
    figures: list[list[float]] = [[] for _ in sides]
    for turn in range(warm + rounds):
        for collected, side in zip(figures, sides, strict=True):
            found = side()
            if turn >= warm:
                collected.extend(found)
    return figures


def _row(
    name: str, unit: str, ours: Figures, other: Figures | None, against: str, goal: str | None
) -> Row:
    return {
        "name": name,
        "unit": unit,
        "ours": _spread(ours),
        "other": _spread(other),
        "against": against,
        "ratio": None,
        "quotient": None,
        "goal": goal,
        "met": None,
    }


def _spread(figures: Figures | None) -> list[float] | None:
    """Median, least, most."""
    if not figures:
        return None
    return [_short(v) for v in (statistics.median(figures), min(figures), max(figures))]


def _short(value: float) -> float:
    """Three digits, or all before the point."""
    return round(value) if abs(value) >= 1000 else float(f"{value:.3g}")


def _meets(value: float, goal: str) -> bool:
    sign, number = goal.split()[:2]
    return value >= float(number) if sign == "≥" else value <= float(number)
