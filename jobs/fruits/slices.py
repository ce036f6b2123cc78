"""The store of features: slices, each in a folder of its own, which counts once Spark marked it.

A slice is there whole or not at all. What a run that was killed left behind is swept away.
"""

from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql import types as t

from cluster.storage import url_of
from serving.errors import ServingError, brief

FEATURES = t.StructType(
    [
        t.StructField("path", t.StringType()),
        t.StructField("label", t.StringType()),
        t.StructField("length", t.LongType()),
        t.StructField("modified", t.TimestampType()),
        t.StructField("sha256", t.StringType()),
        t.StructField("features", t.ArrayType(t.FloatType())),
        t.StructField("reason", t.StringType()),
    ]
)
_PREFIX = "slice-"
_DONE = "_SUCCESS"  # written when all parts of a slice are in their place


class Slices:
    """Rows of the schema FEATURES in a folder of this machine, or of s3://.

    One run at a time writes to a folder.
    """

    def __init__(self, spark: SparkSession, folder: str) -> None:
        self._spark = spark
        self._folder = url_of(folder).rstrip("/")
        self._jvm: Any = spark._jvm
        self._files: Any = self._path().getFileSystem(spark._jsc.hadoopConfiguration())

    def read(self) -> DataFrame:
        """All rows of the slices that are whole, also of images that changed since."""
        if not (folders := self._list(done=True)):
            nothing = [f.lit(None).cast(field.dataType).alias(field.name) for field in FEATURES]
            return self._spark.range(0).select(nothing)
        # The names are names; a folder called "[1]" is no pattern.
        reader = self._spark.read.schema(FEATURES).option("__globPaths__", "false")
        return reader.parquet(*folders)

    def known(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The id of each row, as a listing has it, and whether the row has a reason."""
        if not self._list(done=True):
            return np.empty(0, np.int64), np.empty(0, np.bool_)
        identity = f.xxhash64("path", "length", "modified").alias("id")
        try:
            table = self.read().select(identity, f.isnotnull("reason").alias("refused")).toArrow()
        except (PySparkException, Py4JJavaError) as cause:
            raise ServingError(
                f"{self._folder}: a slice cannot be read ({brief(cause)}): delete the folder "
                "slice-… that this names, and its images are computed again"
            ) from cause
        return table["id"].to_numpy(), table["refused"].to_numpy()

    def write(self, rows: DataFrame) -> None:
        """Compute the rows and write them as one slice."""
        # Never into a folder that another job used: Hadoop's committer would also take over
        # what a killed one had left there, and rows would be there twice.
        # A dictionary of features has as many words as values: time, and no byte less.
        writer = rows.write.option("parquet.enable.dictionary", "false")
        writer.parquet(f"{self._folder}/{_PREFIX}{uuid4().hex}")

    def sweep(self) -> None:
        """Remove what is left of slices that were never finished."""
        for folder in self._list(done=False):
            self._files.delete(self._path(folder), True)

    def _list(self, *, done: bool) -> list[str]:
        if not self._files.exists(self._path()):
            return []
        names = (status.getPath().getName() for status in self._files.listStatus(self._path()))
        folders = [f"{self._folder}/{name}" for name in sorted(names) if name.startswith(_PREFIX)]
        marks = (self._path(f"{folder}/{_DONE}") for folder in folders)
        return [
            folder
            for folder, mark in zip(folders, marks, strict=True)
            if self._files.exists(mark) == done
        ]

    def _path(self, path: str | None = None) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(path or self._folder)
