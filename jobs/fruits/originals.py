"""The photographs without metadata, for passing them on: Parquet of path, label and content."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from cluster.shares import numbers_of
from cluster.storage import url_of
from fruits.images import strip_metadata
from fruits.listing import Listing
from fruits.photographs import Photographs, share_photographs
from serving.errors import ServingError

_WRITTEN = "path string, label string, content binary"
_COLUMNS = ("path", "label", "content")


def write_originals(spark: SparkSession, listing: Listing, out: str, features: DataFrame) -> None:
    """Write the photographs that have features to `out`, over what was there.

    The pixels are those of the file: nothing is encoded again. See `strip_metadata` for what is
    cut out; the orientation is, so a photograph taken upright may lie on its side.

    Raises:
        ServingError: photographs are gone or have changed since they were listed.
    """
    good = features.where("reason IS NULL").select("id").toArrow()["id"].to_numpy()
    chosen = np.flatnonzero(np.isin(listing.ids, good))
    chosen = chosen[np.argsort(listing.lengths[chosen])]
    photographs = share_photographs(spark, listing, chosen)
    numbers = photographs.shares.numbers(spark)
    target = url_of(out)
    numbers.mapInArrow(_Strip(photographs), _WRITTEN).write.mode("overwrite").parquet(target)
    written = spark.read.option("__globPaths__", "false").parquet(target).count()
    if written != len(good):
        raise ServingError(
            f"{len(good) - written:,} of {len(good):,} images are gone or have changed since they "
            "were read: run it again"
        )


@dataclass(frozen=True, slots=True)
class _Strip:
    photographs: Photographs

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The numbers of tasks in; photographs out, one at a time."""
        for number in numbers_of(batches):
            for row, content in self.photographs.read(number):
                values = (row["path"], row["label"], strip_metadata(content))
                yield pa.RecordBatch.from_arrays([pa.array([v]) for v in values], _COLUMNS)
