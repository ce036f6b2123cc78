"""No attack crashes the function, reaches out, or takes a second or 200 MB; the page says so."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attacks.attack import Attack
from tests.attacks.cases import KINDS
from tests.attacks.session import MOST_BYTES, MOST_CPU_S, Session, opened
from tests.tables.attacks import LEAST_ROWS, key, rows_of


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    """Whoever connects waits in its queue."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield listener


@pytest.fixture(scope="module")
def session(listener: socket.socket) -> Iterator[Session]:
    with opened(f"127.0.0.1:{listener.getsockname()[1]}") as session:
        yield session


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs/attacks.md").read_text()


# How slow a machine may be: what hangs is found all the same, and the page has the figures.
_SLOWER = 4


@pytest.mark.parametrize(
    "attack",
    [pytest.param(attack, id=attack.what[:60]) for cases in KINDS.values() for attack in cases],
)
def test_attack_fails(attack: Attack, session: Session, listener: socket.socket, page: str) -> None:
    seen = session.run(attack)
    status, _, fragment = attack.outcome.partition(" ")
    assert seen.answer.startswith(status)
    assert fragment in seen.answer
    assert seen.goes_on
    assert seen.reached == ()
    with pytest.raises(BlockingIOError):
        listener.accept()
    assert seen.cpu_s <= _SLOWER * MOST_CPU_S
    assert seen.peak_bytes <= MOST_BYTES
    assert key(attack, seen) in rows_of(page)


def test_page_has_no_row_over_the_bounds(page: str) -> None:
    figures = re.findall(r"\| ([0-9,]+) ms \| ([0-9]+) MB \|$", page, re.MULTILINE)
    assert len(figures) >= LEAST_ROWS
    assert max(int(ms.replace(",", "")) for ms, _ in figures) <= MOST_CPU_S * 1e3
    assert max(int(mb) for _, mb in figures) <= MOST_BYTES / 1e6


def test_page_has_a_row_for_each_attack(page: str) -> None:
    named = [attack.what for cases in KINDS.values() for attack in cases]
    assert len(set(named)) == len(named) >= LEAST_ROWS
    assert len(rows_of(page)) >= len(named)
