"""What this process connects to and looks up, as Python's audit events tell it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Which argument of the event says where to.
_ARGUMENT = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
}
_watched: list[tuple[str, Any]] | None = None


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _watched is not None and event in _ARGUMENT:
        _watched.append((event, arguments[_ARGUMENT[event]]))


sys.addaudithook(_hook)  # for good: it cannot be removed


@contextmanager
def watched() -> Iterator[list[tuple[str, Any]]]:
    """The connections and the look-ups of this process."""
    global _watched
    _watched = []
    try:
        yield _watched
    finally:
        _watched = None
