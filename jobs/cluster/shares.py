"""How the rows of a table are shared out to tasks: by number, so that Spark moves none of them.

Spark has a number for each task. What the numbers mean is broadcast: a table, of which each task
takes its share.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark import Broadcast
from pyspark.sql import DataFrame, SparkSession

_TASKS_PER_CORE = 3


@dataclass(frozen=True, slots=True)
class Shares:
    """A table in `tasks` parts; travels with the tasks."""

    tasks: int
    table: Broadcast[pa.Table]

    def of(self, number: int) -> pa.Table:
        """The rows of a task, in a worker."""
        table = self.table.value
        return table.take(np.arange(number, len(table), self.tasks))

    def numbers(self, spark: SparkSession) -> DataFrame:
        """A row for each task, with its number, in a partition of its own."""
        return spark.range(0, self.tasks, numPartitions=self.tasks)


def numbers_of(batches: Iterable[pa.RecordBatch]) -> Iterator[int]:
    """What `Shares.numbers` gave, as a worker gets it."""
    for batch in batches:
        yield from batch.column(0).to_pylist()


def share_out(spark: SparkSession, table: pa.Table, wanted: int) -> Shares:
    """Share out a table. Neighbours go to different tasks: where rows are sorted by what they cost,
    no task has much more to do than another.

    Args:
        wanted: how many tasks there are at least, if there are rows for them.
    """
    least = _TASKS_PER_CORE * spark.sparkContext.defaultParallelism
    tasks = min(max(least, wanted), len(table))
    return Shares(tasks, spark.sparkContext.broadcast(table))
