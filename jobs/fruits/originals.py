"""The photographs without metadata, for passing them on: Parquet of path, label and content."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from cluster.storage import url_of
from fruits.images import LIMIT_BYTES, strip_metadata
from fruits.listing import describe, open_images, reading

_WRITTEN = "path string, label string, content binary"
_KEYS = ["path", "length", "modified"]


def write_originals(spark: SparkSession, images: str, out: str, features: DataFrame) -> int:
    """Write the photographs that have features to `out`, over what was there; returns how many.

    The pixels are those of the file: nothing is encoded again. See `strip_metadata` for what is
    cut out; the orientation is, so a photograph taken upright may lie on its side.
    """
    files = open_images(spark, images).where(f.col("length") <= LIMIT_BYTES)
    good = features.where("reason IS NULL").select(_KEYS)
    rows = describe(files, images).join(f.broadcast(good), _KEYS, "left_semi")
    stripped = rows.select("path", "label", "content").mapInArrow(_strip, _WRITTEN)
    target = url_of(out)
    with reading(spark):
        stripped.write.mode("overwrite").parquet(target)
    return spark.read.option("__globPaths__", "false").parquet(target).count()


def _strip(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        contents = [strip_metadata(content.as_py()) for content in batch.column("content")]
        place = batch.schema.get_field_index("content")
        yield batch.set_column(place, "content", pa.array(contents, pa.binary()))
