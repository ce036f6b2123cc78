"""Amdahl's law on measured runs: a fixed part, and a time for each image that cores divide.

G. M. Amdahl, "Validity of the single processor approach", AFIPS 1967.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95

Times = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate, and how far it may be off on either side, by Student's t."""

    value: float
    margin: float

    @property
    def ends(self) -> tuple[float, float]:
        return self.value - self.margin, self.value + self.margin


@dataclass(frozen=True, slots=True)
class Fit:
    """seconds = fixed + per_image * images / cores.

    Attributes:
        residuals: what is measured and the line does not have, in seconds, in the runs' order.
        explained: the share of the variance of the times (R²).
        undivided: seconds an image that more cores do not shorten, from a second fit with one term
            more; where its interval holds zero, the law without it is enough.
    """

    fixed: Interval
    per_image: Interval
    residuals: Times
    explained: float
    undivided: Interval

    @property
    def spread(self) -> float:
        """Standard deviation of the residuals, in seconds."""
        return float(np.sqrt(np.sum(self.residuals**2) / max(1, len(self.residuals) - 2)))

    def seconds(self, images: Any, cores: Any) -> Any:
        """What the line says of a run; numbers, or arrays of them."""
        return self.fixed.value + self.per_image.value * images / cores

    def speed_up(self, images: Any, cores: Any) -> Any:
        """How many times as fast as one core; numbers, or arrays of them."""
        return self.seconds(images, 1) / self.seconds(images, cores)

    def serial_share(self, images: float) -> float:
        """Of the time of one core, what no core takes off: the limit is one over it."""
        return float(self.fixed.value / self.seconds(images, 1))


def fit(images: Sequence[int], cores: Sequence[int], seconds: Sequence[float]) -> Fit:
    """Least squares over runs; one entry of each argument for each run.

    Raises:
        ValueError: the runs do not tell the parts from each other.
    """
    n, c = np.asarray(images, dtype=np.float64), np.asarray(cores, dtype=np.float64)
    times = np.asarray(seconds, dtype=np.float64)
    if not np.isfinite(times).all():
        raise ValueError("a time is not finite")
    fixed, per_image = _least_squares(np.column_stack([np.ones_like(n), n / c]), times)
    residuals = times - fixed.value - per_image.value * n / c
    spread = float(np.sum((times - times.mean()) ** 2))
    wider = np.column_stack([np.ones_like(n), n / c, n])
    # With one count of cores the third term is the second one again.
    known = np.linalg.matrix_rank(wider) == 3 and len(times) > 3
    return Fit(
        fixed,
        per_image,
        residuals,
        1.0 - float(np.sum(residuals**2)) / spread if spread else 1.0,
        _least_squares(wider, times)[2] if known else Interval(0.0, float("inf")),
    )


def quantile(degrees: int, confidence: float = CONFIDENCE) -> float:
    """Student's t for an interval of both sides.

    Its expansion in 1/degrees, Abramowitz and Stegun 26.7.5: 0.1 % off at 4 degrees.
    """
    z: float = NormalDist().inv_cdf(0.5 + confidence / 2)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / float(degrees) ** power for power, term in enumerate(terms, 1))


def _least_squares(terms: NDArray[Any], times: Times) -> list[Interval]:
    rows, columns = terms.shape
    if rows <= columns or np.linalg.matrix_rank(terms) < columns:
        raise ValueError(
            f"{rows} runs of these sizes and cores do not tell {columns} parts from each other"
        )
    # Columns differ by a factor of thousands.
    scale = np.linalg.norm(terms, axis=0)
    inverse = np.linalg.pinv(terms / scale)
    values = (inverse @ times) / scale
    variance = float(np.sum((times - terms @ values) ** 2)) / (rows - columns)
    margins = np.sqrt(variance * np.sum(inverse**2, axis=1)) / scale * quantile(rows - columns)
    return [Interval(float(v), float(m)) for v, m in zip(values, margins, strict=True)]
