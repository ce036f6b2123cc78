"""The version before the notebook, kept honest: what one writes who knows pandas UDFs by name.

The weights are not broadcast, the model is built again for each batch of Arrow's, and predicts
image by image. The partitions are those that Spark makes of the files.
"""

from typing import Any

import pandas as pd
from pyspark import Accumulator
from pyspark.sql import DataFrame
from pyspark.sql.functions import col
from pyspark.sql.pandas.functions import pandas_udf

from bench.fruits.notebook import build_model, preprocess


def extract(images: DataFrame, weights: list[Any], builds: Accumulator[int]) -> DataFrame:
    """Path, label and features; nothing is computed yet."""

    @pandas_udf("array<float>")  # type: ignore[call-overload, untyped-decorator, unused-ignore]
    def featurize(contents: pd.Series) -> pd.Series:
        model = build_model(weights)
        builds.add(1)
        return contents.map(lambda content: model.predict(preprocess(content)[None], verbose=0)[0])

    return images.select(col("path"), col("label"), featurize("content").alias("features"))
