"""The record of a run: a hash that Spark cannot change, counts that add up, no machine in it."""

import hashlib
import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pyspark.sql import DataFrame, SparkSession

from cluster.storage import Storage
from fruits.manifest import (
    MOST_REASONS,
    ComponentsFound,
    Counters,
    Inputs,
    Manifest,
    ModelUsed,
    Timings,
    describe_inputs,
    hash_inputs,
    list_versions,
    read_manifest,
    summarise,
    write_manifest,
)
from fruits.neighbours import Agreement
from serving import bundle
from serving.errors import ServingError

SCHEMA = "path string, label string, sha256 string, features array<float>, reason string"
Row = tuple[str, str, str | None, list[float] | None, str | None]


def make_rows(count: int, refused: int = 0) -> list[Row]:
    rows: list[Row] = []
    for i in range(count):
        path, sha256 = f"é{i % 3}/{i}.jpg", hashlib.sha256(str(i).encode()).hexdigest()
        if i < refused:
            rows.append((path, f"é{i % 3}", None, None, "empty" if i % 2 else "CMYK"))
        else:
            rows.append((path, f"é{i % 3}", sha256, [0.0], None))
    return rows


def make_frame(spark: SparkSession, rows: list[Row], partitions: int = 2) -> DataFrame:
    return spark.createDataFrame(rows, SCHEMA).repartition(partitions)


def hash_plainly(rows: list[Row]) -> str:
    lines = sorted((row[0], row[2] or "") for row in rows)
    return hashlib.sha256("".join(f"{p}\0{s}\n" for p, s in lines).encode()).hexdigest()


def make_manifest(**changes: Any) -> Manifest:
    manifest = Manifest(
        started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        options={"images": "photos", "out": "results", "size": 100},
        inputs=Inputs(
            sha256="ab" * 32,
            listed=1203,
            features=1200,
            refused=3,
            reasons={"expected RGB, got CMYK": 2, "empty": 1},
            classes=20,
        ),
        model=ModelUsed(name="mobilenet_v2", version="1", sha256="cd" * 32, engine="onnx"),
        counters=Counters(
            model_builds=2, python_workers=2, inferences=1000, reused=203, slices=1, unreadable=0
        ),
        components=ComponentsFound(
            k=2,
            criterion="2 asked for",
            explained=[0.5, 0.25, 0.125],
            route="covariance",
            checks={"variance": 1e-12},
            columns=1280,
            constant=23,
            problems=[],
        ),
        agreement=Agreement(1200, 20, 5, 0.91, 0.05, 0.049),
        timings=Timings(session_start_s=3.21, stages_s={"features": 12.5, "components": 2.04}),
        cost={"eur": 0.456, "region": "eu-west-3"},
        versions={"python": "3.12.1"},
    )
    return manifest.model_copy(update=changes)


def test_the_hash_of_inputs_is_that_of_their_sorted_names_and_contents(
    spark: SparkSession,
) -> None:
    rows = make_rows(40, refused=4)
    one = hash_inputs(make_frame(spark, rows, 1))
    assert one == hash_inputs(make_frame(spark, rows[::-1], 7)) == hash_plainly(rows)


@pytest.mark.parametrize("place", [0, 2], ids=["a name", "a content"])
def test_one_image_that_differs_changes_the_hash(spark: SparkSession, place: int) -> None:
    rows = make_rows(5)
    changed: list[Any] = list(rows[3])
    changed[place] = "00" * 32
    other = [*rows[:3], tuple(changed), *rows[4:]]
    assert hash_inputs(make_frame(spark, rows)) != hash_inputs(make_frame(spark, other))


def test_counts_of_inputs_add_up(spark: SparkSession) -> None:
    rows = make_rows(30, refused=7)
    inputs = describe_inputs(make_frame(spark, rows), 30)
    assert inputs == Inputs(
        sha256=hash_plainly(rows),
        listed=30,
        features=23,
        refused=7,
        reasons={"CMYK": 4, "empty": 3},
        classes=3,
    )
    assert list(inputs.reasons) == ["CMYK", "empty"]  # the most frequent first


@pytest.mark.parametrize("listed", [29, 31])
def test_each_file_that_was_listed_has_its_row(spark: SparkSession, listed: int) -> None:
    with pytest.raises(ServingError, match=f"{listed} files were listed, and 30 have a row"):
        describe_inputs(make_frame(spark, make_rows(30)), listed)


def test_reasons_that_are_all_different_are_summed_up(spark: SparkSession) -> None:
    rows: list[Row] = [(f"{i}", "x", None, None, f"{i:03} bytes") for i in range(80)]
    reasons = describe_inputs(make_frame(spark, rows), 80).reasons
    assert len(reasons) == MOST_REASONS + 1
    assert reasons["other reasons"] == 80 - MOST_REASONS
    assert sum(reasons.values()) == 80


def test_a_manifest_comes_back_as_it_was(spark: SparkSession, tmp_path: Path) -> None:
    storage, manifest = Storage(spark), make_manifest()
    write_manifest(storage, str(tmp_path), make_manifest(cost=None, agreement=None))
    write_manifest(storage, f"{tmp_path}/", manifest)
    assert read_manifest(storage, str(tmp_path)) == manifest
    content = json.loads((tmp_path / "manifest.json").read_text())
    assert content["inputs"]["listed"] == 1203
    assert content["started"] == "2026-01-02T03:04:05Z"
    assert content["agreement"]["share"] == 0.91
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]


def test_a_manifest_that_is_not_there_is_named(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(ServingError, match=r"manifest\.json: No such file"):
        read_manifest(Storage(spark), str(tmp_path))


def test_a_manifest_names_no_machine(spark: SparkSession, tmp_path: Path) -> None:
    versions = list_versions(spark)
    write_manifest(Storage(spark), str(tmp_path), make_manifest(versions=versions))
    text = (tmp_path / "manifest.json").read_text()
    assert str(tmp_path) not in text
    assert str(Path.home()) not in text
    assert socket.gethostname() not in text
    assert "/" not in "".join(versions.values())
    assert versions["spark"] == spark.version == "4.0.2"
    assert versions["java"].startswith(("17.", "21."))
    assert {"python", "java", "spark", "numpy", "onnxruntime", "verger"} <= versions.keys()
    assert all(versions.values())


def test_the_model_is_named_as_its_passport_names_it(feature_bundle: Path) -> None:
    passport = bundle.verify(feature_bundle)
    used = ModelUsed.of(passport)
    file = "model.onnx" if passport.engine == "onnx" else "model.h5"
    assert used.sha256 == hashlib.sha256((feature_bundle / file).read_bytes()).hexdigest()
    assert (used.name, used.version, used.engine) == (
        passport.name,
        passport.version,
        passport.engine,
    )


def test_a_hash_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="sha256"):
        ModelUsed(name="m", version="1", sha256="abc", engine="onnx")


def test_the_end_of_a_run_is_told_in_a_few_lines() -> None:
    told = summarise(make_manifest(), "results/")
    assert told.splitlines() == [
        "images      1,203 of 20 classes, 3 refused",
        "  2         expected RGB, got CMYK",
        "  1         empty",
        "model       mobilenet_v2 1, engine onnx",
        "computed    1,000 images in 1 slices",
        "reused      203 images that an earlier run had computed",
        "built       2 models in 2 Python workers",
        "components  2 kept, 75.0% of the variance (2 asked for)",
        "checked     route covariance, 1 checks passed",
        "neighbours  91.0% of the 5 nearest have the same label "
        "(chance 5.0%, labels shuffled 4.9%)",
        "time        features 12.5 s, components 2.0 s; session 3.2 s",
        "cost        €0.46 estimated",
        "results     results/ (components.csv, scatter.png, manifest.json, …)",
    ]


def test_many_reasons_and_no_cost_still_fit_on_a_screen() -> None:
    inputs = make_manifest().inputs.model_copy(
        update={"reasons": {f"reason {i}": 5 for i in range(40)}}
    )
    told = summarise(make_manifest(inputs=inputs, cost=None, agreement=None), "out")
    assert len(told.splitlines()) <= 20
    assert "reason 2" in told
    assert "37 other reasons, see failures.csv" in told
    assert "neighbours" not in told
    assert "cost" not in told
