"""The parts of bulk scoring: which folders are taken, how documents are opened, rows are kept."""

import io
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import numpy as np
import pyarrow as pa
import pytest

from cluster.models import SharedModel, share_model
from local.aws import BUCKET, Aws
from predict.store import Store
from scoring import job
from scoring.documents import list_documents, share_documents
from scoring.job import run
from scoring.outputs import Output
from scoring.scorer import Scorer, create_scorer
from scoring.sources import open_source
from scoring.staging import Staging
from serving.errors import ConfigurationError, NotFoundError, ServingError, UnavailableError
from serving.model import Prediction
from serving.settings import Settings
from tests.support.batch import put
from tests.support.documents import matrices, xml

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NAMES = [
    "a.xml",
    "deep/er/b.npz",
    "nächt lich/a b+c%20&#.xml",
    "g[1]{a}*?/q?.xml",
    'new\nline"\\.xml',
]


def write(folder: Path, *names: str, content: bytes = b"x") -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def listed(folder: Path) -> dict[str, int]:
    rows = list_documents(str(folder), None, None).to_pylist()
    for row in rows:  # opened by the name that the listing has
        with open_source(row["url"], None, None) as source:
            assert len(source.read()) == row["length"]
    return {row["path"]: row["length"] for row in rows}


def test_every_file_is_listed_by_its_path_empty_ones_too(tmp_path: Path) -> None:
    folder = write(tmp_path / "in [*]", *NAMES)
    assert listed(folder) == dict.fromkeys(NAMES, 1)
    write(folder, "empty #1.xml", "deep/empty", content=b"")
    write(folder, "_SUCCESS", ".hidden", "_logs/x", ".git/x", "_a=b")
    assert listed(folder) == dict.fromkeys(NAMES, 1) | {"empty #1.xml": 0, "deep/empty": 0}


def test_one_file_is_a_folder_of_itself(tmp_path: Path) -> None:
    assert listed(write(tmp_path, "a b.xml", "c.xml") / "a b.xml") == {"a b.xml": 1}


def test_tasks_have_about_the_same_work(spark: "SparkSession", tmp_path: Path) -> None:
    for i in range(40):
        write(tmp_path, f"{i:02}", content=bytes(3_000_000 if i % 4 == 0 else 1))
    shares = share_documents(spark, list_documents(str(tmp_path), None, None))
    assert shares.tasks == 6  # three for each core
    parts = [shares.of(number) for number in range(shares.tasks)]
    assert {len(part) for part in parts} == {6, 7}
    assert {sum(length > 1 for length in part["length"].to_pylist()) for part in parts} == {1, 2}
    assert sorted(path for part in parts for path in part["path"].to_pylist()) == [
        f"{i:02}" for i in range(40)
    ]


def _undecodable(folder: Path) -> None:
    folder.mkdir()
    with open(os.fsencode(folder) + b"/\xff.xml", "wb"):
        pass


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda _: None, "there is no such folder", id="missing"),
        pytest.param(lambda folder: folder.mkdir(), "no document in", id="empty"),
        pytest.param(lambda folder: write(folder, ".a", "_b/c"), "no document in", id="hidden"),
        pytest.param(_undecodable, "is not a name in UTF-8", id="not UTF-8"),
    ],
)
def test_a_folder_without_documents_is_refused(
    spark: "SparkSession", tmp_path: Path, settings: Settings, make: Any, reason: str
) -> None:
    make(tmp_path / "in")
    folders = {"documents": str(tmp_path / "in"), "out": str(tmp_path / "out")}
    bundle = str(settings.model_dir)
    with pytest.raises(ConfigurationError, match=reason):
        run(spark, **folders, bundle=bundle, settings=settings, report=io.StringIO())
    assert {path.name for path in tmp_path.iterdir()} <= {"in"}


@pytest.mark.parametrize(
    ("documents", "out", "reason"),
    [
        pytest.param("in", "in/out", "are in each other", id="in the documents"),
        pytest.param("out/in", "out", "are in each other", id="around the documents"),
        pytest.param("in", "in", "are in each other", id="the same"),
        pytest.param("in", "theirs", "'notes.txt', which is no output", id="something else"),
        pytest.param("in", "theirs/notes.txt", "is a file", id="a file"),
        pytest.param("s3://a/in", "s3://bucket", "a folder of its own", id="a bucket"),
        pytest.param("in", "/", "a folder of its own", id="everything"),
    ],
)
def test_an_output_that_could_cost_something_is_refused(
    spark: "SparkSession",
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    documents: str,
    out: str,
    reason: str,
) -> None:
    monkeypatch.chdir(write(tmp_path, "in/a.xml", "theirs/notes.txt", "theirs/manifest.json"))
    with pytest.raises(ConfigurationError, match=reason):
        Output(spark, out, documents)


def test_a_source_that_is_gone_or_cannot_be_read_is_said_to_be(tmp_path: Path) -> None:
    with (
        pytest.raises(NotFoundError, match="removed before it was read"),
        open_source(f"file:{tmp_path}/gone", None, None),
    ):
        pass
    with (
        pytest.raises(UnavailableError, match="cannot be read: Is a directory"),
        open_source(f"file:{tmp_path}", None, None),
    ):
        pass


@pytest.mark.usefixtures("store")
def test_a_source_in_s3_is_read_as_a_stream(aws: Aws, stored: Settings, name: str) -> None:
    content = xml(matrices(30))
    put(aws, name, content)
    url = f"s3://{BUCKET}/uploads/{name}"
    with open_source(url, stored.region, stored.endpoint) as source:
        assert b"".join(iter(lambda: source.read(100_000), b"")) == content
    with (
        pytest.raises(NotFoundError, match="removed before it was read"),
        open_source(f"{url}.gone", stored.region, stored.endpoint),
    ):
        pass
    with (
        pytest.raises(UnavailableError, match="S3 says NoSuchBucket"),
        open_source("s3://nobodys/a", stored.region, stored.endpoint),
    ):
        pass


@pytest.fixture(scope="module")
def scorer(spark: "SparkSession", bundle: Path, stored: Settings) -> Scorer:
    shared = share_model(spark, str(bundle))
    assert shared.passport is not None
    return create_scorer(shared, shared.passport, stored, spark.sparkContext.accumulator(0))


def rows(scorer: Scorer, *urls: str) -> list[dict[str, Any]]:
    """What a worker makes of a listing."""
    paths, lengths = [str(i) for i in range(len(urls))], [1] * len(urls)
    documents = pa.table({"url": list(urls), "path": paths, "length": lengths})
    return [row for batch in scorer.score(documents) for row in batch.to_pylist()]


def test_what_no_document_is_to_blame_for_is_told_apart(
    scorer: Scorer, tmp_path: Path, store: Store, aws: Aws, name: str
) -> None:
    assert store is not None  # its credentials
    put(aws, name, xml(matrices(3)))
    fine = f"s3://{BUCKET}/uploads/{name}"
    found = rows(scorer, f"file:{tmp_path}", fine, f"file:{tmp_path}/gone")
    assert [row["status"] for row in found] == [503, None, None, None, 404]
    assert [row["id"] for row in found[1:4]] == ["m0", "m1", "m2"]
    said = json.loads(found[0]["problem"])
    assert said == {
        "path": "0",
        "type": "urn:verger:problem:unavailable",
        "title": "Try again later",
        "status": 503,
        "detail": "the document cannot be read: Is a directory",
    }


def test_a_pipe_is_told_and_not_waited_for(scorer: Scorer, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("nowhere")
    documents = list_documents(str(tmp_path), None, None)
    found = [row for batch in scorer.score(documents) for row in batch.to_pylist()]
    assert [(row["path"], row["status"]) for row in found] == [("link", 503), ("pipe", 503)]
    assert "it is no file, or a link to none" in found[0]["problem"]


def test_a_worker_that_dies_ends_the_run_with_a_line(
    spark: "SparkSession", scorer: Scorer, tmp_path: Path
) -> None:
    class Dying:  # inside, since the worker has no module of the tests
        def open(self) -> NoReturn:
            import os

            os._exit(9)

    listed = list_documents(str(write(tmp_path / "in", "a")), None, None)
    dying = replace(scorer, shared=cast(SharedModel, Dying()))
    with pytest.raises(ServingError, match="Spark gave up: a Python worker died"):
        job._score(spark, listed, dying, str(tmp_path / "rows"))


def _predictions(count: int, shape: tuple[int, ...]) -> Iterator[Prediction]:
    for i in range(count):
        yield Prediction(f"é{i}", np.full(shape, i / 7))


@pytest.mark.parametrize(
    ("count", "shape"), [(0, (2,)), (1, ()), (10_000, (2,)), (40, (250, 200)), (3, (2, 0))]
)
def test_staging_gives_back_what_was_added(count: int, shape: tuple[int, ...]) -> None:
    with Staging() as staging:
        for prediction in _predictions(count, shape):
            staging.add(prediction)
        staging.finish()
        found = [row for batch in staging.batches() for row in batch.to_pylist()]
    assert [row["position"] for row in found] == list(range(count))
    for row, expected in zip(found, _predictions(count, shape), strict=True):
        assert (row["id"], tuple(row["shape"])) == (expected.id, shape)
        assert np.array(row["output"]).tobytes() == expected.output.tobytes()


def test_staging_holds_little_however_much_is_added() -> None:
    before = pa.total_allocated_bytes()
    with Staging() as staging:
        for prediction in _predictions(400, (50_000,)):  # 160 MB
            staging.add(prediction)
        staging.finish()
        assert pa.total_allocated_bytes() - before < 10_000_000
        most = max(batch.nbytes for batch in staging.batches())
    assert most < 10_000_000


def test_folders_of_other_kinds_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected a folder or s3://"):
        list_documents("http://localhost/a", None, None)
