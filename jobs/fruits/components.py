"""Principal components of the features: one fit, checked, saved as a pipeline of Spark ML."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyspark.ml import PipelineModel
from pyspark.ml.feature import PCAModel, StandardScaler, StandardScalerModel
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.ml.linalg import DenseMatrix, DenseVector
from pyspark.sql import DataFrame
from pyspark.sql import functions as f

from fruits.choice import Choice, choose_k
from fruits.decomposition import (
    COVARIANCE,
    SPARK,
    TOLERANCE,
    Decomposition,
    Route,
    Standardised,
    WrongFitError,
    check_projections,
    check_solution,
    count_directions,
    fix_signs,
    name_failures,
)
from fruits.moments import measure_moments
from serving.errors import ConfigurationError, InvalidInputError

# Float32 has steps of 1e-7: a spread of fewer than ten of them is rounding, not a feature.
_CONSTANT = 1e-6
_VECTOR, _SCALED, _PROJECTED = "vector", "scaled", "projected"
_SCALER = "org.apache.spark.ml.feature.StandardScalerModel"
_PCA = "org.apache.spark.ml.feature.PCAModel"


@dataclass(frozen=True, slots=True)
class Components:
    """Attributes:
    pipeline: column `vector` (n) → `scaled` (n) → `projected` (k), all in double.
    k, criterion: how many are kept, and why, in words.
    explained: each component's share of the variance, of all that were computed.
    route: what they were computed by.
    checks: how far the fit is from what it claims, by name, each at most 1e-9; see
        `fruits.decomposition`.
    rows, columns, constant: of the features; how many columns are constant, and count nothing.
    problems: what was wrong with the routes that were tried before.
    """

    pipeline: PipelineModel
    k: int
    criterion: str
    explained: list[float]
    route: str
    checks: dict[str, float]
    rows: int
    columns: int
    constant: int
    problems: list[str]


def fit_components(
    features: DataFrame,
    *,
    most: int,
    choose: Choice,
    routes: Sequence[Route] = (COVARIANCE, SPARK),
) -> Components:
    """One fit of standardised features, at most `most` components, of which `choose` keeps k.

    A component's largest loading, by absolute value, is positive. Fewer are computed than `most`
    where the rows or the columns tell fewer directions apart.

    Args:
        features: column `features`, arrays of n float or double.
        routes: tried in this order, until one passes its checks.

    Raises:
        InvalidInputError: fewer than 2 rows, rows of different lengths, numbers that are not
            finite, or no column that varies.
        ConfigurationError: more components are asked for than there are.
        WrongFitError: no route gave a fit that holds what it claims.
    """
    if most < 1:
        raise ConfigurationError(f"components: expected 1 or more to compute, got {most}")
    rows, columns = _check_rows(features)
    scaler = _fit_scaler(features)
    standardised = _standardise(features, scaler, columns)
    k_max = min(most, count_directions(standardised))
    route, found, checks, problems = _first_sound(routes, standardised, k_max)
    k, criterion = choose_k(found.explained, choose)
    kept = Decomposition(found.directions[:, :k], found.explained[:k])
    return Components(
        pipeline=PipelineModel([scaler, _pca_model(kept)]),
        k=k,
        criterion=criterion,
        explained=[float(share) for share in found.explained],
        route=route,
        checks=checks,
        rows=rows,
        columns=columns,
        constant=columns - standardised.varying,
        problems=problems,
    )


def _first_sound(
    routes: Sequence[Route], features: Standardised, k: int
) -> tuple[str, Decomposition, dict[str, float], list[str]]:
    """The first route whose fit passes its checks, the fit, and what was wrong with others."""
    problems: list[str] = []
    for route in routes:
        found, checks = _try_route(route, features, k)
        if not (failures := name_failures(checks)):
            return route.name, found, checks, problems
        problems.append(f"{route.name}: {', '.join(failures)}")
    raise WrongFitError(
        f"components: no fit holds what it claims, to {TOLERANCE:g}; {'; '.join(problems)}"
    )


def project(features: DataFrame, components: Components) -> DataFrame:
    """`features` with a column `components`, arrays of k double; 0 is the mean."""
    projected = components.pipeline.transform(_with_vectors(features))
    with_arrays = projected.withColumn("components", vector_to_array(f.col(_PROJECTED)))
    return with_arrays.drop(_VECTOR, _SCALED, _PROJECTED)


def _with_vectors(features: DataFrame) -> DataFrame:
    return features.withColumn(_VECTOR, array_to_vector(features["features"]))


def _check_rows(features: DataFrame) -> tuple[int, int]:
    """How many rows and columns there are."""
    values = f.col("features")
    # Null where an element is null; a null row has neither size nor elements.
    holds_nan = f.array_contains(values, float("nan"))
    infinite = (f.array_max(values) == float("inf")) | (f.array_min(values) == float("-inf"))
    bad = f.coalesce(holds_nan | infinite, f.lit(True))
    seen = features.agg(
        f.count(f.lit(1)).alias("rows"),
        f.min(f.size(values)).alias("shortest"),
        f.max(f.size(values)).alias("longest"),
        f.count_if(bad).alias("bad"),
    ).first()
    rows = int(seen["rows"]) if seen else 0
    if seen is None or rows < 2:
        raise InvalidInputError(f"components: expected features of 2 images or more, got {rows}")
    if seen["shortest"] != seen["longest"] or not seen["longest"]:
        raise InvalidInputError(
            "components: expected as many features of each image, "
            f"got {seen['shortest']} to {seen['longest']}"
        )
    if seen["bad"]:
        raise InvalidInputError(
            f"components: expected finite numbers; features of {seen['bad']} of {rows} images "
            "hold NaN, infinity or nothing"
        )
    return rows, int(seen["longest"])


def _fit_scaler(features: DataFrame) -> StandardScalerModel:
    """Spark's, where a column that is constant but for rounding has no deviation at all.

    Spark divides by any deviation that is not exactly 0: rounding would weigh as much as a
    feature. By 0 it does not divide, the column becomes 0.
    """
    scaler = StandardScaler(inputCol=_VECTOR, outputCol=_SCALED, withMean=True, withStd=True)
    fitted = scaler.fit(_with_vectors(features))
    mean, deviation = fitted.mean.toArray(), fitted.std.toArray()
    deviation = np.where(deviation <= _CONSTANT * np.abs(mean), 0.0, deviation)
    model: StandardScalerModel = StandardScalerModel._create_from_java_class(
        _SCALER, fitted.uid, DenseVector(deviation), DenseVector(mean)
    )
    return model._set(inputCol=_VECTOR, outputCol=_SCALED, withMean=True, withStd=True)


def _standardise(features: DataFrame, scaler: StandardScalerModel, columns: int) -> Standardised:
    deviation = scaler.std.toArray()
    scale = np.divide(1.0, deviation, out=np.zeros(columns), where=deviation != 0)
    varying = int(np.count_nonzero(scale))
    if not varying:
        raise InvalidInputError(f"components: all {columns} features are the same in each image")
    moments = measure_moments(features, "features", scaler.mean.toArray(), scale)
    variances = np.linalg.eigvalsh(moments.covariance)[::-1].astype(np.float64)
    rows = scaler.transform(_with_vectors(features))
    return Standardised(rows, _SCALED, moments, variances, varying)


def _try_route(
    route: Route, features: Standardised, k: int
) -> tuple[Decomposition, dict[str, float]]:
    """A fit and its checks: of the solution here, and of what the saved model makes of the rows."""
    found = route.fit(features, k)
    directions = np.where(np.diag(features.moments.covariance)[:, None] == 0, 0, found.directions)
    found = Decomposition(fix_signs(directions), found.explained)
    checks = check_solution(features, found)
    if not name_failures(checks):
        projected = _pca_model(found).transform(features.rows)
        arrays = projected.select(vector_to_array(f.col(_PROJECTED)).alias(_PROJECTED))
        moments = measure_moments(arrays, _PROJECTED, np.zeros(k), np.ones(k))
        checks |= check_projections(
            moments, found, rows=features.moments.count, whole=features.varying
        )
    return found, checks


def _pca_model(found: Decomposition) -> PCAModel:
    directions: NDArray[np.float64] = found.directions
    columns, k = directions.shape
    matrix = DenseMatrix(columns, k, directions.ravel(order="F"))
    # Spark has no public way to a model from numbers; its reader of saved models calls this one.
    model: PCAModel = PCAModel._create_from_java_class(
        _PCA, f"PCA_{k}", matrix, DenseVector(found.explained)
    )
    return model._set(inputCol=_SCALED, outputCol=_PROJECTED, k=k)
