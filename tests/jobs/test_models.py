"""A model that is broadcast: checked once, opened once in each Python worker."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from cluster.models import SharedModel, share_model
from fruits.models import NETWORKS
from serving.documents import Matrix
from serving.errors import ModelRefusedError
from serving.model import open_model


def answers(spark: SparkSession, shared: SharedModel, seed: int = 0) -> "pd.DataFrame":
    def predict(frames: Any) -> Iterator[Any]:
        model = shared.open()
        for frame in frames:
            values = [[model.predict([signal(seed + int(n))])[0].output.tolist()] for n in frame.id]
            yield pd.DataFrame({"n": frame.id, "output": [v[0] for v in values]})

    rows = spark.range(0, 16, 1, 8).mapInPandas(predict, "n long, output array<double>")
    return pd.DataFrame(rows.toPandas()).sort_values("n", ignore_index=True)


def signal(seed: int) -> Matrix:
    return Matrix(str(seed), np.random.default_rng(seed).normal(size=(5000, 1)))


def test_tasks_share_the_models_of_their_workers(spark: SparkSession, bundle: Path) -> None:
    shared = share_model(spark, str(bundle))
    found = answers(spark, shared)
    assert shared.builds.value == len(shared.workers.value) in {1, 2}
    before = shared.builds.value
    pd.testing.assert_frame_equal(found, answers(spark, shared))
    assert shared.builds.value <= 2
    assert shared.builds.value - before == len(shared.workers.value) - before
    here = open_model(bundle, threads=1)
    expected = [here.predict([signal(n)])[0].output.tolist() for n in range(16)]
    np.testing.assert_array_equal(np.stack(found.output), expected)


def test_a_bundle_by_its_url_is_the_same(spark: SparkSession, bundle: Path) -> None:
    assert share_model(spark, bundle.absolute().as_uri()).key == share_model(spark, str(bundle)).key


def damage(folder: Path) -> None:
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"x")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(damage, "expected SHA-256", id="damaged"),
        pytest.param(lambda f: (f / "passport.json").unlink(), "no model bundle", id="no passport"),
    ],
)
def test_a_bundle_that_is_not_whole_is_not_shared(
    spark: SparkSession, bundle: Path, tmp_path: Path, change: Any, reason: str
) -> None:
    copy = shutil.copytree(bundle, tmp_path / "bundle")
    change(copy)
    for place in (str(copy), copy.as_uri()):
        with pytest.raises(ModelRefusedError, match=reason):
            share_model(spark, place)


@pytest.mark.parametrize("name", NETWORKS)
def test_images_are_prepared_as_keras_does(name: str) -> None:
    import keras  # here: Spark's workers import this module too

    images = np.random.default_rng(5).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    module = getattr(keras.applications, name)
    expected = module.preprocess_input(images.astype(np.float32))
    prepared = NETWORKS[name].prepare(images)
    assert prepared.dtype == np.float32
    np.testing.assert_array_equal(prepared, expected)
