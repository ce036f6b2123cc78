"""Documents in bulk get what the service answers to each, to the bit, or its problem."""

import gzip
import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from scipy.io import loadmat

from local.aws import BUCKET, Aws
from scoring.job import Scores, run
from serving.errors import ServingError
from serving.settings import Settings
from tests.jobs.running import start
from tests.support.documents import every_form, matrices, npy, xml

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Score = Callable[..., Scores]
LATE = xml(matrices(60)).replace(b"</matrices>", b"<matrix>1</matrix></matrices>")


@pytest.fixture(scope="module")
def score(spark: "SparkSession", bundle: Path) -> Score:
    """A run over a folder, with the demo model unless stated otherwise."""

    def score(documents: Path, out: Path, bundle: Path = bundle) -> Scores:
        folders = {"documents": str(documents), "out": str(out), "bundle": str(bundle)}
        settings, report = Settings.from_env({"MODEL_DIR": str(bundle)}), io.StringIO()
        scores = run(spark, **folders, settings=settings, report=report)
        said = report.getvalue().splitlines()[-1]
        assert f"{scores.documents} documents: {scores.predicted} predicted" in said
        assert f"models built: {scores.builds}, Python workers: {scores.workers}" in said
        return scores

    return score


def put(folder: Path, **documents: bytes) -> Path:
    """A folder with these documents."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in documents.items():
        (folder / name).write_bytes(content)
    return folder


def predictions(out: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of each document, by position."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in pq.read_table(out / "predictions.parquet").to_pylist():
        found.setdefault(row.pop("path"), []).append(row)
    return {path: sorted(rows, key=lambda row: row["position"]) for path, rows in found.items()}


def problems(out: Path) -> dict[str, dict[str, Any]]:
    """The problem of each document that has one."""
    lines = (out / "problems.jsonl").read_text().splitlines()
    assert len({json.loads(line)["path"] for line in lines}) == len(lines)
    return {content.pop("path"): content for content in map(json.loads, lines)}


def manifest(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / "manifest.json").read_text())
    return content


def bits(rows: list[dict[str, Any]]) -> list[tuple[str, bytes]]:
    """Ids and outputs, from the Parquet or from the service's JSON."""
    return [(row["id"], np.array(row["output"], np.float64).tobytes()) for row in rows]


def in_every_form() -> dict[str, tuple[bytes, dict[str, str]]]:
    rng = np.random.default_rng(7)
    binary = {"content-type": "application/octet-stream"}
    arrays = {
        "one.npy": rng.standard_normal((1, 5000, 1)),
        "flat.npy": rng.standard_normal((33, 5000)).astype("f4"),
        "whole numbers.npy": rng.integers(-9, 9, (17, 5000)),
        "fortran.npy": np.asfortranarray(rng.standard_normal((18, 5000))),
    }
    forms = {name: (npy(array), binary) for name, array in arrays.items()}
    forms["packed.npy.gz"] = (gzip.compress(npy(arrays["flat.npy"])), binary)
    for count in (1, 16, 34):
        forms |= {f"{count} {k}": form for k, form in every_form(matrices(count)).items()}
    return forms


def test_predictions_are_those_of_the_service_to_the_bit(
    score: Score, tmp_path: Path, client: TestClient
) -> None:
    forms = in_every_form()
    names = {f"deep/é {i}/{name} #%20+?[x]": name for i, name in enumerate(forms)}
    for path, name in names.items():
        put((tmp_path / "in" / path).parent, **{Path(path).name: forms[name][0]})
    scores = score(tmp_path / "in", tmp_path / "out")
    found = predictions(tmp_path / "out")
    assert set(found) == set(names)
    for path, name in names.items():
        body, headers = forms[name]
        answer = client.post("/predictions", content=body, headers=headers)
        assert answer.status_code == 200
        assert bits(found[path]) == bits(answer.json()["predictions"]), name
        assert [row["position"] for row in found[path]] == list(range(len(found[path])))
        assert all(row["shape"] == [2] for row in found[path])
    assert (scores.documents, scores.predicted, dict(scores.refused)) == (len(forms),) * 2 + ({},)
    assert scores.matrices == sum(map(len, found.values()))
    assert problems(tmp_path / "out") == {}


def test_ecg_records_are_predicted_as_by_the_service(
    score: Score, tmp_path: Path, client: TestClient, ecg: Path
) -> None:
    signals = np.stack([loadmat(path)["ecg"] for path in sorted(ecg.glob("*.mat"))])
    content = npy(signals.reshape(-1, 5000))
    score(put(tmp_path / "in", ecg=content), tmp_path / "out")
    binary = {"content-type": "application/x-npy"}
    answer = client.post("/predictions", content=content, headers=binary).json()
    assert bits(predictions(tmp_path / "out")["ecg"]) == bits(answer["predictions"])


def test_bad_documents_among_good_ones_are_counted_and_leave_no_row(
    score: Score, tmp_path: Path
) -> None:
    good = {f"good {i}": xml(matrices(i + 1)) for i in range(5)}
    bad = {"empty": b"", "text": b"hello", "late": LATE, "gzip": gzip.compress(LATE)[:-9]}
    hidden = {"_SUCCESS": b"", ".hidden": b"hello"}
    scores = score(put(tmp_path / "in", **good, **bad, **hidden), tmp_path / "out")
    assert {k: len(rows) for k, rows in predictions(tmp_path / "out").items()} == {
        f"good {i}": i + 1 for i in range(5)
    }
    assert set(problems(tmp_path / "out")) == set(bad)
    assert problems(tmp_path / "out")["late"]["matrix"] == "60"
    assert (scores.documents, scores.predicted, scores.matrices) == (9, 5, 15)
    assert dict(scores.refused) == {400: 3, 422: 1}
    assert scores.failed == 0
    stated = manifest(tmp_path / "out")
    assert stated["refused"] == {"400": 3, "422": 1}
    assert (stated["documents"], stated["matrices"]) == (9, 15)
    assert stated["model"]["name"] == "demo"


def test_only_refused_documents_leave_an_empty_table(score: Score, tmp_path: Path) -> None:
    score(put(tmp_path / "in", a=b"<a", b=b""), tmp_path / "out")
    table = pq.read_table(tmp_path / "out/predictions.parquet")
    assert (table.num_rows, table.column_names) == (
        0,
        ["path", "position", "id", "output", "shape"],
    )
    assert set(problems(tmp_path / "out")) == {"a", "b"}


def another(bundle: Path, folder: Path, **golden: Any) -> Path:
    """The demo model under a hash that no worker has seen, with another golden pair if stated."""
    folder.mkdir()
    # Field 3 of an ONNX file, a text, is the version of its producer; the last one counts.
    content = (bundle / "model.onnx").read_bytes() + b"\x1a\x20" + uuid4().hex.encode()
    (folder / "model.onnx").write_bytes(content)
    (folder / "model.h5").write_bytes((bundle / "model.h5").read_bytes())
    passport = json.loads((bundle / "passport.json").read_text())
    passport["compiled"] |= {
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
    }
    passport["golden"] |= golden
    (folder / "passport.json").write_text(json.dumps(passport))
    return folder


def test_each_worker_builds_the_model_once(score: Score, tmp_path: Path, bundle: Path) -> None:
    documents = put(tmp_path / "in", **{str(i): xml(matrices(2)) for i in range(300)})
    fresh = another(bundle, tmp_path / "bundle")
    first = score(documents, tmp_path / "out", fresh)
    assert 1 <= first.builds == first.workers <= 2
    again = score(documents, tmp_path / "out", fresh)
    assert again.builds <= again.workers
    assert again.matrices == first.matrices == 600


def test_a_run_replaces_what_was_there_as_a_whole(score: Score, tmp_path: Path) -> None:
    documents = put(tmp_path / "in", a=xml(matrices(2)), b=b"hello")
    score(documents, tmp_path / "out")
    (documents / "a").unlink()
    put(documents, c=xml(matrices(1)))
    score(documents, tmp_path / "out")
    assert set(predictions(tmp_path / "out")) == {"c"}
    assert set(problems(tmp_path / "out")) == {"b"}
    assert manifest(tmp_path / "out")["documents"] == 2
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}


@pytest.mark.parametrize("has_earlier", [True, False])
def test_a_run_that_fails_leaves_what_was_there(
    score: Score, tmp_path: Path, bundle: Path, has_earlier: bool
) -> None:
    documents = put(tmp_path / "in", a=xml(matrices(2)))
    if has_earlier:
        score(documents, tmp_path / "out")
    before = {p: p.read_bytes() for p in tmp_path.glob("out/**/*") if p.is_file()}
    wrong = another(bundle, tmp_path / "bundle", output=[0.5, 0.5])
    with pytest.raises(ServingError, match="away from the golden output"):
        score(documents, tmp_path / "out", wrong)
    assert {p: p.read_bytes() for p in tmp_path.glob("out/**/*") if p.is_file()} == before
    assert (tmp_path / "out").exists() == has_earlier
    assert not list(tmp_path.glob(".*"))


def test_documents_in_s3_are_scored_as_those_of_a_folder(
    score: Score, root: Path, bundle: Path, aws: Aws, name: str, tmp_path: Path
) -> None:
    """The whole job, whose driver lists S3 over HTTP and whose workers read it."""
    documents = {f"{i}": xml(matrices(i + 1)) for i in range(5)} | {"empty": b"", "text": b"hello"}
    here = put(tmp_path / "in", **documents)
    for key, content in documents.items():
        aws.client("s3").put_object(Bucket=BUCKET, Key=f"{name}/deep é+%20/{key}", Body=content)
    options = ["--documents", f"s3://{BUCKET}/{name}", "--out", tmp_path / "out"]
    env = aws.env | {"AWS_ENDPOINT_URL_S3": aws.endpoint}
    done = start(root, "score", *options, "--bundle", bundle, **env)
    assert done.returncode == 0, done.stderr
    score(here, tmp_path / "same")
    place = "deep é+%20/"
    same = predictions(tmp_path / "same")
    assert predictions(tmp_path / "out") == {f"{place}{path}": rows for path, rows in same.items()}
    assert {path: said["status"] for path, said in problems(tmp_path / "out").items()} == {
        f"{place}empty": 400,
        f"{place}text": 400,
    }
