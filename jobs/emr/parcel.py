"""What a job needs in S3, named by what it is made of: it goes there once."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from emr.account import asking
from emr.archive import ENTRY, PYTHON, build_code, build_environment
from serving.bundle import sha256_of, verify

FOLDER = "code"


@dataclass(frozen=True, slots=True)
class Item:
    """A file and where it goes."""

    path: Path
    key: str

    @property
    def size_bytes(self) -> int:
        """As it is on this machine."""
        return self.path.stat().st_size


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one job needs: its entry script, code, environment and the files of a bundle."""

    entry: Item
    code: Item
    environment: Item
    bundle: tuple[Item, ...]

    @classmethod
    def build(cls, bundle: Path, python: str = PYTHON) -> "Parcel":
        """Build what is to be built, on this machine.

        Raises:
            ConfigurationError: the bundle is not whole, or the environment cannot be built.
        """
        verify(bundle)
        files = sorted(path for path in bundle.iterdir() if path.is_file())
        named = [(path, sha256_of(path)) for path in files]
        whole = _named(f"{path.name} {digest}" for path, digest in named)
        return cls(
            _item(ENTRY),
            _item(build_code().path),
            _item(build_environment(python).path),
            tuple(Item(path, f"{FOLDER}/{whole}/bundle/{path.name}") for path, _ in named),
        )

    @property
    def bundle_key(self) -> str:
        """The folder of the bundle."""
        return self.bundle[0].key.rpartition("/")[0]

    def __iter__(self) -> Iterator[Item]:
        yield from (self.entry, self.code, self.environment, *self.bundle)

    def missing(self, s3: Any, bucket: str) -> list[Item]:
        """What is not there yet."""
        return [item for item in self if not _is_there(s3, bucket, item)]


def upload(s3: Any, bucket: str, items: Iterable[Item]) -> None:
    """Send files; each appears whole or not at all.

    Raises:
        ConfigurationError: S3 refuses one.
    """
    for item in items:
        with asking(f"s3://{bucket}/{item.key}"):
            s3.upload_file(str(item.path), bucket, item.key)


def _item(path: Path) -> Item:
    return Item(path, f"{FOLDER}/{sha256_of(path)[:16]}/{path.name}")


def _named(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _is_there(s3: Any, bucket: str, item: Item) -> bool:
    with asking(f"s3://{bucket}/{item.key}"):
        try:
            found = s3.head_object(Bucket=bucket, Key=item.key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise
    return bool(found["ContentLength"] == item.size_bytes)
