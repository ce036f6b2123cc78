"""The driver's files: whole or absent, in folders of any name."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from cluster.storage import Storage, check_apart
from serving.errors import ConfigurationError, ServingError

ODD = "a b%20c [1] é#,'"


@pytest.fixture
def storage(spark: SparkSession) -> Storage:
    return Storage(spark)


def test_bytes_come_back_as_they_were(storage: Storage, tmp_path: Path) -> None:
    content = bytes(range(256)) * 1000
    target = str(tmp_path / ODD / "x.bin")
    assert not storage.exists(target)
    storage.write(target, b"before")
    storage.write(target, content)
    assert storage.read(target) == content == Path(target).read_bytes()
    assert [p.name for p in Path(target).parent.iterdir()] == ["x.bin"]


def test_what_is_not_there_is_named(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(ServingError, match=r"none\.json: No such file"):
        storage.read(str(tmp_path / "none.json"))
    storage.delete(str(tmp_path / "none.json"))


def test_a_url_and_a_path_are_the_same_place(storage: Storage, tmp_path: Path) -> None:
    storage.write((tmp_path / "x").as_uri(), b"1")
    assert storage.read(str(tmp_path / "x")) == b"1"


def test_the_one_part_becomes_the_file(
    spark: SparkSession, storage: Storage, tmp_path: Path
) -> None:
    target = tmp_path / ODD
    for value in ("old", "new"):
        folder = str(tmp_path / "parts")
        spark.createDataFrame([(value,)], "v string").coalesce(1).write.csv(folder)
        storage.keep_one(folder, str(target))
    assert target.read_text() == "new\n"
    assert [p.name for p in tmp_path.iterdir()] == [ODD]


def test_two_parts_are_not_one_file(spark: SparkSession, storage: Storage, tmp_path: Path) -> None:
    spark.range(0, 4, 1, 2).write.csv(str(tmp_path / "parts"))
    with pytest.raises(ServingError, match="expected one part, got 2"):
        storage.keep_one(str(tmp_path / "parts"), str(tmp_path / "x.csv"))


def test_places_are_compared_by_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "elsewhere").symlink_to("images")
    (tmp_path / "images/out").symlink_to(tmp_path.parent)
    for inputs, results in (
        (f"{tmp_path}/images", f"{tmp_path}/elsewhere/out"),
        (f"{tmp_path}/images", f"{tmp_path}/images/out"),
        (tmp_path.as_uri(), f"{tmp_path}/out/"),
        ("s3a://bucket/a/", "s3://bucket/a"),
        ("s3://bucket", "s3://bucket/out"),
    ):
        with pytest.raises(ConfigurationError, match=r"images .* are in each other: name another"):
            check_apart("images", inputs, results)
    check_apart("images", f"{tmp_path}/images", f"{tmp_path}/images-out")
    check_apart("images", "s3://bucket/a", "s3://bucket/ab")


def test_a_folder_takes_the_place_of_another(storage: Storage, tmp_path: Path) -> None:
    for name in ("fresh", "there"):
        storage.write(str(tmp_path / name / name), b"")
    storage.replace(str(tmp_path / "fresh"), str(tmp_path / "there"))
    assert [p.name for p in (tmp_path / "there").iterdir()] == ["fresh"]
