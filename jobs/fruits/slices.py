"""The store of features: slices, each in a folder of its own, which counts once it is marked.

Each task writes one part, as Parquet, and says its name. What a task left that was tried again is
removed before the mark is set: a slice is there whole, each row once, or not at all. What a run
that was killed left behind is swept away.
"""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql.pandas.types import from_arrow_schema

from cluster.files import Folder, open_folder
from cluster.models import SharedModel
from cluster.storage import Storage, url_of
from fruits.listing import LISTED
from serving.errors import ServingError

ROWS = pa.schema(
    [
        *LISTED,
        ("sha256", pa.string()),
        ("features", pa.list_(pa.float32())),
        ("reason", pa.string()),
    ]
)
FEATURES = from_arrow_schema(ROWS)  # the same for Spark

Known = tuple[NDArray[np.int64], NDArray[np.bool_]]
Compute = Callable[[int], Iterable[pa.RecordBatch]]

# Part of the folder's name: to be counted up when the same image would give other features, or they
# are stored in another way.
_DECODING = 2
_PREFIX = "slice-"
_DONE = "_SUCCESS"  # written when all parts of a slice are in their place


def features_folder(out: str, images: str, model: str, size: int, shared: SharedModel) -> str:
    """Where the features of these images are kept, by this model at this size."""
    source = shared.passport.source.sha256
    what = f"{shared.key} {source} {url_of(images)} {size} {_DECODING}"
    key = hashlib.sha256(what.encode()).hexdigest()[:12]
    return f"{out.rstrip('/')}/features/{model}-{key}"


class Slices:
    """Rows of the schema FEATURES in a folder of this machine, or of s3://.

    One run at a time writes to a folder.
    """

    def __init__(self, spark: SparkSession, folder: str, region: str | None = None) -> None:
        self._spark, self._region = spark, region
        self._folder = url_of(folder).rstrip("/")
        self._jvm: Any = spark._jvm
        self._files: Any = self._path().getFileSystem(spark._jsc.hadoopConfiguration())
        # Of each slice: what `known` looked at, and `write` added.
        self._parts: dict[str, set[str]] = {}

    def read(self) -> DataFrame:
        """The rows that `known` and `write` told of, also of images that changed since.

        What another run, or a task that was given up, has written since is not among them.
        """
        if not self._parts:
            nothing = [f.lit(None).cast(field.dataType).alias(field.name) for field in FEATURES]
            return self._spark.range(0).select(nothing)
        # The names are names; a folder called "[1]" is no pattern.
        reader = self._spark.read.schema(FEATURES).option("__globPaths__", "false")
        rows = reader.parquet(*self._parts)
        return rows.where(f.col("_metadata.file_name").isin(*set.union(*self._parts.values())))

    def known(self) -> Known:
        """The id of each row, as its listing had it, and whether the row has a reason."""
        there = {folder: self._parts_of(folder) for folder in self._list(done=True)}
        self._parts = {folder: parts for folder, parts in there.items() if parts}
        if not self._parts:
            return np.empty(0, np.int64), np.empty(0, np.bool_)
        try:
            table = self.read().select("id", f.isnotnull("reason").alias("refused")).toArrow()
        except (PySparkException, Py4JJavaError) as cause:
            found = re.search(rf"{_PREFIX}[0-9a-f]{{32}}", str(cause))
            place = f"{self._folder}/{found[0]}" if found else f"in {self._folder}, slice-…"
            raise ServingError(
                f"{place}: a slice cannot be read: delete this folder, and its images are "
                "computed again"
            ) from cause
        return table["id"].to_numpy(), table["refused"].to_numpy()

    def write(self, tasks: int, compute: Compute) -> Known:
        """One slice, of so many tasks; returns its rows as `known` does.

        Args:
            compute: gives the rows of a task, by its number.
        """
        folder = f"{self._folder}/{_PREFIX}{uuid4().hex}"
        writer = _PartWriter(open_folder(folder, self._region), compute)
        # Numbers in and names out need nothing of what Spark does for tables.
        written = self._spark.sparkContext.parallelize(range(tasks), tasks).map(writer).collect()
        parts, ids, refused = zip(*written, strict=True)
        if any(parts):
            self._finish(folder, set(filter(None, parts)))
        return np.concatenate(ids), np.concatenate(refused)

    def _finish(self, folder: str, parts: set[str]) -> None:
        there = self._parts_of(folder)
        if not parts <= there:
            raise ServingError(f"{folder}: parts are gone: another run writes there; run it again")
        for part in there - parts:
            self._files.delete(self._path(f"{folder}/{part}"), False)
        Storage(self._spark).write(f"{folder}/{_DONE}", b"")
        self._parts[folder] = parts

    def _parts_of(self, folder: str) -> set[str]:
        found = {
            status.getPath().getName() for status in self._files.listStatus(self._path(folder))
        }
        return {name for name in found if name.startswith("part-")}

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


@dataclass(frozen=True, slots=True)
class _PartWriter:
    """What a task does with its rows. Not Spark: it would take each number of the features by
    itself, a quarter of what the network takes."""

    folder: Folder
    compute: Compute

    def __call__(self, number: int) -> tuple[str, NDArray[np.int64], NDArray[np.bool_]]:
        """The name of the task's part, "" where it has no rows; their ids, which have a reason."""
        table = pa.Table.from_batches(self.compute(number), ROWS)
        part = f"part-{uuid4().hex}.parquet" if table.num_rows else ""
        if part:
            content = pa.BufferOutputStream()
            # A dictionary of features has as many words as values: time, and no byte less.
            pq.write_table(table, content, use_dictionary=["label", "reason"])
            self.folder.write(part, memoryview(content.getvalue()))
        return part, table["id"].to_numpy(), table["reason"].is_valid().to_numpy()
