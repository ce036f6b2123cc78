"""When to stop, so that what was done can still be kept."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from serving.errors import ServingError

T = TypeVar("T")


class OutOfTimeError(ServingError):
    """The invocation is about to end."""


class Deadline:
    """The end of an invocation, less what handing over takes.

    Args:
        remaining_s: what is left of the invocation, in seconds.
        hand_over_s: how long before its end the work stops.
    """

    def __init__(self, remaining_s: Callable[[], float], hand_over_s: float) -> None:
        self._remaining_s = remaining_s
        self._hand_over_s = hand_over_s

    def check(self) -> None:
        """Raises OutOfTimeError once it is time to stop."""
        if self._remaining_s() < self._hand_over_s:
            raise OutOfTimeError("the invocation is about to end")

    def watch(self, items: Iterable[T]) -> Iterator[T]:
        """Pass items on until it is time to stop; then raises OutOfTimeError."""
        for item in items:
            self.check()
            yield item
