"""Where things are, by name; and the driver's few small files, through Hadoop."""

import os
import re
from typing import Any

from pyspark.sql import SparkSession

from serving.errors import ConfigurationError, ServingError

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


def url_of(path: str) -> str:
    """A path as Hadoop names it, unescaped; one without a scheme is on this machine."""
    return path if _SCHEME.match(path) else f"file:{os.path.abspath(path)}"


def check_name(name: str) -> None:
    """Whether a file can be named in a result, and to Java.

    Raises:
        ConfigurationError: its name is not in UTF-8.
    """
    try:
        name.encode()
    except UnicodeEncodeError as cause:
        raise ConfigurationError(f"{name!a} is not a name in UTF-8: rename it") from cause


def check_apart(what: str, inputs: str, results: str) -> None:
    """Results are replaced: no input may be in their place, nor they be taken for one.

    Raises:
        ConfigurationError: one folder is in the other.
    """
    for real in (False, True):  # a link is in the way where it is, and where it leads to
        first, second = (_place(path, real) for path in (inputs, results))
        if first.startswith(second) or second.startswith(first):
            raise ConfigurationError(
                f"{what} ({inputs}) and results ({results}) are in each other: "
                "name another place for one"
            )


def _place(path: str, real: bool) -> str:
    """With a slash; by what links lead to, if asked."""
    url = re.sub("^s3[an]:", "s3:", url_of(path))
    if url.startswith("file:"):
        resolve = os.path.realpath if real else os.path.abspath
        url = f"file:{resolve(url.removeprefix('file:'))}"
    return url.rstrip("/") + "/"


class Storage:
    """Reads and writes whole files. Paths are folders of this machine, or URLs."""

    def __init__(self, spark: SparkSession) -> None:
        self._jvm: Any = spark._jvm
        self._configuration = spark._jsc.hadoopConfiguration()

    def read(self, path: str) -> bytes:
        """The content of a file.

        Raises:
            ServingError: there is none.
        """
        files, place = self._at(path)
        if not files.exists(place):
            raise ServingError(f"{path}: No such file")
        stream = files.open(place)
        try:
            return bytes(stream.readAllBytes())
        finally:
            stream.close()

    def write(self, path: str, content: bytes) -> None:
        """Write a file: the whole of it is there, or nothing of it."""
        files, place = self._at(path)
        # An object appears when it is closed; a file of a file system at its first byte.
        beside = place if url_of(path).startswith(("s3:", "s3a:")) else place.suffix(".part")
        stream = files.create(beside, True)
        try:
            stream.write(bytearray(content))
        finally:
            stream.close()
        if beside is not place:
            self._move(files, beside, place)

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""
        files, place = self._at(path)
        return bool(files.exists(place))

    def delete(self, path: str) -> None:
        """Remove a file, or a folder with all that it holds; nothing there is no error."""
        files, place = self._at(path)
        files.delete(place, True)

    def replace(self, fresh: str, target: str) -> None:
        """Put what was written at `fresh` in the place of what is at `target`."""
        files, place = self._at(fresh)
        self._move(files, place, self._at(target)[1])

    def keep_one(self, folder: str, target: str) -> None:
        """Make the single part that Spark wrote to a folder the file `target`.

        Raises:
            ServingError: the folder does not hold exactly one part.
        """
        files, place = self._at(folder)
        parts = [s.getPath() for s in files.listStatus(place)]
        parts = [part for part in parts if part.getName().startswith("part-")]
        if len(parts) != 1:
            raise ServingError(f"{folder}: expected one part, got {len(parts)}")
        self._move(files, parts[0], self._at(target)[1])
        files.delete(place, True)

    def _move(self, files: Any, source: Any, target: Any) -> None:
        """Hadoop does not rename over what is there."""
        files.delete(target, True)
        if not files.rename(source, target):
            raise ServingError(f"{source} could not be renamed to {target}")

    def _at(self, path: str) -> tuple[Any, Any]:
        place = self._jvm.org.apache.hadoop.fs.Path(url_of(path))
        files = place.getFileSystem(self._configuration)
        files.setWriteChecksum(False)  # no ".crc" beside each file of this machine
        return files, place
