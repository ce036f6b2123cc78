"""No attack crashes the function, reaches out, or takes a second or 200 MB; the page says so."""

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
    assert seen.cpu_s <= MOST_CPU_S
    assert seen.peak_bytes <= MOST_BYTES
    assert key(attack, seen) in rows_of(page)


def test_page_has_a_row_for_each_attack(page: str) -> None:
    named = [attack.what for cases in KINDS.values() for attack in cases]
    assert len(set(named)) == len(named) >= LEAST_ROWS
    assert len(rows_of(page)) >= len(named)
