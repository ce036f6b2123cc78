"""Features of a folder of photographs: listed, what is missing computed in slices, each once.

images -> listing -> what is not written yet -> slices: decode and infer -> Parquet -> features
"""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from cluster.files import UNREADABLE
from cluster.models import SharedModel
from cluster.progress import Progress
from fruits.images import LIMIT_BYTES, too_many_bytes
from fruits.inference import Inference
from fruits.listing import Listing
from fruits.models import Network
from fruits.photographs import share_photographs
from fruits.slices import FEATURES, Known, Slices
from serving.errors import ConfigurationError

EMPTY = "empty file"
UNREADABLE_NOW = "listed, but could not be read: gone, changed meanwhile, or no right to read it"

Whole = NDArray[np.int64]
_ATTEMPTS = 2  # a file that could not be read may be there a moment later: S3 says "slow down"
_MOST_SLICES = 64
_SLICE_BYTES = 4 * 1024**3


@dataclass(frozen=True)
class Extraction:
    """What a run did. listed = rows with features + refused + unreadable.

    Attributes:
        read: gives `features`.
        listed: how many files.
        reused: of those, rows that earlier runs had written.
        computed: images that a forward pass was made for; a task that Spark tried again counts
            twice.
        refused: files without features, in this run and in earlier ones.
        unreadable: files that were gone or not readable after they were listed; they are not
            written, and the next run tries them again.
        slices: how many this run wrote.
        builds, workers: models built, and Python processes that asked for one.
    """

    read: Callable[[], DataFrame]
    listed: int
    reused: int
    computed: int
    refused: int
    unreadable: int
    slices: int
    builds: int
    workers: int

    @cached_property
    def features(self) -> DataFrame:
        """Rows of FEATURES, one for each file that was listed; read from what was written."""
        return self.read()


def extract(
    spark: SparkSession,
    listing: Listing,
    folder: str,
    shared: SharedModel,
    network: Network,
    *,
    slice_images: int = 20_000,
    progress: bool = True,
) -> Extraction:
    """Compute what is not in `folder` yet, and write it there slice by slice.

    Args:
        listing: of the photographs.
        folder: for this model, network and size alone; one run at a time.
        slice_images: how many images a slice has at most; a run that is killed loses one slice.

    Raises:
        ConfigurationError: the model takes no RGB images of one size, or gives no vector.
    """
    inferred, rows = (spark.sparkContext.accumulator(0) for _ in range(2))
    size = _size_of(shared)
    slices = Slices(spark, folder, listing.region)
    slices.sweep()
    known = slices.known()
    missing = len(_missing(listing, known))

    def compute(chosen: Whole) -> Known:
        photographs = share_photographs(spark, listing, chosen)
        run = Inference(photographs, shared, network, size, inferred, rows)
        fresh = slices.write(photographs.shares.tasks, run)
        photographs.shares.table.unpersist()
        return fresh

    with Progress("features", missing, lambda: rows.value) if progress else nullcontext():
        known, written = _fill(listing, known, slice_images, compute)
    stored = _count(listing, known)
    read = partial(_match, spark, listing, slices, known, stored)
    return _sum_up(read, listing, stored, shared, inferred.value, missing, written)


def _sum_up(
    read: Callable[[], DataFrame],
    listing: Listing,
    stored: "_Stored",
    shared: SharedModel,
    inferred: int,
    missing: int,
    written: int,
) -> Extraction:
    refused = int(np.count_nonzero(_refused(listing)))
    return Extraction(
        read=read,
        listed=len(listing),
        reused=int(np.count_nonzero(_readable(listing))) - missing,
        computed=inferred,
        refused=stored.refused + refused,
        unreadable=stored.unread - refused,
        slices=written,
        builds=shared.builds.value,
        workers=len(shared.workers.value),
    )


def _fill(
    listing: Listing, known: Known, slice_images: int, compute: Callable[[Whole], Known]
) -> tuple[Known, int]:
    """Compute what has no row, slice by slice, and once more what could not be read.

    Returns:
        What is known then, and how many slices were written.
    """
    # A driver's word with Spark for each slice: there are not to be thousands of them.
    slice_images = max(slice_images, len(listing) // _MOST_SLICES)
    written = 0
    for _ in range(_ATTEMPTS):
        for chosen in cut(listing, _missing(listing, known), slice_images):
            fresh = compute(chosen)
            known = np.concatenate([known[0], fresh[0]]), np.concatenate([known[1], fresh[1]])
            written += bool(len(fresh[0]))
    return known, written


def _refused(listing: Listing) -> NDArray[np.bool_]:
    """Which files are refused for their length; they are not read."""
    empty: NDArray[np.bool_] = listing.lengths == 0
    return empty | (listing.lengths > LIMIT_BYTES)


def _readable(listing: Listing) -> NDArray[np.bool_]:
    readable: NDArray[np.bool_] = ~_refused(listing) & (listing.lengths != UNREADABLE)
    return readable


def _missing(listing: Listing, known: Known) -> Whole:
    """The places of files in the listing that have no row, and may have one."""
    return np.flatnonzero(~np.isin(listing.ids, known[0]) & _readable(listing))


def read_features(spark: SparkSession, listing: Listing, folder: str) -> DataFrame:
    """The rows of FEATURES for what was listed, each path once.

    Nothing is computed: a file that `extract` has not seen is a row that could not be read.
    """
    slices = Slices(spark, folder)
    known = slices.known()
    return _match(spark, listing, slices, known, _count(listing, known))


def cut(listing: Listing, chosen: Whole, slice_images: int) -> Iterator[Whole]:
    """Places in the listing in slices, small files first; bounded in images and in bytes."""
    lengths = listing.lengths[chosen]
    order = np.lexsort((listing.ids[chosen], lengths))
    start, size = 0, 0
    for position, length in enumerate(lengths[order].tolist()):
        if position - start == slice_images or (size and size + length > _SLICE_BYTES):
            yield chosen[order[start:position]]
            start, size = position, 0
        size += length
    if start < len(order):
        yield chosen[order[start:]]


class _Stored(NamedTuple):
    """Of the files of a listing: how many have no row, how many have one with a reason."""

    unread: int
    refused: int
    twice: bool  # one has several rows, of two runs at the same time
    stale: bool  # there are rows of other files


def _count(listing: Listing, known: Known) -> _Stored:
    ids, reasons = known
    current = np.isin(ids, listing.ids)
    count = len(np.unique(ids[current]))
    return _Stored(
        unread=len(listing) - count,
        refused=len(np.unique(ids[current & reasons])),
        twice=int(current.sum()) > count,
        stale=not current.all(),
    )


def _match(
    spark: SparkSession, listing: Listing, slices: Slices, known: Known, stored: _Stored
) -> DataFrame:
    """Of what is stored, the rows of files as they are now; and a row for each other file."""
    rows = slices.read()
    if stored.stale:
        ids = spark.createDataFrame(listing.files.select(["id"]))
        rows = rows.join(ids, "id", "left_semi")
    if stored.twice:
        rows = rows.dropDuplicates(["id"])
    if stored.unread:
        others = listing.files.filter(pa.array(~np.isin(listing.ids, known[0])))
        rows = rows.unionByName(_without_features(spark, others))
    return rows.select(FEATURES.names)


def _without_features(spark: SparkSession, files: pa.Table) -> DataFrame:
    """Rows for files that were not read, each with its reason."""
    reasons = [_why_unread(length) for length in files["length"].to_pylist()]
    rows = spark.createDataFrame(files.append_column("reason", pa.array(reasons, pa.string())))
    kinds = {field.name: field.dataType for field in FEATURES}
    nothing = {name: f.lit(None).cast(kinds[name]) for name in ("sha256", "features")}
    return rows.withColumns(nothing)


def _why_unread(length: int) -> str:
    if length > LIMIT_BYTES:
        return too_many_bytes(length)
    return UNREADABLE_NOW if length else EMPTY


def _size_of(shared: SharedModel) -> tuple[int, int]:
    passport = shared.passport
    if passport is None:
        raise ConfigurationError("features are asked for by the driver, not in a worker")
    shape = passport.input.shape
    if len(shape) != 3 or shape[2] != 3 or shape[0] is None or shape[1] is None:
        raise ConfigurationError(
            f"expected a model of RGB images of one size, got {passport.input.spec}"
        )
    if len(passport.output.shape) != 1:
        raise ConfigurationError(
            f"expected a model that gives one vector an image, got {passport.output.spec}: "
            "without its top, and pooled"
        )
    return shape[0], shape[1]
