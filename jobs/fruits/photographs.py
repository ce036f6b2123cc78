"""What a task does first, in a worker: it reads the photographs of its share."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import SparkSession

from cluster.files import File, Folder
from cluster.shares import Shares, share_out
from fruits.listing import Listing

# What is lost with a task, and after how many images a person sees it grow.
_TASK_IMAGES, _TASK_BYTES = 1_000, 128 * 1024**2


@dataclass(frozen=True, slots=True)
class Photographs:
    """Some files of a listing, shared out to tasks."""

    folder: Folder
    shares: Shares

    def read(self, number: int) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Of each file of a task: its row of the listing, and its content.

        A file that is gone, or is not what was listed, is passed over.
        """
        mine = self.shares.of(number)
        contents = self.folder.read(_files(mine))
        for row, content in zip(mine.to_pylist(), contents, strict=True):
            if content is not None:
                yield row, content


def share_photographs(
    spark: SparkSession, listing: Listing, chosen: NDArray[np.int64]
) -> Photographs:
    """What the tasks are to read, and how many there are.

    Args:
        chosen: places in the listing, sorted by length.
    """
    size = int(listing.lengths[chosen].sum())
    wanted = max(-(-len(chosen) // _TASK_IMAGES), -(-size // _TASK_BYTES))
    return Photographs(listing.folder, share_out(spark, listing.files.take(chosen), wanted))


def _files(table: pa.Table) -> Iterator[File]:
    """What was listed, as the folder knows it."""
    modified = table["modified"].cast(pa.int64())
    columns = (table["path"], table["length"], modified)
    return map(File, *(column.to_pylist() for column in columns))
