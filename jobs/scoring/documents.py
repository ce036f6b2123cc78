"""The documents of a folder, listed by Spark; empty files too, which it leaves out."""

import re
from typing import Any
from urllib.parse import unquote

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from cluster.storage import Storage, url_of
from scoring.sources import SCHEMES
from serving.errors import ConfigurationError

_GLOB = re.compile(r"([\[\]{}*?\\])")


def list_documents(spark: SparkSession, folder: str) -> tuple[DataFrame, int]:
    """Every file of a folder, at any depth, and how many there are.

    Columns: `url`, `path` within the folder, `length` in bytes.

    Names that start with "_" or "." are left out, as everywhere in Spark. Nothing is read.

    Raises:
        ConfigurationError: there is no such folder, no file in it, or one that Java cannot name.
    """
    root = _root(spark, folder)
    Storage(spark).check_names(root)
    # What looks like a pattern is a name.
    place = _GLOB.sub(r"\\\1", root)
    files = spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(place)
    listed, total = files.select(F.col("path").alias("url"), "length"), files.count()
    if empty := _empty(files, total):
        listed = listed.union(spark.createDataFrame(empty, "url string, length long"))
        total += len(empty)
    if total == 0:
        raise ConfigurationError(f"no document in {folder}")
    inside = F.substr(F.col("url"), F.lit(len(root.rstrip("/")) + 2))
    name = F.element_at(F.split("url", "/"), -1)
    path = F.when(F.col("url") == root, name).otherwise(inside)
    return listed.select("url", path.alias("path"), "length"), total


def _root(spark: SparkSession, folder: str) -> str:
    """The folder as the listing names it."""
    jvm: Any = spark._jvm
    place = jvm.org.apache.hadoop.fs.Path(url_of(folder))
    files = place.getFileSystem(spark._jsc.hadoopConfiguration())
    root = str(files.makeQualified(place).toString())
    if (scheme := root.partition(":")[0]) not in SCHEMES:
        raise ConfigurationError(
            f"{folder}: documents are read from a folder or s3://, not {scheme}:"
        )
    if not files.exists(place):
        raise ConfigurationError(f"{folder}: there is no such folder")
    return root


def _empty(files: DataFrame, listed: int) -> list[tuple[str, int]]:
    """The empty files, which the rows of a DataFrame leave out."""
    every = files._jdf.inputFiles()
    if len(every) == listed:
        return []
    known = {row["path"] for row in files.select("path").collect()}
    return [(url, 0) for url in sorted({_unescaped(url) for url in every} - known)]


def _unescaped(url: str) -> str:
    """As in the listing: file:/a for file:///a, and no %20."""
    return re.sub(r"^file:/+", "file:/", unquote(url))
