"""When to stop, so that what was done can still be kept."""

from collections.abc import Callable, Iterable, Iterator
from time import process_time, time
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
        is_last: whether a message that fails is not brought again.
        whole_s: what the invocation had for all of its messages; None where this is the only one.

    Attributes:
        until: when the invocation ends, in seconds since 1970, where it is the last; else None.
    """

    def __init__(
        self,
        remaining_s: Callable[[], float],
        hand_over_s: float,
        *,
        is_last: bool = False,
        whole_s: float | None = None,
    ) -> None:
        self._remaining_s = remaining_s
        self._hand_over_s = hand_over_s
        self._at_first_s = remaining_s()
        self._cpu_s = process_time()
        self._whole_s = self._at_first_s if whole_s is None else whole_s
        self.until = time() + self._at_first_s if is_last else None

    @property
    def was_spent_on_computing(self) -> bool:
        """Whether a whole invocation went to this process, and not to waiting for somebody else."""
        spent_s = self._at_first_s - self._remaining_s()
        is_whole = self._at_first_s > 0.9 * self._whole_s
        return is_whole and 0 < spent_s / 2 < process_time() - self._cpu_s

    def check(self) -> None:
        """Raises OutOfTimeError once it is time to stop."""
        if self._remaining_s() < self._hand_over_s:
            raise OutOfTimeError("the invocation is about to end")

    def watch(self, items: Iterable[T]) -> Iterator[T]:
        """Pass items on until it is time to stop; then raises OutOfTimeError."""
        for item in items:
            self.check()
            yield item
