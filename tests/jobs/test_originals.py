"""Photographs are passed on all of them, or the run says that some were not."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from fruits.listing import list_images
from fruits.originals import write_originals
from serving.errors import ServingError
from tests.jobs.photographs import GOOD


@pytest.mark.parametrize("change", ["gone", "changed"])
def test_photographs_that_are_not_as_listed_are_told(
    spark: SparkSession, tmp_path: Path, change: str
) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for name in ("1.jpg", "2.jpg", "refused.jpg"):
        (images / name).write_bytes(GOOD)
    listing = list_images(str(images))
    reasons = [None, None, "no image"]
    rows = list(zip(listing.ids.tolist(), reasons, strict=True))
    features = spark.createDataFrame(rows, "id long, reason string")
    if change == "gone":
        (images / "1.jpg").unlink()
    else:
        (images / "1.jpg").write_bytes(GOOD + b" ")
    with pytest.raises(ServingError, match="1 of 2 images are gone or have changed"):
        write_originals(spark, listing, str(tmp_path / "copies"), features)
