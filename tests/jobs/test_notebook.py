"""The notebook, executed from its first cell to its last by a kernel of its own."""

import base64
import copy
import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from PIL import Image

from drawing import draw_orchard

CLASSES, IMAGES = 6, 60
BROKEN = "Training/Apple 1/broken.jpg"
LONGEST_LINES = 30
BOUND_S = 900


@pytest.fixture(scope="module")
def notebook(root: Path) -> NotebookNode:
    path = root / "jobs/fruits.ipynb"
    node: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(node)
    return node


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The kernel of this environment and no other; nothing of it in the user's folders."""
    folder = tmp_path_factory.mktemp("jupyter")
    names = ("JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("JUPYTER_PATH", raising=False)
        for name in names:
            patch.setenv(name, str(folder / name.lower()))
        yield


def codes(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def execute(notebook: NotebookNode, root: Path, **parameters: object) -> NotebookNode:
    """All cells, where a person would open it, in a process that is not told where modules are."""
    client = NotebookClient(
        copy.deepcopy(notebook),
        timeout=BOUND_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(root / "jobs")}},
    )
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    executed: NotebookNode = client.execute(env=env | {k: str(v) for k, v in parameters.items()})
    return executed


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With what an earlier run of the job has left."""
    folder = tmp_path_factory.mktemp("out")
    (folder / "manifest.json").write_text("{}")
    return folder


@pytest.fixture(scope="module")
def executed(
    java: None,  # noqa: ARG001
    kernels: None,  # noqa: ARG001
    notebook: NotebookNode,
    root: Path,
    out: Path,
    feature_bundle: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> NotebookNode:
    """On 60 drawn images, and one file that is none."""
    images = tmp_path_factory.mktemp("images")
    draw_orchard(images, classes=CLASSES, images=IMAGES, seed=5)
    (images / BROKEN).write_bytes(b"\xff\xd8\xff, and then no JPEG")
    try:
        return execute(notebook, root, IMAGES=images, OUT=out, WEIGHTS=feature_bundle)
    except CellExecutionError as error:
        pytest.fail(str(error), pytrace=False)


def texts(executed: NotebookNode) -> str:
    """All that the cells print and show as text."""
    outputs = [output for cell in codes(executed) for output in cell.outputs]
    return "\n".join(o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs)


def pictures(executed: NotebookNode) -> list[bytes]:
    outputs = [output for cell in codes(executed) for output in cell.outputs]
    found = [output.get("data", {}).get("image/png") for output in outputs]
    return [base64.b64decode(png) for png in found if png]


def test_it_is_kept_without_outputs(notebook: NotebookNode) -> None:
    for cell in codes(notebook):
        assert cell.outputs == []
        assert cell.execution_count is None
        assert len(cell.source.splitlines()) <= LONGEST_LINES, cell.source


def test_every_cell_runs(executed: NotebookNode) -> None:
    counts = [cell.execution_count for cell in codes(executed)]
    assert counts == list(range(1, len(counts) + 1))


def test_it_shows_photographs_and_plots(executed: NotebookNode, out: Path) -> None:
    sheet, scree, scatter = pictures(executed)
    with Image.open(io.BytesIO(sheet)) as image:
        assert image.size == (CLASSES * 100, 100)
    assert scree == (out / "scree.png").read_bytes()
    assert scatter == (out / "scatter.png").read_bytes()


def test_it_computes_each_image_once(executed: NotebookNode) -> None:
    text = texts(executed)
    counts = {name: int(n) for name, n in re.findall(r"^([a-z ]+?) {2,}(\d+)$", text, re.M)}
    assert counts["listed"] == IMAGES + 1
    assert counts["computed now"] == IMAGES
    assert (counts["reused"], counts["refused"]) == (0, 1)
    assert counts["built"] == counts["workers"] >= 1
    assert f"a second time: 0 computed, {IMAGES + 1} reused" in text


def test_it_writes_what_the_job_writes(executed: NotebookNode, out: Path) -> None:
    assert f"{IMAGES} rows" in texts(executed)
    table = pd.read_csv(out / "components.csv")
    explained = pd.read_csv(out / "explained-variance.csv")
    k = int((explained["chosen"] == "yes").sum())
    assert list(table.columns) == ["path", "label", *(f"pc{i + 1}" for i in range(k))]
    assert len(table) == IMAGES
    assert table["label"].nunique() == CLASSES
    variances = table.iloc[:, 2:].var().to_numpy()
    ratios = explained["ratio"].to_numpy()[:k]
    np.testing.assert_allclose(variances / variances[0], ratios / ratios[0], atol=1e-9)
    assert ratios.sum() >= 0.9 or k == len(explained)
    failures = pd.read_csv(out / "failures.csv")
    assert failures["path"].tolist() == [BROKEN]
    assert json.loads(next((out / "model/metadata").glob("part-*")).read_text())["class"]


def test_it_does_not_say_that_a_run_is_whole(executed: NotebookNode, out: Path) -> None:  # noqa: ARG001
    assert not (out / "manifest.json").exists()


@pytest.mark.usefixtures("kernels")
def test_a_cell_that_fails_says_why(notebook: NotebookNode, root: Path, tmp_path: Path) -> None:
    with pytest.raises(CellExecutionError, match="us-east-1, which is not in the European Union"):
        execute(notebook, root, IMAGES=tmp_path, OUT=tmp_path / "out", AWS_REGION="us-east-1")
    assert not (tmp_path / "out").exists()
