"""How the files of a listing are shared out to tasks: by number, so that Spark moves none of them.

Spark has a number for each task. What the numbers mean is broadcast: a table of files, of which
each task takes its share and reads it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark import Broadcast
from pyspark.sql import SparkSession

from cluster.files import File, Folder
from fruits.listing import Listing

_TASKS_PER_CORE = 3
# What is lost with a task, and after how many images a person sees it grow.
_TASK_IMAGES, _TASK_BYTES = 1_000, 128 * 1024**2


@dataclass(frozen=True, slots=True)
class Share:
    """What a task does first, in a worker."""

    folder: Folder
    tasks: int
    files: Broadcast[pa.Table]

    def read(self, number: int) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Of each file of a task: its row of the listing, and its content.

        A file that is gone, or is not what was listed, is passed over.
        """
        table = self.files.value
        mine = table.take(np.arange(number, len(table), self.tasks))
        contents = self.folder.read(_files(mine))
        for row, content in zip(mine.to_pylist(), contents, strict=True):
            if content is not None:
                yield row, content


def share_out(spark: SparkSession, listing: Listing, chosen: NDArray[np.int64]) -> Share:
    """What the tasks are to read, and how many there are.

    Args:
        chosen: places in the listing. Neighbours go to different tasks: where they are sorted by
            length, no task has much more to do than another.
    """
    size = int(listing.lengths[chosen].sum())
    wanted = max(
        _TASKS_PER_CORE * spark.sparkContext.defaultParallelism,
        -(-len(chosen) // _TASK_IMAGES),
        -(-size // _TASK_BYTES),
    )
    tasks = min(wanted, len(chosen))
    files = spark.sparkContext.broadcast(listing.files.take(chosen))
    return Share(listing.folder, tasks, files)


def _files(table: pa.Table) -> Iterator[File]:
    """What was listed, as the folder knows it."""
    modified = table["modified"].cast(pa.int64())
    columns = (table["path"], table["length"], modified)
    return map(File, *(column.to_pylist() for column in columns))
