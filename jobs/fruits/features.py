"""Features of a folder of photographs: listed, what is missing computed in slices, each once.

images -> listing -> what is not written yet -> slices: decode and infer -> Parquet -> features
"""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f

from cluster.models import SharedModel
from cluster.progress import Progress
from fruits.images import LIMIT_BYTES
from fruits.inference import Inference
from fruits.listing import Listing, describe, list_images, reading
from fruits.models import Network
from fruits.slices import FEATURES, Slices
from serving.errors import ConfigurationError

__all__ = ["FEATURES", "Extraction", "extract", "list_images", "read_features"]

TOO_LARGE = f"expected at most {LIMIT_BYTES:,} bytes, got "
EMPTY = "empty file"
UNREADABLE = "listed, but could not be read: gone, changed meanwhile, or no right to read it"

Whole = NDArray[np.int64]
Known = tuple[Whole, NDArray[np.bool_]]  # see Slices.known

_KEYS = ["path", "length", "modified"]  # a file that changed is another one
_ATTEMPTS = 2  # a file that could not be read may be there a moment later: S3 says "slow down"
_MOST_SLICES = 64
_SLICE_BYTES = 4 * 1024**3


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a run did. listed = rows with features + refused + unreadable.

    Attributes:
        listing: the files that were there, see `fruits.listing`; kept in memory.
        features: rows of FEATURES, one for each file that was listed; read from what was written.
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

    listing: DataFrame
    features: DataFrame
    listed: int
    reused: int
    computed: int
    refused: int
    unreadable: int
    slices: int
    builds: int
    workers: int


def extract(
    spark: SparkSession,
    images: str,
    folder: str,
    shared: SharedModel,
    network: Network,
    *,
    slice_images: int = 20_000,
    listing: Listing | None = None,
    progress: bool = True,
) -> Extraction:
    """Compute what is not in `folder` yet, and write it there slice by slice.

    Args:
        images: the folder of photographs.
        folder: for this model, network and size alone; one run at a time.
        slice_images: how many images a slice has at most; a run that is killed loses one slice.
        listing: of `images`, where it is there already.

    Raises:
        InvalidInputError: there is no folder of images, or no file in it.
        ConfigurationError: the model takes no RGB images of one size, or gives no vector.
    """
    inferred, rows = (spark.sparkContext.accumulator(0) for _ in range(2))
    run = Inference(shared, network, _size_of(shared), inferred, rows)
    slices = Slices(spark, folder)
    slices.sweep()
    there = list_images(spark, images) if listing is None else listing
    known = slices.known()
    total = int(_missing(there, known).sum())
    shown = Progress("features", total, lambda: rows.value) if progress else nullcontext()
    # Each slice looks through the whole list; there are not to be thousands of them.
    slice_images = max(slice_images, len(there.ids) // _MOST_SLICES)
    written = 0
    with shown, reading(spark):
        for _ in range(_ATTEMPTS):
            if not (missing := _missing(there, known)).any():
                break
            for chosen in cut(there.places[missing], there.lengths[missing], slice_images):
                slices.write(_infer(there, images, chosen, run))
                written += 1
            known = slices.known()
    return _sum_up(there, slices, known, run, reused=len(there.ids) - total, written=written)


def _missing(there: Listing, known: Known) -> NDArray[np.bool_]:
    """Which files of the listing have no row, and may have one."""
    return ~np.isin(there.ids, known[0]) & (there.lengths <= LIMIT_BYTES)


def _sum_up(
    there: Listing, slices: Slices, known: Known, run: Inference, *, reused: int, written: int
) -> Extraction:
    """What there is now; `reused` counts the images that are too large as well."""
    stored = _count(there, known)
    large = int((there.lengths > LIMIT_BYTES).sum())
    return Extraction(
        listing=there.rows,
        features=_match(there.rows, slices, unread=stored.unread > 0, twice=stored.twice),
        listed=len(there.ids) + there.empty + there.gone,
        reused=reused - large,
        computed=run.inferred.value,
        refused=stored.refused + large + there.empty,
        unreadable=stored.unread - large - there.empty,
        slices=written,
        builds=run.shared.builds.value,
        workers=len(run.shared.workers.value),
    )


def read_features(spark: SparkSession, images: str, folder: str) -> DataFrame:
    """The rows of FEATURES for what is in the folder of images now, each path once.

    Nothing is computed: a file that `extract` has not seen is a row that could not be read.
    """
    listing = list_images(spark, images)
    return _match(listing.rows, Slices(spark, folder), unread=True, twice=True)


def cut(places: Whole, lengths: Whole, slice_images: int) -> Iterator[Whole]:
    """The places of images in slices, small files first; bounded in images and in bytes."""
    order = np.lexsort((places, lengths))
    start, size = 0, 0
    for position, length in enumerate(lengths[order].tolist()):
        if position - start == slice_images or (size and size + length > _SLICE_BYTES):
            yield places[order[start:position]]
            start, size = position, 0
        size += length
    if start < len(order):
        yield places[order[start:]]


class _Stored(NamedTuple):
    """Of the files of a listing: how many have no row, how many have one with a reason."""

    unread: int
    refused: int
    twice: bool  # one has several rows, of two runs at the same time


def _count(listing: Listing, known: Known) -> _Stored:
    ids, reasons = known
    current = np.isin(ids, listing.ids)
    count = len(np.unique(ids[current]))
    return _Stored(
        unread=len(listing.ids) - count + listing.empty + listing.gone,
        refused=len(np.unique(ids[current & reasons])),
        twice=int(current.sum()) > count,
    )


def _infer(listing: Listing, images: str, places: Whole, run: Inference) -> DataFrame:
    """The rows of one slice. Spark opens no other file: it chooses by path when it plans."""
    wanted = ",".join(f"{place}L" for place in places.tolist())
    chosen = listing.files.where(f"xxhash64(_metadata.file_path) IN ({wanted})")
    # One that has grown since is not read either.
    chosen = chosen.where(f.col("length") <= LIMIT_BYTES)
    rows = describe(chosen, images).drop("place", "id")
    return rows.mapInArrow(run, FEATURES)


def _match(listing: DataFrame, slices: Slices, *, unread: bool, twice: bool) -> DataFrame:
    """Of what is stored, the rows of files as they are now; and a row for each other file.

    Args:
        unread: a file may have no row.
        twice: a file may have several rows.
    """
    stored = slices.read()
    rows = stored.join(listing.select(_KEYS), _KEYS, "left_semi")
    if twice:
        rows = rows.dropDuplicates(["path"])
    if unread:
        others = listing.join(stored.select(_KEYS), _KEYS, "left_anti")
        rows = rows.unionByName(_without_features(others))
    return rows.select(FEATURES.names)


def _without_features(listing: DataFrame) -> DataFrame:
    """Rows for files that were not read, each with its reason."""
    too_large = f.concat(f.lit(TOO_LARGE), f.format_number("length", 0))
    length = f.col("length")
    reason: Column = f.when(length > LIMIT_BYTES, too_large).when(length == 0, EMPTY)
    reason = reason.otherwise(UNREADABLE)
    kinds = {field.name: field.dataType for field in FEATURES}
    nothing = [f.lit(None).cast(kinds[name]).alias(name) for name in ("sha256", "features")]
    return listing.select("path", "label", "length", "modified", *nothing, reason.alias("reason"))


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
