"""In a worker: what the network fails on is refused alone, and the others have their features."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image
from pyspark.sql import SparkSession

from cluster.files import open_folder
from cluster.models import SharedModel
from cluster.shares import Shares
from fruits.inference import Inference
from fruits.listing import list_images
from fruits.models import NETWORKS
from fruits.photographs import Photographs
from serving.model import Model
from serving.passport import read_passport
from tests.jobs.photographs import encode


class Choosy:
    """An engine that has no finite answer to black, and fails on white."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        self.sizes.append(len(batch))
        means = batch.mean(axis=(1, 2, 3))
        if (means > 0.9).any():
            raise RuntimeError("too bright")
        return np.where(means < -0.9, np.nan, means)[:, None] * np.ones((1, 5), np.float32)


@dataclass
class Opened:
    """A model that is there already."""

    model: Model
    batch_size: int = 4

    def open(self) -> Model:
        return self.model


def test_an_image_that_the_network_fails_on_is_alone_in_that(
    spark: SparkSession, feature_bundle: Path, tmp_path: Path
) -> None:
    context = spark.sparkContext
    engine = Choosy()
    model = Model(read_passport(feature_bundle), engine, {})
    plain = {"good": 128, "white": 255, "black": 0}
    kinds = ["good", "white", "good", "good", "black", "white", "white", "white", "good", "good"]
    for n, kind in enumerate(kinds):
        (tmp_path / kind).mkdir(exist_ok=True)
        image = Image.new("RGB", (8, 8), 3 * (plain[kind],))
        (tmp_path / kind / f"{n}.png").write_bytes(encode(image, "PNG"))
    files = list_images(str(tmp_path)).files
    run = Inference(
        Photographs(open_folder(str(tmp_path)), Shares(1, context.broadcast(files))),
        cast("SharedModel", Opened(model)),
        NETWORKS["mobilenet_v2"],
        (8, 8),
        *(context.accumulator(0) for _ in "ab"),
    )
    rows = pa.Table.from_batches(run(0)).to_pylist()
    reasons = {row["path"]: row["reason"] for row in rows}
    assert len(rows) == len(kinds)
    says = {"good": None, "black": "the network gives no finite number for this image"}
    says["white"] = "the model cannot compute values of shape (8, 8, 3)"
    assert reasons == {f"{kind}/{n}.png": says[kind] for n, kind in enumerate(kinds)}
    assert [row["features"] is None for row in rows] == [row["label"] != "good" for row in rows]
    assert max(engine.sizes) == 4
    assert (run.inferred.value, run.rows.value) == (kinds.count("good") + 1, len(kinds))
