"""Sums over all rows, in double, one pass on Spark: each task's part in NumPy, added up here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame

# Each part is half a matrix, of 2,048 columns 17 MB, and all of them pass through the driver.
_MOST_PARTS = 16
_PART = "count long, sums binary, products binary"


@dataclass(frozen=True, slots=True)
class Moments:
    """Of `count` rows, as shifted and scaled.

    Attributes:
        mean: (n) double.
        covariance: (n, n) double, symmetric, divided by count - 1.
    """

    count: int
    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


def measure_moments(
    rows: DataFrame, column: str, shift: NDArray[np.float64], scale: NDArray[np.float64]
) -> Moments:
    """Mean and covariance of (row - shift) * scale.

    The nearer `shift` is to the mean, the less is lost to rounding.

    Args:
        rows: with `column`, arrays of numbers, all of n, none null.
        shift, scale: (n) double.
    """
    width = len(shift)
    parts = rows.select(column).coalesce(_MOST_PARTS)
    count, sums, products = 0, np.zeros(width), np.zeros((width, width))
    upper = ~np.tri(width, k=-1, dtype=bool)
    for part in parts.mapInArrow(_add_up(shift, scale), _PART).collect():
        count += part["count"]
        sums += np.frombuffer(part["sums"])
        products[upper] += np.frombuffer(part["products"])
    # The sums are those of rounding alone where `shift` is the mean.
    products -= np.triu(np.outer(sums, sums / count))
    products += np.triu(products, 1).T
    return Moments(count, sums / count, products / (count - 1))


def _add_up(
    shift: NDArray[np.float64], scale: NDArray[np.float64]
) -> Callable[[Iterable[pa.RecordBatch]], Iterable[pa.RecordBatch]]:
    """A worker's part: number of rows, sums, and the upper triangle of the sums of products."""

    def add_up(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        width = len(shift)
        count, sums, products = 0, np.zeros(width), np.zeros((width, width))
        for batch in batches:
            values = batch.column(0).flatten().to_numpy(zero_copy_only=False)
            rows = (values.reshape(-1, width).astype(np.float64) - shift) * scale
            count += len(rows)
            sums += rows.sum(axis=0)
            products += rows.T @ rows
        if count:
            packed = products[~np.tri(width, k=-1, dtype=bool)].tobytes()
            yield pa.RecordBatch.from_pydict(
                {"count": [count], "sums": [sums.tobytes()], "products": [packed]}
            )

    return add_up
