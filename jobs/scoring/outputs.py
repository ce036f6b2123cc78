"""What a run leaves: predictions, problems, manifest; all of it, or what was there before."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from pyspark.sql import DataFrame, SparkSession

from cluster.storage import Storage, check_apart, url_of
from serving.errors import ConfigurationError

PREDICTIONS, PROBLEMS, MANIFEST = "predictions.parquet", "problems.jsonl", "manifest.json"


class Output:
    """The folder of a run's output, which a run replaces as a whole."""

    def __init__(self, spark: SparkSession, folder: str, documents: str) -> None:
        """Check the folder.

        Raises:
            ConfigurationError: it holds something else, or documents and output are in each other.
        """
        self._spark, self._storage = spark, Storage(spark)
        self._folder = (folder if "://" in folder else os.path.abspath(folder)).rstrip("/")
        parent, _, name = self._folder.rpartition("/")
        if not name or parent.endswith(":/"):  # beside a bucket is the bucket of somebody else
            raise ConfigurationError(f"{folder}: name a folder of its own for the output")
        check_apart("documents", documents, folder)
        others = sorted(self._names() - {PREDICTIONS, PROBLEMS, MANIFEST})
        if others:
            raise ConfigurationError(
                f"{folder} holds {others[0]!r}, which is no output of this: the folder is replaced "
                "as a whole; name another one"
            )
        # Beside it, in the same file system; hidden, since it may be among documents.
        self._fresh = f"{parent}/.{name}.{uuid4().hex[:12]}"
        self.rows = url_of(f"{self._fresh}/rows")

    @contextmanager
    def staged(self) -> Iterator[None]:
        """While a run works: what it has written is removed where it does not come to its end."""
        try:
            yield
        finally:
            self._storage.delete(self._fresh)

    def write(self, predictions: DataFrame, problems: DataFrame) -> None:
        """Write both; nothing of it can be seen yet.

        Args:
            problems: one column of text, a line each.
        """
        predictions.write.parquet(url_of(f"{self._fresh}/out/{PREDICTIONS}"))
        lines = f"{self._fresh}/lines"
        problems.write.text(url_of(lines))
        self._storage.keep_one(lines, f"{self._fresh}/out/{PROBLEMS}")

    def publish(self, manifest: dict[str, Any]) -> None:
        """Put what was written in the place of what was there."""
        storage, fresh, folder = self._storage, f"{self._fresh}/out", self._folder
        content = json.dumps(manifest, indent=2, ensure_ascii=False).encode() + b"\n"
        if folder.startswith("s3"):
            # Objects are copied one by one: the manifest goes first and comes last.
            storage.delete(f"{folder}/{MANIFEST}")
            storage.replace(fresh, folder)
            storage.write(f"{folder}/{MANIFEST}", content)
            return
        storage.write(f"{fresh}/{MANIFEST}", content)
        earlier = f"{self._fresh}/earlier"
        if not storage.exists(folder):
            storage.replace(fresh, folder)
            return
        storage.replace(folder, earlier)
        try:
            storage.replace(fresh, folder)
        except BaseException:
            storage.replace(earlier, folder)
            raise

    def _names(self) -> set[str]:
        """What the folder holds."""
        jvm: Any = self._spark._jvm
        place = jvm.org.apache.hadoop.fs.Path(url_of(self._folder))
        files = place.getFileSystem(self._spark._jsc.hadoopConfiguration())
        if not files.exists(place):
            return set()
        if files.getFileStatus(place).isFile():
            raise ConfigurationError(f"{self._folder} is a file, expected a folder")
        return {str(status.getPath().getName()) for status in files.listStatus(place)}
