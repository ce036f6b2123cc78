"""What is wrong with a document is said as the service says it: the same problem, word for word."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from cluster.models import SharedModel
from local.aws import Aws
from predict import problems
from predict.batch.job import Outcome, create_job
from predict.store import Store
from scoring.job import Scores, run
from scoring.problems import explain, to_line
from scoring.scorer import create_scorer
from serving import errors
from serving.model import Model, open_model
from serving.settings import Settings
from tests.support.batch import FOREVER, problem, put
from tests.support.documents import matrices, npz, xml
from tests.tables.refusals import DOCUMENTS, XML

if TYPE_CHECKING:
    from pyspark import Accumulator
    from pyspark.sql import SparkSession

# Not of documents, but of how they are sent.
OF_REQUESTS = {"no Content-Type", "another Content-Encoding"}
# An upload may be longer than a request, and so may what it unpacks to.
LARGER = {"a gzip bomb", "a body over the limit"}
TWICE = npz([*matrices(20), *matrices(20)])
ROWS = np.ones((20, 5000))
MORE: dict[str, Callable[[], bytes]] = {
    "a fault behind a batch": lambda: xml(matrices(20)).replace(b"</matrices>", b"<matrix/></a>"),
    "an npz with ids that occur twice": lambda: TWICE,
    "a value out of range, then a fault in another batch": lambda: _late(1e300, 3, 19),
    "a value out of range, and a fault in the same batch": lambda: _late(1e300, 3, 12),
}


def _late(value: float, first: int, second: int) -> bytes:
    """Matrices of ones; one with a value beyond float32, a later one that is cut short."""
    lines = ["<matrices>"]
    for i in range(20):
        head = f"{value} " if i == first else "1 "
        lines.append(f"<matrix>{head}{'1 ' * (4000 if i == second else 4999)}</matrix>")
    return "\n".join([*lines, "</matrices>"]).encode()


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("refusals")
    table = {r.what: r.make(folder) for r in DOCUMENTS if r.what not in OF_REQUESTS}
    return cast(dict[str, bytes], table) | {what: make() for what, make in MORE.items()}


@pytest.fixture(scope="module")
def scored(
    spark: "SparkSession",
    documents: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
    settings: Settings,
) -> tuple[Scores, Path]:
    """All of them in one run, with good ones between."""
    folder = tmp_path_factory.mktemp("scored")
    (folder / "in").mkdir()
    for i, content in enumerate(documents.values()):
        (folder / "in" / f"{i}.bad").write_bytes(content)
        (folder / "in" / f"{i}.good").write_bytes(xml(matrices(2)))
    scores = run(
        spark,
        documents=str(folder / "in"),
        out=str(folder / "out"),
        bundle=str(settings.model_dir),
        settings=settings,
        report=io.StringIO(),
    )
    return scores, folder / "out"


@pytest.fixture(scope="module")
def found(scored: tuple[Scores, Path], documents: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    """What is said of each document."""
    lines = (scored[1] / "problems.jsonl").read_text().splitlines()
    said = {content.pop("path"): content for content in map(json.loads, lines)}
    return {what: said[f"{i}.bad"] for i, what in enumerate(documents)}


def test_every_document_with_a_fault_has_one_problem_and_no_prediction(
    scored: tuple[Scores, Path], documents: dict[str, bytes]
) -> None:
    scores, out = scored
    lines = (out / "problems.jsonl").read_text().splitlines()
    assert len(lines) == len(documents) == sum(scores.refused.values())
    table = pq.read_table(out / "predictions.parquet", columns=["path"])
    assert set(table["path"].to_pylist()) == {f"{i}.good" for i in range(len(documents))}
    assert scores.matrices == table.num_rows == 2 * len(documents)
    assert scores.failed == 0


def test_problems_are_those_of_a_request(
    found: dict[str, dict[str, Any]], documents: dict[str, bytes], client: TestClient
) -> None:
    for what, content in documents.items():
        if what not in LARGER:
            answer = client.post("/predictions", content=content, headers=XML)
            assert found[what] == answer.json(), what


def test_problems_are_those_of_an_upload(
    found: dict[str, dict[str, Any]],
    documents: dict[str, bytes],
    aws: Aws,
    store: Store,
    stored: Settings,
    bundle: Path,
    name: str,
) -> None:
    job = create_job(open_model(bundle, threads=1), store, stored)
    for i, (what, content) in enumerate(documents.items()):
        put(aws, f"{name}{i}", content)
        assert job.run(f"{name}{i}", FOREVER) is Outcome.REFUSED
        assert found[what] == problem(store, f"{name}{i}"), what


def _kinds(kind: type[errors.ServingError]) -> Iterator[type[errors.ServingError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _kinds(each)


@pytest.mark.parametrize("kind", [*_kinds(errors.ServingError), LookupError, MemoryError])
def test_every_error_is_the_problem_that_the_service_makes_of_it(
    kind: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    raised = [kind("0.123 is wrong"), kind("long " * 1000)]
    if issubclass(kind, errors.InvalidInputError):
        raised += [kind("wrong", matrix="a", line=3), kind("wrong", line=1), kind("é", matrix="")]
    for error in raised:
        assert explain(error) == problems.explain(error)
        line = to_line("a", explain(error))
        assert json.loads(line) == {"path": "a"} | json.loads(problems.to_bytes(explain(error)))
    assert "0.123" not in caplog.text


@pytest.mark.parametrize(
    "env",
    [
        pytest.param({}, id="none"),
        pytest.param({"BATCH_SIZE": "7", "LIMIT_UPLOAD_BYTES": "1000"}, id="numbers"),
        pytest.param({"MATRIX_ELEMENT": "m", "LIMIT_MATRICES": "2", "LIMIT_TAGS": "3"}, id="names"),
    ],
)
def test_settings_mean_what_they_mean_to_the_service(
    model: Model, bundle: Path, store: Store, env: dict[str, str]
) -> None:
    settings = Settings.from_env({"MODEL_DIR": str(bundle)} | env)
    shared, done = cast(SharedModel, None), cast("Accumulator[int]", None)
    scorer = create_scorer(shared, model.passport, settings, done)
    job = create_job(model, store, settings)
    assert (scorer.document, scorer.batch_size) == (job.document, job.batch_size)


def test_a_document_over_the_limit_is_refused_unread(
    spark: "SparkSession", tmp_path: Path, bundle: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/long").write_bytes(b"not looked at" * 100)
    env = {"MODEL_DIR": str(bundle), "LIMIT_UPLOAD_BYTES": "1000"}
    folders = {"documents": str(tmp_path / "in"), "out": str(tmp_path / "out")}
    scores = run(
        spark,
        **folders,
        bundle=str(bundle),
        settings=Settings.from_env(env),
        report=io.StringIO(),
    )
    said = json.loads((tmp_path / "out/problems.jsonl").read_text())
    assert said["detail"] == "1,300 bytes; the limit of a document is 1,000"
    assert dict(scores.refused) == {413: 1}
    assert scores.workers == 0
