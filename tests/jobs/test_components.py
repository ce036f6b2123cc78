"""Principal components on Spark equal NumPy's, and a fit that is wrong is not believed."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from pyspark.ml import PipelineModel
from pyspark.ml.feature import PCAModel
from pyspark.sql import DataFrame, SparkSession

from fruits.choice import Choice
from fruits.components import Components, fit_components, project
from fruits.decomposition import (
    COVARIANCE,
    Decomposition,
    Route,
    Standardised,
    WrongFitError,
    check_projections,
    name_failures,
    order_routes,
)
from fruits.moments import Moments
from serving.errors import ConfigurationError, InvalidInputError

Read = Callable[[int, int], DataFrame]
Spoil = Callable[[Decomposition, Standardised], Decomposition]

MOST = 50
# Dead, saturated, constant, and two of one rounding step: a network's channels have them all.
DEAD, SATURATED, CONSTANT, STEPS = 3, 11, 17, (23, 29)


class Oracle(NamedTuple):
    """By NumPy: `explained` (k), `directions` (n, k), `projections` (rows, k)."""

    explained: NDArray[np.float64]
    directions: NDArray[np.float64]
    projections: NDArray[np.float64]
    constant: int


@cache
def draw_features(rows: int, columns: int) -> NDArray[np.float32]:
    """As after ReLU6 and pooling: few strong directions, many weak ones, of every magnitude."""
    rng = np.random.default_rng(rows)
    strength = 1 / np.arange(1, 201)
    values = (rng.normal(size=(rows, 200)) * strength) @ rng.normal(size=(200, columns))
    values += 0.05 * rng.normal(size=(rows, columns))
    values = values * rng.lognormal(size=columns) + rng.normal(size=columns)
    features = np.clip(values, 0, 6).astype(np.float32)
    features[:, DEAD], features[:, SATURATED], features[:, CONSTANT] = 0, 6, np.float32(0.1)
    for column, value in zip(STEPS, np.array([0.7, 5.3e-9], np.float32), strict=True):
        above = np.nextafter(value, np.float32(9))
        features[:, column] = np.where(rng.random(rows) < 0.3, value, above)
    return features


@cache
def ask_numpy(rows: int, columns: int, k: int) -> Oracle:
    """SVD of the standardised features; a deviation divides by n - 1."""
    features = draw_features(rows, columns).astype(np.float64)
    features[:, STEPS] = 0
    constant = np.ptp(features, axis=0) == 0
    centred = features - features.mean(axis=0)
    centred[:, constant] = 0
    deviation = np.sqrt((centred**2).sum(axis=0) / (rows - 1))
    standardised = centred / np.where(constant, 1, deviation)
    _, singular, directions = np.linalg.svd(standardised, full_matrices=False)
    explained = singular**2 / np.sum(singular**2)
    kept = directions[:k].T
    kept = kept * np.sign(kept[np.abs(kept).argmax(axis=0), np.arange(k)])
    return Oracle(explained[:k], kept, standardised @ kept, int(constant.sum()))


@pytest.fixture(scope="module")
def read(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Read:
    """The drawn features as a table, in one partition, in four row groups."""
    folder = tmp_path_factory.mktemp("features")

    def read(rows: int, columns: int) -> DataFrame:
        path = folder / f"{rows}-{columns}.parquet"
        if not path.exists():
            paths = [f"{number:05}.jpg" for number in range(rows)]
            features = pa.array(list(draw_features(rows, columns)))
            table = pa.table({"path": paths, "features": features})
            pq.write_table(table, path, row_group_size=-(-rows // 4))
        return spark.read.parquet(path.as_uri()).coalesce(1)

    return read


def collect(projected: DataFrame) -> NDArray[np.float64]:
    rows = projected.select("path", "components").orderBy("path").collect()
    return np.array([row["components"] for row in rows])


def directions_of(found: Components) -> NDArray[np.float64]:
    pca = found.pipeline.stages[1]
    assert isinstance(pca, PCAModel)
    return np.asarray(pca.pc.toArray(), np.float64)


@pytest.mark.parametrize("cached", [False, True], ids=["read again", "cached"])
@pytest.mark.parametrize("partitions", [1, 3], ids=["one partition", "three partitions"])
@pytest.mark.parametrize("rows", [600, 2_000, 5_000], ids="{} rows".format)
def test_components_equal_those_of_numpy(
    read: Read, rows: int, partitions: int, cached: bool
) -> None:
    features, expected = read(rows, 1280), ask_numpy(rows, 1280, MOST)
    features = features.repartition(partitions) if partitions > 1 else features
    features = features.cache() if cached else features
    found = fit_components(features, most=MOST, choose=Choice(k=MOST))
    assert (found.route, found.problems) == ("covariance", [])
    assert (found.rows, found.columns, found.constant) == (rows, 1280, expected.constant)
    np.testing.assert_allclose(found.explained, expected.explained, rtol=0, atol=1e-6)
    np.testing.assert_allclose(directions_of(found), expected.directions, rtol=0, atol=1e-6)
    np.testing.assert_allclose(
        collect(project(features, found)), expected.projections, rtol=0, atol=1e-6
    )
    features.unpersist()


def test_sparks_own_fit_of_fewer_rows_than_columns_is_right_or_is_not_believed(read: Read) -> None:
    """Its LAPACK returns wrong numbers for some of these and says that all is well."""
    features, expected = read(600, 1280), ask_numpy(600, 1280, MOST)
    found = fit_components(features, most=MOST, choose=Choice(k=2), routes=order_routes("spark"))
    assert found.route == ("covariance" if found.problems else "spark")
    assert all(problem.startswith("spark: ") for problem in found.problems)
    np.testing.assert_allclose(found.explained, expected.explained, rtol=0, atol=1e-6)
    directions = directions_of(found)
    np.testing.assert_allclose(directions, expected.directions[:, :2], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["spark", "covariance"])
def test_both_routes_give_the_same_and_leave_constant_columns_out(read: Read, name: str) -> None:
    expected = ask_numpy(300, 64, 8)
    found = fit_components(read(300, 64), most=8, choose=Choice(k=8), routes=order_routes(name)[:1])
    directions = directions_of(found)
    assert (found.route, found.k, found.constant) == (name, 8, expected.constant)
    np.testing.assert_allclose(found.explained, expected.explained, rtol=0, atol=1e-9)
    np.testing.assert_allclose(directions, expected.directions, rtol=0, atol=1e-9)
    assert not directions[[DEAD, SATURATED, CONSTANT, *STEPS]].any()


def times_too_small(true: Decomposition, _: Standardised) -> Decomposition:
    return true._replace(explained=true.explained / 2.7)


def wrong_direction(true: Decomposition, _: Standardised) -> Decomposition:
    """Orthogonal to the others, of length 1, and not what it says."""
    directions = true.directions.copy()
    directions[:, 1] = np.linalg.svd(directions, full_matrices=True)[0][:, -1]
    return true._replace(directions=directions)


def next_ones(true: Decomposition, features: Standardised) -> Decomposition:
    """Each as it says, but the first is left out."""
    variances, directions = np.linalg.eigh(features.moments.covariance)
    last = len(variances) - 1
    picked = slice(last - 1, last - 1 - len(true.explained), -1)
    return type(true)(directions[:, picked], variances[picked] / features.varying)


def mixed(true: Decomposition, _: Standardised) -> Decomposition:
    """The right plane, turned by 45 degrees in it."""
    turn = np.eye(len(true.explained))
    turn[:2, :2] = np.array([[1, -1], [1, 1]]) / np.sqrt(2)
    variances = np.diag(turn.T @ np.diag(true.explained) @ turn)
    return type(true)(true.directions @ turn, variances)


def too_long(true: Decomposition, _: Standardised) -> Decomposition:
    return true._replace(directions=true.directions * (1 + 1e-6))


def not_a_number(true: Decomposition, _: Standardised) -> Decomposition:
    return true._replace(directions=np.full_like(true.directions, np.nan))


WRONG = [times_too_small, wrong_direction, next_ones, mixed, too_long, not_a_number]


@pytest.mark.parametrize("spoil", WRONG, ids=lambda spoil: spoil.__name__.replace("_", " "))
def test_a_wrong_fit_is_noticed_and_the_other_route_taken(read: Read, spoil: Spoil) -> None:
    wrong = Route("wrong", lambda given, k: spoil(COVARIANCE.fit(given, k), given))
    found = fit_components(read(300, 64), most=4, choose=Choice(k=4), routes=(wrong, COVARIANCE))
    assert found.route == "covariance"
    assert [problem.partition(":")[0] for problem in found.problems] == ["wrong"]
    np.testing.assert_allclose(found.explained, ask_numpy(300, 64, 4).explained, atol=1e-9)


def test_a_run_stops_where_no_fit_holds_what_it_claims(read: Read) -> None:
    first = Route("first", lambda given, k: times_too_small(COVARIANCE.fit(given, k), given))
    second = Route("second", lambda given, k: too_long(COVARIANCE.fit(given, k), given))
    with pytest.raises(WrongFitError, match=r"first: .*residual.*; second: orthonormality"):
        fit_components(read(300, 64), most=4, choose=Choice(k=4), routes=(first, second))


def test_projections_that_vary_otherwise_than_claimed_are_noticed() -> None:
    claimed = Decomposition(np.eye(2), np.array([0.75, 0.25]))

    def failures(covariance: list[list[float]], rows: int = 9, mean: float = 0.0) -> list[str]:
        projections = Moments(rows, np.full(2, mean), np.array(covariance))
        checks = check_projections(projections, claimed, rows=9, whole=2)
        return [failure.split()[0] for failure in name_failures(checks)]

    assert failures([[1.5, 0], [0, 0.5]]) == []
    assert failures([[1.5 / 2.7, 0], [0, 0.5]]) == ["variance"]
    assert failures([[1.5, 0.1], [0.1, 0.5]]) == ["correlation"]
    assert failures([[1.5, 0], [0, 0.5]], rows=8) == ["rows"]
    assert failures([[1.5, 0], [0, 0.5]], mean=0.1) == ["centre"]


def test_a_saved_pipeline_projects_as_the_fitted_one(read: Read, tmp_path: Path) -> None:

    features = read(300, 64)
    found = fit_components(features, most=8, choose=Choice(k=3))
    found.pipeline.save((tmp_path / "model").as_uri())
    loaded = replace(found, pipeline=PipelineModel.load((tmp_path / "model").as_uri()))
    assert directions_of(loaded).shape == (64, 3)
    once, again = project(features, found), project(features, loaded)
    assert once.columns == ["path", "features", "components"]
    assert dict(once.dtypes)["components"] == "array<double>"
    np.testing.assert_array_equal(collect(again), collect(once))
    np.testing.assert_allclose(collect(once), ask_numpy(300, 64, 3).projections, atol=1e-9)


@pytest.mark.parametrize(
    ("rows", "computed"),
    [pytest.param(2, 1, id="two rows"), pytest.param(6, 5, id="six rows")],
)
def test_no_more_components_are_computed_than_rows_tell_apart(
    read: Read, rows: int, computed: int
) -> None:
    found = fit_components(read(300, 64).limit(rows), most=MOST, choose=Choice(variance=0.999999))
    assert (found.k, len(found.explained)) == (computed, computed)
    assert sum(found.explained) == pytest.approx(1)
    with pytest.raises(ConfigurationError, match=f"{rows} asked for, there are {computed}"):
        fit_components(read(300, 64).limit(rows), most=MOST, choose=Choice(k=rows))


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        pytest.param([], "2 images or more, got 0", id="none"),
        pytest.param([[1.0, 2.0]], "2 images or more, got 1", id="one"),
        pytest.param(
            [[1.0, 2.0], [3.0]], "as many features of each image, got 1 to 2", id="ragged"
        ),
        pytest.param([[], []], "as many features of each image, got 0 to 0", id="empty"),
        pytest.param([[1.0, 2.0], [float("nan"), 1.0]], "of 1 of 2 images hold NaN", id="NaN"),
        pytest.param([[1.0, 2.0], [float("inf"), 1.0]], "of 1 of 2 images hold", id="infinity"),
        pytest.param([[1.0, 2.0], [float("-inf"), 1.0]], "of 1 of 2 images hold", id="-infinity"),
        pytest.param([[1.0, 2.0], [None, 1.0]], "of 1 of 2 images hold", id="null element"),
        pytest.param([[1.0, 2.0], None], "of 1 of 2 images hold", id="null row"),
        pytest.param([[1.0, 2.0]] * 3, "all 2 features are the same in each", id="all constant"),
    ],
)
def test_fit_refuses(
    spark: SparkSession, rows: list[list[float | None] | None], problem: str
) -> None:
    features = spark.createDataFrame([(row,) for row in rows], "features array<float>")
    with pytest.raises(InvalidInputError, match=problem):
        fit_components(features, most=2, choose=Choice(k=1))
