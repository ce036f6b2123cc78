"""The tables of a run: numbers as they were, names as they were, one file, whole or not there."""

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession

from cluster.storage import Storage
from fruits.outputs import (
    read_components,
    sample_points,
    write_components,
    write_explained,
    write_failures,
)

SCHEMA = "path string, label string, components array<double>"
# Any text that Java keeps: no surrogates, no NUL.
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
ODD_NAMES = [
    "Apple, red",
    'the "Pink Lady"',
    '"',
    '\\"',
    "\\",
    "a\\",
    " blanks around ",
    "\ttab",
    "two\nlines",
    "two\r\nlines",
    "carriage\rreturn",
    "Prune d'été",
    "梨",
    "🍐",
    "=1+1",
    "#hash",
    "null",
    "NaN",
    "1.50",
    "'",
    "\u2028",
    "\ufeffmark",
]

Row = tuple[str, str, list[float]]


def make_frame(spark: SparkSession, rows: list[Row], partitions: int = 3) -> DataFrame:
    return spark.createDataFrame(rows, SCHEMA).repartition(partitions)


def name_rows(names: list[str], k: int = 2) -> list[Row]:
    return [(f"{name}/{i}.jpg", name, [i + 0.1] * k) for i, name in enumerate(names)]


def read_numbers(path: Path) -> NDArray[np.float64]:
    table = pd.read_csv(path, float_precision="round_trip")
    numbers = table.iloc[:, 2:]
    assert set(numbers.dtypes) == {np.dtype("float64")}
    return np.asarray(numbers, np.float64)


def read_rows(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode(), newline=""), strict=True))


def test_pandas_reads_the_csv_as_the_numbers_that_they_were(
    spark: SparkSession, tmp_path: Path
) -> None:
    bits = np.random.default_rng(0).integers(0, 2**64, 6_000, dtype=np.uint64)
    values = bits.view(np.float64)
    special = [0.0, -0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 1e23, 2e-3]
    values = np.concatenate([special, values[np.isfinite(values)]])[:5_000].reshape(-1, 5)
    rows = [(f"x/{i:05}.jpg", "x", value.tolist()) for i, value in enumerate(values)]
    write_components(spark, make_frame(spark, rows, 4), str(tmp_path), 5)
    table = pd.read_csv(tmp_path / "components.csv")
    assert list(table.columns) == ["path", "label", "pc1", "pc2", "pc3", "pc4", "pc5"]
    found = read_numbers(tmp_path / "components.csv")
    assert np.array_equal(found.view(np.uint64), values.view(np.uint64))


def test_csv_and_parquet_hold_the_same_and_the_csv_is_sorted(
    spark: SparkSession, tmp_path: Path
) -> None:
    order = np.random.default_rng(2).permutation(500)
    rows = [(f"c{i % 7}/{i:04}.jpg", f"c{i % 7}", [i / 3, -i / 7, 1.0]) for i in order.tolist()]
    write_components(spark, make_frame(spark, rows, 9), str(tmp_path), 3)
    table = pd.read_csv(tmp_path / "components.csv", float_precision="round_trip")
    assert table["path"].tolist() == sorted(path for path, _, _ in rows)
    parquet = pd.read_parquet(tmp_path / "components.parquet").sort_values("path")
    assert parquet["label"].tolist() == table["label"].tolist()
    assert np.array_equal(np.stack(parquet["components"].tolist()), table.iloc[:, 2:].to_numpy())


def test_there_is_one_file_and_nothing_beside_it(spark: SparkSession, tmp_path: Path) -> None:
    out = tmp_path / "out [1] %20 é"
    for _ in range(2):
        write_components(spark, make_frame(spark, name_rows(["a", "b"])), f"{out}/", 2)
        write_failures(spark, spark.createDataFrame([], "path string, reason string"), str(out))
    assert sorted(row["label"] for row in read_components(spark, str(out)).collect()) == ["a", "b"]
    assert sorted(path.name for path in out.iterdir()) == [
        "components.csv",
        "components.parquet",
        "failures.csv",
    ]


@pytest.mark.parametrize("partitions", [1, 5])
def test_odd_names_come_back_as_they_were(
    spark: SparkSession, tmp_path: Path, partitions: int
) -> None:
    rows = name_rows(ODD_NAMES)
    write_components(spark, make_frame(spark, rows, partitions), str(tmp_path), 2)
    expected = sorted([path, label, *map(str, numbers)] for path, label, numbers in rows)
    assert sorted(read_rows(tmp_path / "components.csv")[1:]) == expected
    table = pd.read_csv(tmp_path / "components.csv", keep_default_na=False)
    assert sorted(table["label"]) == sorted(ODD_NAMES)
    assert read_numbers(tmp_path / "components.csv").shape == (len(rows), 2)


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(names=st.lists(NAMES, min_size=1, max_size=40))
def test_any_names_come_back_as_they_were(
    spark: SparkSession, tmp_path: Path, names: list[str]
) -> None:
    rows = name_rows(names, 1)
    write_components(spark, make_frame(spark, rows, 1), str(tmp_path), 1)
    expected = sorted([path, label, str(numbers[0])] for path, label, numbers in rows)
    assert sorted(read_rows(tmp_path / "components.csv")[1:]) == expected


def test_a_second_run_replaces_all_of_the_first(spark: SparkSession, tmp_path: Path) -> None:
    write_components(spark, make_frame(spark, name_rows(["a", "b", "c"]), 3), str(tmp_path), 2)
    write_components(spark, make_frame(spark, name_rows(["d"], 1), 1), str(tmp_path), 1)
    assert read_rows(tmp_path / "components.csv") == [
        ["path", "label", "pc1"],
        ["d/0.jpg", "d", "0.1"],
    ]
    assert pd.read_parquet(tmp_path / "components.parquet")["path"].tolist() == ["d/0.jpg"]


def test_a_run_that_fails_leaves_the_tables_of_the_one_before(
    spark: SparkSession, tmp_path: Path
) -> None:
    write_components(spark, make_frame(spark, name_rows(["a"])), str(tmp_path), 2)
    before = (tmp_path / "components.csv").read_bytes()
    broken = make_frame(spark, name_rows(["a", "b"])).selectExpr(
        "path", "label", "if(label = 'b', raise_error('stop'), components) AS components"
    )
    with pytest.raises(Exception, match="stop"):
        write_components(spark, broken, str(tmp_path), 2)
    assert (tmp_path / "components.csv").read_bytes() == before
    assert pd.read_parquet(tmp_path / "components.parquet")["path"].tolist() == ["a/0.jpg"]
    write_components(spark, make_frame(spark, name_rows(["c"])), str(tmp_path), 2)
    assert not [path.name for path in tmp_path.iterdir() if "fresh" in path.name]


def test_failures_are_counted_and_sorted(spark: SparkSession, tmp_path: Path) -> None:
    rows = [("b/2.jpg", 'expected RGB, got "CMYK", sorry'), ("a/1.jpg", "empty"), ("é,.jpg", "x")]
    refused = spark.createDataFrame(rows, "path string, reason string").repartition(3)
    assert write_failures(spark, refused, str(tmp_path)) == 3
    found = read_rows(tmp_path / "failures.csv")
    assert found == [["path", "reason"], *map(list, sorted(rows))]


def test_without_failures_there_is_a_header(spark: SparkSession, tmp_path: Path) -> None:
    none = spark.createDataFrame([], "path string, reason string")
    assert write_failures(spark, none, str(tmp_path)) == 0
    assert (tmp_path / "failures.csv").read_text() == "path,reason\n"


def test_the_explained_variance_is_a_table(spark: SparkSession, tmp_path: Path) -> None:
    shares = [0.5, 0.3, 0.1, 1 / 30]
    write_explained(Storage(spark), np.array(shares).tolist(), 2, str(tmp_path))
    table = pd.read_csv(tmp_path / "explained-variance.csv", float_precision="round_trip")
    assert list(table.columns) == ["component", "ratio", "cumulative", "chosen"]
    assert table["component"].tolist() == [1, 2, 3, 4]
    assert table["ratio"].tolist() == shares
    assert table["cumulative"].tolist() == np.cumsum(shares).tolist()
    assert table["chosen"].tolist() == ["yes", "yes", "no", "no"]


def test_a_sample_depends_on_paths_and_seed_alone(spark: SparkSession) -> None:
    rows = [(f"{i}.jpg", str(i), [float(i), 1.0]) for i in range(200)]
    points, labels = sample_points(make_frame(spark, rows, 2), most=50, seed=1)
    again = sample_points(make_frame(spark, rows[::-1], 7), most=50, seed=1)
    assert np.array_equal(points, again[0])
    assert labels == again[1] == [str(int(point[0])) for point in points]
    assert len(set(labels)) == 50
    other = sample_points(make_frame(spark, rows), most=50, seed=2)
    assert set(other[1]) != set(labels)


def test_a_sample_of_few_rows_is_all_of_them(spark: SparkSession) -> None:
    points, labels = sample_points(make_frame(spark, name_rows(["a", "b"], 3)))
    assert points.shape == (2, 3)
    assert sorted(labels) == ["a", "b"]
