"""What is in a folder of photographs: listed by Spark's binaryFile, nothing read."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from cluster.session import configured
from cluster.storage import Storage, url_of
from serving.errors import ConfigurationError, InvalidInputError

_TASKS_PER_CORE = 3
_READING = {
    # By default an opened file counts as much as 4 MB: 32 photographs of 5 kB would be a task.
    "spark.sql.files.openCostInBytes": str(64 * 1024),
    "spark.sql.files.maxPartitionBytes": str(128 * 1024**2),
    # What a worker gets of files at once, whatever they weigh; one file may be more.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "256",
    "spark.sql.execution.arrow.maxBytesPerBatch": str(16 * 1024**2),
}
_LISTED = "path string, label string, length long, modified timestamp, place long, id long"


@dataclass(frozen=True, slots=True)
class Listing:
    """The files that there are.

    Attributes:
        files: as binaryFile gives them: listed once, read when they are asked for.
        rows: path (relative to the folder), label (the folder that the file is in), length in
            bytes, modified, place (a hash of the whole path) and id (of path, length, modified).
            Kept in memory. Length and modified are null where a file was gone at once.
        ids, places, lengths: of those that can be read, in one order.
        empty, gone: how many more `rows` has: of no bytes, and not there when it was looked at.
    """

    files: DataFrame
    rows: DataFrame
    ids: NDArray[np.int64]
    places: NDArray[np.int64]
    lengths: NDArray[np.int64]
    empty: int
    gone: int


def list_images(spark: SparkSession, images: str) -> Listing:
    """The files of a folder and of all those below; none is read.

    Files and folders whose names begin with "_" or "." are hidden, as everywhere in Spark.

    Raises:
        InvalidInputError: there is no such folder, or no file in it.
        ConfigurationError: names of files would not be read as they are.
    """
    files = open_images(spark, images)
    rows = describe(files, images).drop("content").persist()
    with reading(spark):
        table = rows.select("id", "place", "length").toArrow()
    ids, places, lengths = (column.to_numpy() for column in table.columns)
    paths = files._jdf.inputFiles()
    if not len(paths):
        raise InvalidInputError(f"{images}: no file in this folder or below it")
    empty = gone = 0
    if len(paths) > len(ids):
        others = _others(spark, images, paths, rows)
        empty = sum(row[2] == 0 for row in others)
        gone = len(others) - empty
        rows = rows.union(spark.createDataFrame(others, _LISTED)).persist()
    return Listing(files, rows, ids, places, lengths, empty, gone)


def describe(files: DataFrame, images: str) -> DataFrame:
    """The columns of `Listing.rows` for files, and content."""
    begin = len(_root(files.sparkSession, images)) + 1  # Spark counts from 1
    modified = f.col("modificationTime")
    path = f.expr(f"substring(path, {begin})")
    label = f.element_at(f.split("path", "/"), -2)
    return files.select(
        path.alias("path"),
        label.alias("label"),
        "length",
        modified.alias("modified"),
        f.xxhash64("_metadata.file_path").alias("place"),
        f.xxhash64(path, "length", modified).alias("id"),
        "content",
    )


def open_images(spark: SparkSession, images: str) -> DataFrame:
    """The files of a folder and of all those below, as binaryFile gives them.

    Raises:
        InvalidInputError: there is no such folder.
        ConfigurationError: names of files would not be read as they are.
    """
    jvm: Any = spark._jvm
    encoding = jvm.System.getProperty("sun.jnu.encoding")
    if url_of(images).startswith("file:") and encoding != "UTF-8":
        # Java would list no file whose name has another letter, and say nothing.
        raise ConfigurationError(f"Java reads file names as {encoding}: set LC_ALL=C.UTF-8")
    storage = Storage(spark)
    if not storage.exists(images):
        raise InvalidInputError(f"{images}: No such folder")
    storage.check_names(images)
    reader = spark.read.format("binaryFile").option("recursiveFileLookup", "true")
    # A file that cannot be read any more is no row; beside the listing it is seen to be missing.
    reader = reader.option("ignoreMissingFiles", "true").option("ignoreCorruptFiles", "true")
    # The names are names; a folder called "[1]" is no pattern.
    return reader.option("__globPaths__", "false").load(url_of(images))


def reading(spark: SparkSession) -> AbstractContextManager[None]:
    """Settings of the session for reading many small files, for as long as the block runs."""
    tasks = _TASKS_PER_CORE * spark.sparkContext.defaultParallelism
    return configured(spark, _READING | {"spark.sql.files.minPartitionNum": str(tasks)})


def _others(spark: SparkSession, images: str, paths: Any, rows: DataFrame) -> list[tuple[Any, ...]]:
    """Rows for files that binaryFile passes over: those of no bytes, and those that are gone."""
    # One call for all: each element of a Java array would be a call.
    jvm: Any = spark._jvm
    urls = jvm.scala.collection.immutable.ArraySeq.unsafeWrapArray(paths).mkString("\n")
    root = _root(spark, images)
    names = [(_plain(url)[len(root) :],) for url in urls.split("\n")]
    others = spark.createDataFrame(names, "path string").join(rows, "path", "left_anti")
    found = []
    for (path,) in others.collect():
        label = f"{root}{path}".split("/")[-2]
        found.append((path, label, _length(spark, root + path), None, None, None))
    return found


def _plain(url: str) -> str:
    """As Hadoop writes paths: unescaped, and with one slash where there is no host."""
    return unquote(url.replace("file:///", "file:/", 1))


def _length(spark: SparkSession, path: str) -> int | None:
    """In bytes; None where it is gone."""
    jvm: Any = spark._jvm
    place = jvm.org.apache.hadoop.fs.Path(path)
    files = place.getFileSystem(spark._jsc.hadoopConfiguration())
    return int(files.getFileStatus(place).getLen()) if files.exists(place) else None


def _root(spark: SparkSession, images: str) -> str:
    """How the path of each file begins, with the slash."""
    jvm: Any = spark._jvm
    place = jvm.org.apache.hadoop.fs.Path(url_of(images))
    files = place.getFileSystem(spark._jsc.hadoopConfiguration())
    return str(files.makeQualified(place).toString()).rstrip("/") + "/"
