"""A model that the driver read once: broadcast to the workers, opened once in each of them."""

import hashlib
import os
import socket
import tempfile
from pathlib import Path
from typing import Any

from pyspark import Accumulator, AccumulatorParam, Broadcast
from pyspark.sql import SparkSession

from serving.bundle import verify
from serving.errors import ModelRefusedError
from serving.model import Model, open_model
from serving.passport import COMPILED, PASSPORT, SOURCE, Passport

# It must stand in a module that workers import: what travels with a task ends with the task.
_opened: dict[str, Model] = {}


class _Union(AccumulatorParam[set[str]]):
    """An accumulator of names."""

    def zero(self, value: set[str]) -> set[str]:  # noqa: ARG002
        return set()

    def addInPlace(self, value1: set[str], value2: set[str]) -> set[str]:  # noqa: N802
        value1 |= value2
        return value1


class SharedModel:
    """A handle that tasks carry: the files of the bundle are broadcast, not in it.

    Attributes:
        passport: what the model is; on the driver alone.
        key: SHA-256 of the file that computes.
        batch_size: how many inputs its engine takes at once.
        builds: how often a model was built, in all workers together.
        workers: "host:process" of each Python worker that asked for the model.
    """

    def __init__(self, spark: SparkSession, passport: Passport, files: dict[str, bytes]) -> None:
        context = spark.sparkContext
        self.passport = passport
        self.key = passport.source.sha256 if passport.compiled is None else passport.compiled.sha256
        self.batch_size = passport.batch_size
        self.builds: Accumulator[int] = context.accumulator(0)
        self.workers: Accumulator[set[str]] = context.accumulator(set(), _Union())
        # Two bundles may share a file that computes, and differ in what else they promise.
        self._bundle = hashlib.sha256(files[PASSPORT] + self.key.encode()).hexdigest()
        self._files: Broadcast[dict[str, bytes]] = context.broadcast(files)

    def open(self) -> Model:
        """In a worker: the model, built by the first task of its process."""
        self.workers.add({f"{socket.gethostname()}:{os.getpid()}"})
        if self._bundle not in _opened:
            with tempfile.TemporaryDirectory() as folder:
                for name, content in self._files.value.items():
                    Path(folder, name).write_bytes(content)
                # One thread for each task: Spark has as many tasks as cores.
                _opened[self._bundle] = open_model(Path(folder), threads=1)
            self.builds.add(1)
        return _opened[self._bundle]

    def __getstate__(self) -> dict[str, Any]:
        """The passport stays with the driver: its golden input is as large as a document."""
        return {key: value for key, value in self.__dict__.items() if key != "passport"}


def share_model(spark: SparkSession, bundle: str) -> SharedModel:
    """Read a bundle once, check it, and broadcast what its engine needs.

    Args:
        bundle: a folder of this machine, or of s3://.

    Raises:
        ModelRefusedError: it is not whole.
    """
    if "://" not in bundle:
        return _share(spark, Path(bundle))
    with tempfile.TemporaryDirectory() as folder:
        rows = spark.read.format("binaryFile").load(f"{bundle.rstrip('/')}/*").collect()
        for row in rows:
            target = Path(folder, row["path"].rpartition("/")[2])
            target.write_bytes(row["content"])
            target.chmod(0o644)  # whatever the umask is; a bundle must be readable by all
        if not rows:
            raise ModelRefusedError(f"no model bundle in {bundle}")
        return _share(spark, Path(folder))


def _share(spark: SparkSession, bundle: Path) -> SharedModel:
    passport = verify(bundle)
    compiled = passport.compiled
    names = {PASSPORT, SOURCE} if compiled is None else {PASSPORT, COMPILED}
    if compiled is not None and compiled.mapped:
        names.add(SOURCE)
    files = {name: (bundle / name).read_bytes() for name in sorted(names)}
    return SharedModel(spark, passport, files)
