"""What is in a folder of photographs: listed, nothing read."""

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cluster.files import File, Folder, open_folder
from serving.errors import InvalidInputError

LISTED = pa.schema(
    [
        ("id", pa.int64()),
        ("path", pa.string()),
        ("label", pa.string()),
        ("length", pa.int64()),
        ("modified", pa.timestamp("us", tz="UTC")),
    ]
)


@dataclass(frozen=True, slots=True)
class Listing:
    """The files that there were.

    Attributes:
        folder: to read them from.
        region: of S3; None for what the environment says.
        files: a row of LISTED for each: id (a hash of path, length and modified: a file that
            changed is another one), path (relative to the folder), label (the folder that the
            file is in), length in bytes (-1 for what is no file) and modified.
        ids, lengths: of the files, in the same order.
    """

    folder: Folder
    region: str | None
    files: pa.Table
    ids: NDArray[np.int64]
    lengths: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)


def list_images(images: str, region: str | None = None) -> Listing:
    """The files of a folder and of all those below; none is read.

    Files and folders whose names begin with "_" or "." are hidden, as in Spark.

    Args:
        images: a folder of this machine, or of s3://.
        region: of the bucket; None for what the environment says.

    Raises:
        InvalidInputError: there is no such folder, or no file in it.
        ConfigurationError: a folder cannot be listed, or names would not be read as they are.
    """
    folder = open_folder(images, region)
    found = sorted(folder.files())
    if not found:
        raise InvalidInputError(f"{images}: no file in this folder or below it")
    paths, lengths, modified = (list(column) for column in zip(*found, strict=True))
    # The label of a file that is in no folder is the name of the folder that was given.
    labels = [f"{folder.root}{path}".rsplit("/", 2)[-2] for path in paths]
    ids = [_id(file) for file in found]
    columns = (ids, paths, labels, lengths, modified)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, LISTED, strict=True)]
    table = pa.table(arrays, schema=LISTED)
    return Listing(folder, region, table, table["id"].to_numpy(), table["length"].to_numpy())


def _id(file: File) -> int:
    text = f"{file.path}\0{file.length}\0{file.modified}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), signed=True)
