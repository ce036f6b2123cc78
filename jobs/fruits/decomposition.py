"""Two ways from standardised features to principal components, and what tells right from wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyspark.ml.feature import PCA
from pyspark.sql import DataFrame

from fruits.moments import Moments
from serving.errors import ServingError

# Of the whole variance, which is the number of columns: rounding gives 1e-14 to 1e-12.
TOLERANCE = 1e-9
# Below this share of the whole variance a direction is made of rounding.
_NOTHING = 1e-12


class WrongFitError(ServingError):
    """No fit holds what it claims: nothing is to be built on any."""


@dataclass(frozen=True, slots=True)
class Standardised:
    """The features with mean 0 and variance 1, or 0 throughout where a column is constant.

    Attributes:
        rows: with `column`, vectors of n.
        moments: of those rows, summed up by ourselves.
        variances: eigenvalues of their covariance, the largest first.
        varying: how many columns are not constant: their variances add up to it.
    """

    rows: DataFrame
    column: str
    moments: Moments
    variances: NDArray[np.float64]
    varying: int


class Decomposition(NamedTuple):
    """Directions (n, k), a column each, and each one's share (k) of the whole variance."""

    directions: NDArray[np.float64]
    explained: NDArray[np.float64]


class Route(NamedTuple):
    """A way to the first k components; it may be wrong, and is checked."""

    name: str
    fit: Callable[[Standardised, int], Decomposition]


def _solve(features: Standardised, k: int) -> Decomposition:
    """Symmetric eigenproblem, by LAPACK of NumPy on the driver."""
    variances, directions = np.linalg.eigh(features.moments.covariance)
    return Decomposition(directions[:, ::-1][:, :k], variances[::-1][:k] / features.varying)


def _fit_by_spark(features: Standardised, k: int) -> Decomposition:
    """Spark ML's own; see docs/decisions/0017: wrong for some data of fewer rows than columns."""
    rows = features.rows.select(features.column).persist()
    try:
        model = PCA(k=k, inputCol=features.column, outputCol="projected").fit(rows)
    finally:
        rows.unpersist()
    return Decomposition(model.pc.toArray(), model.explainedVariance.toArray())


COVARIANCE = Route("covariance", _solve)
SPARK = Route("spark", _fit_by_spark)


def order_routes(first: str | None = None) -> list[Route]:
    """Both, in the order in which they are tried: "spark" or "covariance" first, else the usual."""
    return sorted([COVARIANCE, SPARK], key=lambda route: route.name != first)


def count_directions(features: Standardised) -> int:
    """How many directions have any variance, beyond that of rounding."""
    return int(np.count_nonzero(features.variances > _NOTHING * features.varying))


def fix_signs(directions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each direction with its largest loading, by absolute value, positive.

    Of equally large ones the first decides.
    """
    largest = np.abs(directions).argmax(axis=0)
    signs = np.sign(directions[largest, np.arange(directions.shape[1])])
    fixed: NDArray[np.float64] = directions * np.where(signs == 0, 1.0, signs)
    return fixed


def check_solution(features: Standardised, found: Decomposition) -> dict[str, float]:
    """How far directions and shares are from an eigenproblem's solution; right ones give 1e-12.

    Returns:
        orthonormality: of the directions.
        residual: of covariance times direction, against direction times variance.
        order: of the variances, against the covariance's largest eigenvalues.
        All but the first are shares of the whole variance.
    """
    covariance, whole = features.moments.covariance, features.varying
    directions, variances = found.directions, found.explained * whole
    k = directions.shape[1]
    residual = covariance @ directions - directions * variances
    return {
        "total": abs(float(np.trace(covariance)) - whole) / whole,
        "orthonormality": _largest(directions.T @ directions - np.eye(k)),
        "residual": _largest(residual) / whole,
        "order": _largest(features.variances[:k] - variances) / whole,
    }


def check_projections(
    projections: Moments, found: Decomposition, *, rows: int, whole: int
) -> dict[str, float]:
    """How far the projected rows are from what the model claims of them.

    Args:
        whole: the variance of all columns together, which is the number of those that vary.

    Returns:
        rows: how many are missing.
        centre: of the projections, which is 0.
        variance: of each, against what the model says that it explains.
        correlation: covariance between two, which is 0.
        All but the first are shares of the whole variance.
    """
    measured = np.diag(projections.covariance)
    between = projections.covariance - np.diag(measured)
    return {
        "rows": float(abs(projections.count - rows)),
        "centre": _largest(projections.mean) / whole,
        "variance": _largest(measured - found.explained * whole) / whole,
        "correlation": _largest(between) / whole,
    }


def name_failures(checks: dict[str, float]) -> list[str]:
    """Those over the tolerance, or not a number, in words."""
    return [f"{name} off by {off:.1e}" for name, off in checks.items() if not off <= TOLERANCE]


def _largest(values: NDArray[np.float64]) -> float:
    return float(np.abs(values).max(initial=0.0))
