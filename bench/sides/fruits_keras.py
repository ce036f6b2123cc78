"""The two notebooks, in a session as their authors start it."""

import os
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

from pyspark.sql import SparkSession

from bench.fruits import first_try, notebook
from bench.fruits.family import peaks

_WAYS = {"notebook": notebook.extract, "first try": first_try.extract}

spark: SparkSession
weights: list[Any]


def start(cores: int) -> dict[str, Any]:
    """Start the session; the seconds that takes."""
    global spark
    os.environ["PYSPARK_PYTHON"] = sys.executable
    started = perf_counter()
    spark = SparkSession.builder.appName("P8").master(f"local[{cores}]").getOrCreate()
    return {"s": perf_counter() - started}


def share(model: str) -> dict[str, Any]:
    """Have the weights on the driver."""
    global weights
    started = perf_counter()
    weights = notebook.load_weights(model)
    return {"s": perf_counter() - started}


def extract(way: str, images: str, out: str) -> dict[str, Any]:
    """From files to features in Parquet; and in how many partitions, with how many models."""
    builds = spark.sparkContext.accumulator(0)
    started = perf_counter()
    features = _WAYS[way](notebook.read_images(spark, images), weights, builds)
    features.write.mode("overwrite").parquet(out)
    seconds = perf_counter() - started
    return {"s": seconds, "partitions": features.rdd.getNumPartitions(), "builds": builds.value}


def stop() -> dict[str, Any]:
    """End the session; what its processes held at most."""
    found = peaks()
    spark.stop()
    return found


COMMANDS: dict[str, Callable[..., dict[str, Any]]] = {
    "start": start,
    "share": share,
    "extract": extract,
    "stop": stop,
}
