"""Features of a folder: equal to those of Keras, each image once, every file accounted for."""

import os
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import Row, SparkSession

from cluster.files import open_folder
from cluster.models import SharedModel, share_model
from fruits.features import EMPTY, UNREADABLE_NOW, cut, extract, read_features
from fruits.images import LIMIT_BYTES, decode
from fruits.listing import Listing, list_images
from fruits.models import NETWORKS
from fruits.originals import write_originals
from fruits.slices import FEATURES, ROWS, Slices
from serving.errors import ConfigurationError, InvalidInputError, ServingError
from tests.jobs.photographs import GOOD, HOSTILE, OWNER, encode, photograph, segment, write_huge

NETWORK = NETWORKS["mobilenet_v2"]
NAMES = [
    "Apple 1/a b.jpg",
    "Pêche/é+ü.jpg",
    "x%20y/100%.jpg",
    "a#b/q?.jpg",
    "[br]/{c,d}*.jpg",
    "k=v/a=b.jpg",
    'quote\'/"d".jpg',
    "back\\slash/b.jpg",
    "deep/er/and/deeper/x.jpg",
    "林檎/🍎.jpeg",
    "tab\t/new\nline.png",
]


@pytest.fixture(scope="module")
def shared(spark: SparkSession, feature_bundle: Path) -> SharedModel:
    return share_model(spark, str(feature_bundle))


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def rows_of(frame: Any) -> dict[str, Row]:
    rows = frame.collect()
    found = {row.path: row for row in rows}
    assert len(found) == len(rows)
    return found


def test_features_are_those_of_keras(
    spark: SparkSession, shared: SharedModel, feature_bundle: Path, tmp_path: Path
) -> None:
    kinds = [("RGB", (100, 100)), ("L", (100, 100)), ("RGB", (160, 120)), ("RGB", (31, 47))]
    files = {
        f"class {n}/{seed}.{form.lower()}": encode(photograph(mode, size, seed), form)
        for n, (mode, size) in enumerate(kinds)
        for form in ("JPEG", "PNG")
        for seed in range(3)
    }
    images = write(tmp_path / "images", files)
    found = extract(
        spark, list_images(str(images)), str(tmp_path / "out"), shared, NETWORK, progress=False
    )
    rows = rows_of(found.features)
    assert rows.keys() == files.keys()
    model = keras.models.load_model(feature_bundle / "model.h5", compile=False)
    pixels = [
        keras.utils.img_to_array(keras.utils.load_img(images / name, target_size=(100, 100)))
        for name in rows
    ]
    prepared = keras.applications.mobilenet_v2.preprocess_input(np.stack(pixels))
    expected = np.asarray(model(prepared, training=False))
    assert expected.std(axis=0).mean() > 0.01  # else any constant would do
    np.testing.assert_allclose([row.features for row in rows.values()], expected, atol=1e-4)
    for name, row in rows.items():
        assert row.label == name.partition("/")[0]
        assert (row.length, row.reason) == (len(files[name]), None)


def test_every_file_is_accounted_for(
    spark: SparkSession, shared: SharedModel, orchard: Path, tmp_path: Path
) -> None:
    images = tmp_path / "images"
    shutil.copytree(orchard, images)
    drawn = sum(path.suffix == ".jpg" for path in orchard.rglob("*"))
    write(images / "Bad 1", {name: content for name, (content, _) in HOSTILE.items()})
    write_huge(images / "Bad 1" / "huge.jpg")
    write(images, {"_hidden.jpg": GOOD, ".hidden.jpg": GOOD})
    builds, workers = shared.builds.value, shared.workers.value
    found = extract(
        spark, list_images(str(images)), str(tmp_path / "out"), shared, NETWORK, progress=False
    )
    bad = len(HOSTILE) + 1
    assert (found.listed, found.computed, found.refused) == (drawn + bad, drawn, bad)
    assert (found.reused, found.unreadable, found.slices) == (0, 0, 1)
    assert found.builds == found.workers <= 2 + len(workers)
    assert found.builds - builds == len(shared.workers.value - workers)
    rows = rows_of(found.features)
    assert len(rows) == found.listed
    assert sum(row.features is not None for row in rows.values()) == drawn
    for name, (_, reason) in HOSTILE.items():
        row = rows[f"Bad 1/{name}"]
        assert row.reason.startswith(reason)
        assert (row.features, row.label) == (None, "Bad 1")
    assert rows["Bad 1/empty.jpg"].reason == EMPTY
    huge = rows["Bad 1/huge.jpg"].reason
    assert huge == f"expected at most {LIMIT_BYTES:,} bytes, got {3 * 1024**3:,}"
    counts = Counter(row.label for row in rows.values() if row.reason is None)
    assert set(counts.values()) == {10}


def test_names_are_those_of_the_files(
    spark: SparkSession, shared: SharedModel, tmp_path: Path
) -> None:
    images = write(tmp_path / "50% [1] {a,b} é", dict.fromkeys([*NAMES, "top.jpg"], GOOD))
    out = tmp_path / "out [2]*"
    found = extract(spark, list_images(str(images)), str(out), shared, NETWORK, progress=False)
    rows = rows_of(found.features)
    labels = {name: name.split("/")[-2] for name in NAMES} | {"top.jpg": images.name}
    assert {name: row.label for name, row in rows.items()} == labels
    assert [row.reason for row in rows.values()] == [None] * len(rows)
    assert rows_of(read_features(spark, list_images(str(images)), str(out))) == rows


def test_a_run_computes_what_is_not_there(
    spark: SparkSession, shared: SharedModel, tmp_path: Path
) -> None:
    photographs = {f"a/{n}.jpg": encode(photograph(seed=n)) for n in range(7)}
    images = write(tmp_path / "images", photographs | {"a/bad.jpg": b"bad"})
    out = str(tmp_path / "out")

    def run() -> Any:
        return extract(
            spark, list_images(str(images)), out, shared, NETWORK, slice_images=3, progress=False
        )

    first = run()
    assert (first.computed, first.reused, first.slices) == (7, 0, 3)
    before = rows_of(first.features)
    again = run()
    assert (again.computed, again.reused, again.slices, again.refused) == (0, 8, 0, 1)
    assert rows_of(again.features) == before
    write(images, {"a/0.jpg": encode(photograph(seed=100)), "b/new.jpg": photographs["a/1.jpg"]})
    os.utime(images / "a/1.jpg", (1, 1))
    (images / "a/2.jpg").unlink()
    changed = run()
    assert (changed.computed, changed.reused, changed.listed) == (3, 5, 8)
    after = rows_of(changed.features)
    assert after.keys() == before.keys() - {"a/2.jpg"} | {"b/new.jpg"}
    assert after["a/0.jpg"].features != before["a/0.jpg"].features
    assert after["a/1.jpg"].features == before["a/1.jpg"].features == after["b/new.jpg"].features
    assert rows_of(read_features(spark, list_images(str(images)), out)) == after


def test_files_that_are_gone_or_locked_are_rows(
    spark: SparkSession, shared: SharedModel, tmp_path: Path
) -> None:
    names = ["a/gone.jpg", "a/grown.jpg", "a/stays.jpg"]
    images = write(tmp_path / "images", dict.fromkeys(names, GOOD))
    out = str(tmp_path / "out")
    listing = list_images(str(images))
    (images / "a/gone.jpg").unlink()
    (images / "a/grown.jpg").write_bytes(GOOD + bytes(LIMIT_BYTES))
    found = extract(spark, listing, out, shared, NETWORK, progress=False)
    assert (found.listed, found.computed, found.refused, found.unreadable) == (3, 1, 0, 2)
    reasons = {name: row.reason for name, row in rows_of(found.features).items()}
    assert reasons == {names[0]: UNREADABLE_NOW, names[1]: UNREADABLE_NOW, names[2]: None}


def test_two_runs_at_once_leave_each_path_once(
    spark: SparkSession, shared: SharedModel, tmp_path: Path
) -> None:
    images = write(tmp_path / "images", {"a/1.jpg": GOOD, "a/2.jpg": GOOD})
    out = tmp_path / "out"
    extract(spark, list_images(str(images)), str(out), shared, NETWORK, progress=False)
    [part] = out.glob("slice-*")
    shutil.copytree(part, out / "slice-other")
    found = extract(spark, list_images(str(images)), str(out), shared, NETWORK, progress=False)
    assert (found.computed, found.reused, found.unreadable) == (0, 2, 0)
    assert rows_of(found.features).keys() == {"a/1.jpg", "a/2.jpg"}


def test_what_comes_late_is_not_read(
    spark: SparkSession, shared: SharedModel, tmp_path: Path
) -> None:
    """A task that was given up, or another run, writes on."""
    images = write(tmp_path / "images", {"a/1.jpg": GOOD, "a/2.jpg": GOOD})
    out = tmp_path / "out"
    found = extract(spark, list_images(str(images)), str(out), shared, NETWORK, progress=False)
    [first, *_] = out.glob("slice-*/part-*")
    shutil.copy(first, first.with_name("part-late.parquet"))
    (out / "slice-other").mkdir()
    shutil.copy(first, out / "slice-other/part-other.parquet")
    (out / "slice-other/_SUCCESS").touch()
    assert rows_of(found.features).keys() == {"a/1.jpg", "a/2.jpg"}
    again = extract(spark, list_images(str(images)), str(out), shared, NETWORK, progress=False)
    assert rows_of(again.features).keys() == {"a/1.jpg", "a/2.jpg"}


def test_a_slice_of_which_parts_are_gone_does_not_count(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Another run has swept them away, as what a killed one left."""
    slices = Slices(spark, str(tmp_path))

    def sweep(number: int) -> list[pa.RecordBatch]:
        while number and not list(tmp_path.glob("slice-*/part-*")):
            time.sleep(0.01)
        for part in tmp_path.glob("slice-*/part-*"):
            part.unlink()
        row = dict.fromkeys(ROWS.names) | {"id": number, "path": f"{number}"}
        return [pa.RecordBatch.from_pylist([row], ROWS)]

    with pytest.raises(ServingError, match="parts are gone: another run writes there"):
        slices.write(2, sweep)
    assert not list(tmp_path.glob("slice-*/_SUCCESS"))


def test_images_are_passed_on_without_their_owner(
    spark: SparkSession, shared: SharedModel, tmp_path: Path
) -> None:
    tagged = GOOD[:2] + segment(0xE1, b"Exif\x00\x00" + OWNER) + GOOD[2:]
    files = {"a b/tagged.jpg": tagged, "a b/good.jpg": GOOD, "a b/bad.jpg": b"bad" + OWNER}
    images = write(tmp_path / "images", files)
    out = tmp_path / "out"
    listing = list_images(str(images))
    found = extract(spark, listing, str(out / "features"), shared, NETWORK, progress=False)
    target = str(out / "images")
    for _ in range(2):
        write_originals(spark, listing, target, found.features)
    rows = rows_of(spark.read.parquet(target))
    assert {row.label for row in rows.values()} == {"a b"}
    assert rows.keys() == {"a b/tagged.jpg", "a b/good.jpg"}
    pixels = decode(bytes(rows["a b/tagged.jpg"].content), (100, 100))
    np.testing.assert_array_equal(pixels, decode(tagged, (100, 100)))
    written = [path for path in out.rglob("*") if path.is_file()]
    assert len(written) > 4
    for path in written:
        assert OWNER not in path.read_bytes(), path
    for row in rows.values():
        assert OWNER not in bytes(row.content)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    for folder, reason in ((tmp_path / "none", "No such folder"), (tmp_path, "no file in this")):
        with pytest.raises(InvalidInputError, match=reason):
            list_images(str(folder))


def test_a_model_of_something_else_is_refused(
    spark: SparkSession, bundle: Path, orchard: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match="expected a model of RGB images of one size, got"):
        extract(
            spark,
            list_images(str(orchard)),
            str(tmp_path),
            share_model(spark, str(bundle)),
            NETWORK,
        )


@pytest.mark.parametrize("most", [1, 3, 10, 100])
def test_slices_hold_each_image_once(most: int) -> None:
    dice = np.random.default_rng(most)
    lengths = dice.integers(1, 2**32, 60)
    ids = dice.integers(-(2**63), 2**63 - 1, 60)
    listing = Listing(open_folder("."), None, pa.table({}), ids, lengths)
    wanted = dice.permutation(60)[:50]
    slices = list(cut(listing, wanted, most))
    np.testing.assert_array_equal(np.sort(np.concatenate(slices)), np.sort(wanted))
    for chosen in slices:
        assert 1 <= len(chosen) <= most
        assert len(chosen) == 1 or lengths[chosen].sum() <= 2**32
    lengths[:] = 5
    assert len(list(cut(listing, wanted, 50))) == 1


def test_the_schema_is_what_is_written(
    spark: SparkSession, shared: SharedModel, tmp_path: Path
) -> None:
    images = write(tmp_path / "images", {"a/1.jpg": GOOD})
    found = extract(
        spark, list_images(str(images)), str(tmp_path / "out"), shared, NETWORK, progress=False
    )
    assert found.features.schema == FEATURES
