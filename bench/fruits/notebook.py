"""The notebook that everyone copies, kept honest: an iterator UDF with broadcast weights.

The model is built again for each partition, of which `repartition(20)` makes twenty.
"""

import io
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras.applications.mobilenet_v2 import MobileNetV2, preprocess_input
from PIL import Image
from pyspark import Accumulator
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import col, element_at, split
from pyspark.sql.pandas.functions import pandas_udf

SIZE = 100


def load_weights(path: str) -> list[Any]:
    """On the driver, once: what is sent to the workers."""
    weights: list[Any] = keras.models.load_model(path, compile=False).get_weights()
    return weights


def read_images(spark: SparkSession, folder: str) -> DataFrame:
    """Path, content and label of every image."""
    images = (
        spark.read.format("binaryFile")
        .option("pathGlobFilter", "*.jpg")
        .option("recursiveFileLookup", "true")
        .load(folder)
    )
    return images.withColumn("label", element_at(split(images["path"], "/"), -2))


def build_model(weights: list[Any]) -> Any:
    """The network, and the weights that came from the driver."""
    model = MobileNetV2(weights=None, include_top=False, pooling="avg", input_shape=(SIZE, SIZE, 3))
    model.set_weights(weights)
    return model


def preprocess(content: bytes) -> Any:
    """What the model takes of one file: (100, 100, 3)."""
    image = Image.open(io.BytesIO(content)).convert("RGB").resize((SIZE, SIZE))
    return preprocess_input(keras.utils.img_to_array(image))


def extract(images: DataFrame, weights: list[Any], builds: Accumulator[int]) -> DataFrame:
    """Path, label and features; nothing is computed yet."""
    broadcast_weights = images.sparkSession.sparkContext.broadcast(weights)

    @pandas_udf("array<float>")  # type: ignore[call-overload, untyped-decorator, unused-ignore]
    def featurize(contents: Iterator[pd.Series]) -> Iterator[pd.Series]:
        model = build_model(broadcast_weights.value)
        builds.add(1)
        for series in contents:
            batch = np.stack(list(series.map(preprocess)))
            yield pd.Series(list(model.predict(batch, verbose=0)))

    return images.repartition(20).select(
        col("path"), col("label"), featurize("content").alias("features")
    )
