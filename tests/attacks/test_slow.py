"""Senders that take their time keep nobody else waiting, and are bounded as the page says."""

from pathlib import Path

from tests.attacks.slow import try_all
from tests.tables import cell

_OUTCOMES = (
    "others are answered meanwhile",
    "others are answered meanwhile",
    "the connection is closed",
    "200",
    "400",
    "413",
    "400",
    "413",
    "503",
    "503",
)


def test_slow_senders_are_bounded(root: Path) -> None:
    page = (root / "docs/attacks.md").read_text()
    tried = try_all()
    for slow, outcome in zip(tried, _OUTCOMES, strict=True):
        assert slow.outcome.startswith(outcome), slow.what
        assert f"| {cell(slow.what)} | {cell(slow.outcome)} | {cell(slow.bound)} |" in page
