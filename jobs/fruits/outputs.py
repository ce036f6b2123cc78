"""The tables of a run: components as Parquet and as one CSV, their variance, and what was refused.

Each table is written beside its place and then moved to it: a run that is stopped leaves the
table of the run before, or none. Names stay as they are, also those that a spreadsheet would take
for a formula: the files are for programs, which are to find the same names.
"""

import csv
import io
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from cluster.storage import Storage, url_of

__all__ = [
    "read_components",
    "sample_points",
    "write_components",
    "write_explained",
    "write_failures",
]

# RFC 4180: a quote within quotes is doubled. Spark's own defaults write \" and cut blanks off.
_CSV = {
    "header": "true",
    "quote": '"',
    "escape": '"',
    "nullValue": "",
    "emptyValue": "",
    "ignoreLeadingWhiteSpace": "false",
    "ignoreTrailingWhiteSpace": "false",
    "encoding": "UTF-8",
    "compression": "none",
}


def write_components(spark: SparkSession, projected: DataFrame, out: str, k: int) -> None:
    """Write OUT/components.parquet and OUT/components.csv, which hold the same rows.

    The CSV has the header path,label,pc1 … pck, is sorted by path, and has each number in as many
    digits as give the same float64 again.

    Args:
        projected: columns path, label and components, arrays of k double.
    """
    storage, root = Storage(spark), out.rstrip("/")
    fresh = f"{root}/_fresh-components"
    rows = projected.select("path", "label", "components")
    rows.write.mode("overwrite").parquet(url_of(f"{fresh}.parquet"))
    written = _read(spark, f"{fresh}.parquet")
    numbers = [f.col("components")[i].alias(f"pc{i + 1}") for i in range(k)]
    _write_csv(written.select("path", "label", *numbers), fresh)
    storage.keep_one(fresh, f"{root}/components.csv")
    storage.replace(f"{fresh}.parquet", f"{root}/components.parquet")


def read_components(spark: SparkSession, out: str) -> DataFrame:
    """The rows of OUT/components.parquet: path, label and components."""
    return _read(spark, f"{out.rstrip('/')}/components.parquet")


def write_failures(spark: SparkSession, refused: DataFrame, out: str) -> int:
    """Write OUT/failures.csv (path,reason), sorted by path; returns how many there are.

    A run without failures writes the header alone.

    Args:
        refused: columns path and reason.
    """
    root = out.rstrip("/")
    rows = refused.select("path", "reason").persist()
    try:
        count = rows.count()
        _write_csv(rows, f"{root}/_fresh-failures")
    finally:
        rows.unpersist()
    Storage(spark).keep_one(f"{root}/_fresh-failures", f"{root}/failures.csv")
    return count


def write_explained(storage: Storage, explained: Sequence[float], k: int, out: str) -> None:
    """Write OUT/explained-variance.csv: component,ratio,cumulative,chosen (yes or no)."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["component", "ratio", "cumulative", "chosen"])
    shares = [float(share) for share in explained]
    for number, (share, total) in enumerate(zip(shares, accumulate(shares), strict=True), start=1):
        table.writerow([number, repr(share), repr(total), "yes" if number <= k else "no"])
    storage.write(f"{out.rstrip('/')}/explained-variance.csv", text.getvalue().encode())


def sample_points(
    projected: DataFrame, *, most: int = 5_000, seed: int = 0
) -> tuple[NDArray[np.float64], list[str]]:
    """At most `most` rows for the driver, as points (n, k) and their labels.

    The choice depends on seed and paths alone, however the rows are spread over the cluster.
    """
    chosen = projected.select("path", "label", "components")
    chosen = chosen.orderBy(f.xxhash64(f.lit(seed), "path"), "path").limit(most)
    rows = chosen.select("label", "components").collect()
    points = np.array([row["components"] for row in rows], dtype=np.float64)
    return points, [row["label"] for row in rows]


def _read(spark: SparkSession, path: str) -> DataFrame:
    """Parquet; a folder called "[1]" is no pattern."""
    return spark.read.option("__globPaths__", "false").parquet(url_of(path))


def _write_csv(rows: DataFrame, folder: str) -> None:
    """One part, sorted by path: Spark spills what does not fit into the memory of its task."""
    whole = rows.repartition(1).sortWithinPartitions("path")
    whole.write.mode("overwrite").options(**_CSV).csv(url_of(folder))
