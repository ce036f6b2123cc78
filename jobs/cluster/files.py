"""The files of a folder of this machine or of s3://: listed by the driver, read in workers.

Neither is asked of Spark: docs/decisions/0020 says why.
"""

import os
import re
import stat
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from cluster.storage import check_name, url_of
from serving.errors import ConfigurationError, InvalidInputError, ServingError, brief

UNREADABLE = -1  # the length of what is there, and is no file
_HIDDEN = ("_", ".")  # names that begin so are passed over, as in Spark
_THREADS = 16  # S3 takes its time to answer, but answers many at once
_AHEAD_BYTES = 64 * 1024**2
_S3 = re.compile("s3[an]?://([^/]+)/?")


class File(NamedTuple):
    """What a listing says of a file.

    Attributes:
        path: within the folder.
        length: in bytes, or UNREADABLE.
        modified: microseconds since 1970, in UTC.
    """

    path: str
    length: int
    modified: int


class Folder(Protocol):
    """A place to list and to read from; it travels with tasks."""

    @property
    def root(self) -> str:
        """How the whole name of each file begins, with the slash."""

    def files(self) -> list[File]:
        """All files, at any depth; none is read.

        Raises:
            InvalidInputError: there is no such folder.
            ConfigurationError: a folder in it cannot be listed, or a name is not in UTF-8.
        """

    def read(self, files: Iterable[File]) -> Iterator[bytes | None]:
        """The content of each file in turn; None where it is gone, or is not what was listed."""

    def write(self, path: str, content: memoryview) -> None:
        """A new file: the whole of it is there, or nothing of it.

        Raises:
            ServingError: it cannot be written.
        """


def open_folder(path: str, region: str | None = None, endpoint: str | None = None) -> Folder:
    """A folder of this machine or of s3://.

    Args:
        region, endpoint: of S3; None for what the environment says.

    Raises:
        ConfigurationError: it is of other storage.
    """
    url = url_of(path)
    if found := _S3.match(url):
        prefix = url[found.end() :].rstrip("/")
        return _Bucket(found[1], f"{prefix}/" if prefix else "", region, endpoint)
    if not url.startswith("file:"):
        raise ConfigurationError(f"{path}: expected a folder or s3://")
    return _Local(re.sub("^/+", "/", url.removeprefix("file:")).rstrip("/") + "/")


@dataclass(frozen=True, slots=True)
class _Local:
    root: str

    def files(self) -> list[File]:
        if not os.path.lexists(self.root.rstrip("/") or "/"):
            raise InvalidInputError(f"{self.root.rstrip('/')}: No such folder")
        try:
            return list(self._walk())
        except OSError as cause:
            raise ConfigurationError(f"cannot be listed: {brief(cause)}") from cause

    def _walk(self) -> Iterator[File]:
        """Links to folders are followed once: links in what they lead to may go in circles."""
        waiting = [("", False)]
        while waiting:
            folder, linked = waiting.pop()
            with os.scandir(self.root + folder) as entries:
                for entry in entries:
                    if entry.name.startswith(_HIDDEN):
                        continue
                    path = folder + entry.name
                    check_name(self.root + path)
                    if not _is_folder(entry):
                        yield _look_at(entry, path)
                    elif linked and entry.is_symlink():
                        raise ConfigurationError(
                            f"{self.root}{path} is a link in a folder that is a link: not followed"
                        )
                    else:
                        waiting.append((f"{path}/", linked or entry.is_symlink()))

    def read(self, files: Iterable[File]) -> Iterator[bytes | None]:
        return map(self._read, files)

    def _read(self, file: File) -> bytes | None:
        try:
            with open(self.root + file.path, "rb", buffering=0) as opened:
                content = opened.read(file.length + 1)
                modified = os.fstat(opened.fileno()).st_mtime_ns // 1000
        except OSError:
            return None
        return content if (len(content), modified) == file[1:] else None

    def write(self, path: str, content: memoryview) -> None:
        target = Path(self.root, path)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            beside = target.with_name(f".{target.name}.part")
            beside.write_bytes(content)
            beside.replace(target)
        except OSError as cause:
            raise ServingError(f"{target}: {brief(cause)}") from cause


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or no right to look
        return False


def _look_at(entry: os.DirEntry[str], path: str) -> File:
    """A link to nowhere, a pipe or a device is listed, and not to be read."""
    try:
        status = entry.stat()
    except OSError:
        return File(path, UNREADABLE, 0)
    length = status.st_size if stat.S_ISREG(status.st_mode) else UNREADABLE
    return File(path, length, status.st_mtime_ns // 1000)


@dataclass(frozen=True, slots=True)
class _Bucket:
    bucket: str
    prefix: str
    region: str | None
    endpoint: str | None

    @property
    def root(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    def files(self) -> list[File]:
        self._client()  # threads may share it, not make it
        files: list[File] = []
        pool = ThreadPoolExecutor(_THREADS)
        try:
            waiting = {pool.submit(self._list_one, self.prefix)}
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    found, below = future.result()
                    files += found
                    waiting |= {pool.submit(self._list_one, prefix) for prefix in below}
        finally:
            pool.shutdown(cancel_futures=True)
        return files

    def _client(self) -> Any:
        return s3_client(self.region, self.endpoint)

    def _list_one(self, prefix: str) -> tuple[list[File], list[str]]:
        """The files and the folders directly below one, or all that is below.

        S3 gives a thousand names at a time. Where the folders alone do not fit into that, a request
        for each would take longer than to take all names as they come.
        """
        files: list[File] = []
        below: list[str] = []
        for page in self._pages(prefix, Delimiter="/"):
            folders = (found["Prefix"] for found in page.get("CommonPrefixes", ()))
            below += [name for name in folders if not _is_hidden(name, prefix)]
            if below and page["IsTruncated"]:
                every = (self._files_of(page, prefix) for page in self._pages(prefix))
                return list(chain.from_iterable(every)), []
            files += self._files_of(page, prefix)
        return files, below

    def _pages(self, prefix: str, **options: str) -> Iterator[Any]:
        pages = self._client().get_paginator("list_objects_v2")
        try:
            yield from pages.paginate(Bucket=self.bucket, Prefix=prefix, **options)
        except Exception as cause:
            if not is_of_s3(cause):
                raise
            raise ConfigurationError(f"{self.root}: cannot be listed: {brief(cause)}") from cause

    def _files_of(self, page: Any, prefix: str) -> Iterator[File]:
        for found in page.get("Contents", ()):
            # A key that ends so is a folder's own.
            if not found["Key"].endswith("/") and not _is_hidden(found["Key"], prefix):
                path = found["Key"].removeprefix(self.prefix)
                yield File(path, found["Size"], _microseconds(found))

    def read(self, files: Iterable[File]) -> Iterator[bytes | None]:
        """A few are read ahead: 64 MB of them at most, or one that is larger."""
        self._client()
        return _ahead(files, self._read)

    def _read(self, file: File) -> bytes | None:
        key = self.prefix + file.path
        try:
            answer = self._client().get_object(Bucket=self.bucket, Key=key)
            with closing(answer["Body"]) as body:
                content = bytes(body.read(file.length + 1))
        except Exception as cause:
            if not is_of_s3(cause):
                raise
            return None
        return content if (len(content), _microseconds(answer)) == file[1:] else None

    def write(self, path: str, content: memoryview) -> None:
        key = self.prefix + path
        try:
            self._client().put_object(Bucket=self.bucket, Key=key, Body=content.tobytes())
        except Exception as cause:
            if not is_of_s3(cause):
                raise
            raise ServingError(f"s3://{self.bucket}/{key}: {brief(cause)}") from cause


def _is_hidden(name: str, prefix: str) -> bool:
    return any(part.startswith(_HIDDEN) for part in name.removeprefix(prefix).split("/"))


def _microseconds(answer: Any) -> int:
    return int(answer["LastModified"].timestamp()) * 1_000_000  # S3 knows whole seconds


def _ahead(files: Iterable[File], read: Callable[[File], bytes | None]) -> Iterator[bytes | None]:
    """What `read` gives for each file, in their order; some files are read at the same time."""
    waiting: deque[tuple[int, Future[bytes | None]]] = deque()
    held = 0
    with ThreadPoolExecutor(_THREADS) as pool:
        for file in files:
            while waiting and (len(waiting) == _THREADS or held + file.length > _AHEAD_BYTES):
                length, future = waiting.popleft()
                held -= length
                yield future.result()
            waiting.append((file.length, pool.submit(read, file)))
            held += file.length
        for _, future in waiting:
            yield future.result()


@cache
def s3_client(region: str | None, endpoint: str | None = None) -> Any:
    """A client that gives up in time; one for all that a process reads."""
    import boto3  # 0.3 s, which a folder does not need
    from botocore.config import Config

    config = Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": 5},
        max_pool_connections=_THREADS,
    )
    return boto3.client("s3", region_name=region, endpoint_url=endpoint, config=config)


def is_of_s3(cause: Exception) -> bool:
    """Whether an exception is of S3's client, which is not imported where nothing is in S3."""
    return type(cause).__module__.partition(".")[0] in {"botocore", "boto3", "urllib3"}
