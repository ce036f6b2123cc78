"""Files of a folder and of S3 (over HTTP): listed whole, read as they were listed, or not."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.files import UNREADABLE, File, Folder, open_folder, s3_client
from local.aws import Aws
from serving.errors import ConfigurationError, InvalidInputError, ServingError

REGION, BUCKET = "eu-west-3", "photographs"
FILES = {
    "top.jpg": b"top",
    "a/1.jpg": b"one",
    "a/b c+%20é/林檎 🍎.jpg": b"two" * 1000,
    "a/deep/er/[x]{y}*?.jpg": b"",
}
HIDDEN = ("_hidden.jpg", ".hidden", "_folder/1.jpg", "a/.folder/1.jpg")


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch, Aws() as aws:
        patch.setenv("AWS_ENDPOINT_URL_S3", aws.endpoint)
        patch.setenv("AWS_ACCESS_KEY_ID", "key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        s3_client.cache_clear()
        client = aws.client("s3")
        client.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        yield client
        s3_client.cache_clear()


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    """A place with FILES and HIDDEN."""
    names = dict.fromkeys(HIDDEN, b"hidden") | FILES
    if request.param == "folder":
        for name, content in names.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
        return open_folder(str(tmp_path))
    s3 = request.getfixturevalue("client")
    prefix = f"images of {tmp_path.name}"
    for name, content in names.items():
        s3.put_object(Bucket=BUCKET, Key=f"{prefix}/{name}", Body=content)
    s3.put_object(Bucket=BUCKET, Key=f"{prefix}/a/", Body=b"")  # as a console makes a folder
    s3.put_object(Bucket=BUCKET, Key=f"{prefix} too/other.jpg", Body=b"other")
    return open_folder(f"s3://{BUCKET}/{prefix}/", REGION)


def test_all_files_are_listed_and_read(place: Folder) -> None:
    found = place.files()
    assert {file.path: file.length for file in found} == {k: len(v) for k, v in FILES.items()}
    contents = list(place.read(iter(found)))
    assert {f.path: content for f, content in zip(found, contents, strict=True)} == FILES


def test_what_is_not_as_listed_is_not_read(place: Folder) -> None:
    found = place.files()
    wrong = [
        found[0]._replace(length=found[0].length + 1),
        found[0]._replace(length=max(found[0].length - 1, 0)) if found[0].length else found[1],
        found[0]._replace(modified=found[0].modified + 1_000_000),
        File("gone.jpg", 3, 0),
    ]
    contents = list(place.read([*wrong, found[0]]))
    assert contents[0] is contents[2] is contents[3] is None
    assert contents[4] == FILES[found[0].path]


def test_many_files_come_in_their_order(client: Any) -> None:
    """More than S3 lists in one answer, and than are read ahead."""
    names = [f"{n:04}.jpg" for n in range(1100)]
    for name in names:
        client.put_object(Bucket=BUCKET, Key=f"many/x/{name}", Body=name.encode())
    place = open_folder(f"s3a://{BUCKET}/many", REGION)
    found = sorted(place.files())
    assert [file.path for file in found] == [f"x/{name}" for name in names]
    assert list(place.read(found)) == [name.encode() for name in names]


def test_a_thousand_folders_are_not_a_thousand_requests(client: Any) -> None:
    names = {f"d{n:04}/{n}.jpg" for n in range(1100)}
    hidden = {"_d/1.jpg", "d0001/.1.jpg", "d0002/_x/1.jpg", "d0003/"}
    for name in names | hidden:
        client.put_object(Bucket=BUCKET, Key=f"flat/{name}", Body=b"x")
    asked: list[str] = []
    ours = s3_client(REGION, None)
    ours.meta.events.register("before-call.s3.ListObjectsV2", lambda **_: asked.append("once"))
    assert {file.path for file in open_folder(f"s3://{BUCKET}/flat", REGION).files()} == names
    assert len(asked) == 3


def test_what_is_large_is_not_read_ahead(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.files._AHEAD_BYTES", 10)
    sizes = [4, 4, 4, 30, 1, 1]
    for n, size in enumerate(sizes):
        client.put_object(Bucket=BUCKET, Key=f"large/{n}", Body=bytes(size))
    place = open_folder(f"s3://{BUCKET}/large", REGION)
    found = sorted(place.files())
    taken: list[int] = []

    def files() -> Iterator[File]:
        for file in found:
            taken.append(file.length)
            yield file

    ahead = []
    for content in place.read(files()):
        ahead.append(sum(taken) - len(content or b""))
        taken.remove(len(content or b""))
    assert ahead == [8, 34, 30, 1, 1, 0]  # the last one that was taken may wait for its turn


def test_a_file_is_written_whole(place: Folder) -> None:
    place.write("results/part 1", memoryview(b"content"))
    [file] = [file for file in place.files() if file.path == "results/part 1"]
    assert list(place.read([file])) == [b"content"]


def test_what_cannot_be_written_is_said(client: Any, tmp_path: Path) -> None:
    assert client
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ServingError, match=r"Not a directory|File exists"):
        open_folder(f"{tmp_path}/file").write("x", memoryview(b""))
    with pytest.raises(ServingError, match="NoSuchBucket"):
        open_folder("s3://no-such-bucket/x", REGION).write("x", memoryview(b""))
    assert os.listdir(tmp_path) == ["file"]


def test_places_that_cannot_be_listed(client: Any, tmp_path: Path) -> None:
    assert client
    with pytest.raises(InvalidInputError, match="No such folder"):
        open_folder(f"{tmp_path}/none").files()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="Not a directory"):
        open_folder(f"{tmp_path}/file").files()
    with pytest.raises(ConfigurationError, match=r"cannot be listed: .*NoSuchBucket"):
        open_folder("s3://no-such-bucket/x", REGION).files()
    with pytest.raises(ConfigurationError, match="expected a folder or s3://"):
        open_folder("hdfs://host/x")


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/1.jpg").write_bytes(b"one")
    (tmp_path / "again").symlink_to("a")
    place = open_folder(str(tmp_path))
    assert {file.path for file in place.files()} == {"a/b/1.jpg", "again/b/1.jpg"}
    (tmp_path / "a/b/up").symlink_to("..")
    with pytest.raises(ConfigurationError, match="b/up is a link in a folder that is a link"):
        place.files()


def test_what_is_no_file_is_listed_and_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "nowhere.jpg").symlink_to("gone")
    (tmp_path / "itself.jpg").symlink_to("itself.jpg")
    place = open_folder(str(tmp_path))
    assert {(file.path, file.length) for file in place.files()} == {
        ("pipe.jpg", UNREADABLE),
        ("nowhere.jpg", UNREADABLE),
        ("itself.jpg", UNREADABLE),
    }


def test_a_name_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    Path(os.fsdecode(bytes(tmp_path) + b"/b\xe4d.jpg")).write_bytes(b"")
    with pytest.raises(ConfigurationError, match=r"b\\udce4d.jpg' is not a name in UTF-8"):
        open_folder(str(tmp_path)).files()
