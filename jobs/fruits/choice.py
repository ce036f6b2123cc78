"""How many components are kept: a number, a share of the variance, or the bend of the curve."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Choice:
    """One criterion; the one that is given.

    Attributes:
        variance: as few as explain at least this share of the variance, in (0, 1).
        k: this many.
        elbow: up to where the curve of explained variance bends, the bend included.
    """

    variance: float | None = None
    k: int | None = None
    elbow: bool = False

    def __post_init__(self) -> None:
        """Raises:
        ConfigurationError: none is given, more than one, or one out of its range.
        """
        given = [self.variance is not None, self.k is not None, self.elbow]
        if sum(given) != 1:
            raise ConfigurationError(
                f"components: expected one criterion of variance, number, elbow; got {sum(given)}"
            )
        if self.variance is not None and not 0 < self.variance < 1:
            raise ConfigurationError(
                f"components: a share of the variance is between 0 and 1, got {self.variance}"
            )
        if self.k is not None and self.k < 1:
            raise ConfigurationError(f"components: expected 1 or more, got {self.k}")


def choose_k(explained: NDArray[np.float64], choice: Choice) -> tuple[int, str]:
    """How many components of those computed are kept, and why, in words.

    Args:
        explained: each component's share of the variance, the largest first.

    Raises:
        ConfigurationError: more are asked for than there are.
    """
    most = len(explained)
    if choice.k is not None:
        if choice.k > most:
            raise ConfigurationError(f"components: {choice.k} asked for, there are {most}")
        return choice.k, f"{choice.k} asked for"
    if choice.elbow:
        k = _bend(explained)
        return k, f"elbow: component {k} of {most} is the farthest from the chord"
    reached = np.cumsum(explained)
    wanted = float(choice.variance or 0)
    # What is missing by rounding alone is not missing.
    enough = np.flatnonzero(reached >= wanted - 1e-12)
    if len(enough):
        k = int(enough[0]) + 1
        return k, f"explained variance of {wanted:g} or more: {k} explain {reached[k - 1]:.4f}"
    return most, f"explained variance of {wanted:g} not reached: all {most} give {reached[-1]:.4f}"


def _bend(explained: NDArray[np.float64]) -> int:
    """The vertical distance from a chord has its maximum where the perpendicular one has."""
    most = len(explained)
    if most < 3:
        return most
    chord = np.linspace(explained[0], explained[-1], most)
    return int(np.argmax(chord - explained)) + 1
