"""The whole job as its user starts it: what it writes, what it keeps, what it refuses to start."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.jobs.running import start

pytestmark = pytest.mark.usefixtures("java")


@pytest.fixture(scope="module")
def photographs(orchard: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The orchard, and three files that are no photographs."""
    folder = tmp_path_factory.mktemp("photographs") / "Fruits [1]"
    shutil.copytree(orchard, folder)
    shelf = folder / "Training" / "Odd, ones"
    shelf.mkdir()
    (shelf / "empty.jpg").write_bytes(b"")
    (shelf / "torn.jpg").write_bytes(next(orchard.rglob("*.jpg")).read_bytes()[:300])
    (shelf / "notes.txt").write_text("not a picture")
    return folder


@pytest.fixture(scope="module")
def first(
    root: Path,
    photographs: Path,
    feature_bundle: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, "subprocess.CompletedProcess[str]"]:
    out = tmp_path_factory.mktemp("results") / "out [2]"
    options = ["--images", photographs, "--out", out, "--weights", feature_bundle]
    return out, start(root, "fruits", *options, "--components", 7, "--strip-exif", "--cores", 2)


def manifest(out: Path) -> dict[str, dict[str, object]]:
    content: dict[str, dict[str, object]] = json.loads((out / "manifest.json").read_text())
    return content


def test_a_run_ends_with_numbers_plots_and_a_manifest(
    first: tuple[Path, "subprocess.CompletedProcess[str]"],
) -> None:
    out, done = first
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(out / "components.csv", float_precision="round_trip")
    assert list(table) == ["path", "label", *(f"pc{i}" for i in range(1, 8))]
    assert len(table) == 60
    assert (table.iloc[:, 2:].dtypes == np.float64).all()
    stored = pd.read_parquet(out / "components.parquet").sort_values("path", ignore_index=True)
    np.testing.assert_array_equal(np.stack(stored["components"]), table.iloc[:, 2:])
    for name in ("scree.png", "scatter.png"):
        with Image.open(out / name) as picture:
            assert min(picture.size) > 400
    said = manifest(out)
    assert said["inputs"]["listed"] == 63
    assert said["inputs"]["features"] == said["counters"]["inferences"] == 60
    assert said["counters"]["model_builds"] == said["counters"]["python_workers"]
    assert said["components"]["k"] == 7


def test_what_was_refused_is_listed_with_its_reason(
    first: tuple[Path, "subprocess.CompletedProcess[str]"],
) -> None:
    out, done = first
    failures = pd.read_csv(out / "failures.csv")
    assert [Path(path).name for path in failures["path"]] == ["empty.jpg", "notes.txt", "torn.jpg"]
    assert failures["reason"].notna().all()
    assert sum(manifest(out)["inputs"]["reasons"].values()) == 3  # type: ignore[attr-defined]
    assert "3 refused" in done.stdout


def test_the_photographs_without_metadata_are_beside_them(
    first: tuple[Path, "subprocess.CompletedProcess[str]"], photographs: Path
) -> None:
    kept = pd.read_parquet(first[0] / "images")
    assert len(kept) == 60
    for row in kept.itertuples():
        original = photographs / str(row.path)
        assert original.parent.name == row.label


def test_nothing_beside_the_results_names_this_machine(
    first: tuple[Path, "subprocess.CompletedProcess[str]"], root: Path
) -> None:
    for path in first[0].glob("*.*"):
        if path.is_file():
            assert str(root).encode() not in path.read_bytes(), path


def test_progress_can_be_followed(
    first: tuple[Path, "subprocess.CompletedProcess[str]"],
) -> None:
    lines = first[1].stderr.splitlines()
    ends = [line for line in lines if line.startswith("[") and line.endswith(" s")]
    assert [line.split(":")[0] for line in ends] == [
        "[1/6] session",
        "[2/6] images and cost",
        "[3/6] model",
        "[4/6] features",
        "[5/6] components",
        "[6/6] results",
    ]
    assert any("on EMR Serverless about €" in line for line in lines)


def test_the_next_run_computes_no_image_again(
    first: tuple[Path, "subprocess.CompletedProcess[str]"],
    root: Path,
    photographs: Path,
    feature_bundle: Path,
) -> None:
    out, _ = first
    before = pd.read_csv(out / "components.csv").iloc[:, 2:5]
    options = ["--images", photographs, "--out", out, "--weights", feature_bundle]
    done = start(root, "fruits", *options, "--components", 3, "--cores", 2)
    assert done.returncode == 0, done.stderr
    counters = manifest(out)["counters"]
    assert (counters["inferences"], counters["model_builds"]) == (0, 0)
    after = pd.read_csv(out / "components.csv").iloc[:, 2:]
    np.testing.assert_allclose(after, before, atol=1e-9)


@pytest.mark.parametrize(
    ("extra", "env", "reason"),
    [
        pytest.param(["--budget-eur", "0.01"], {}, "budget €0.01", id="over budget"),
        pytest.param([], {"AWS_REGION": "us-east-1"}, "not in the European Union", id="not EU"),
        pytest.param([], {"AWS_REGION": "eu-west-2"}, "not in the European Union", id="London"),
        pytest.param(
            [], {"PATH": "/nowhere", "JAVA_HOME": ""}, "needs Java 17 or 21", id="no Java"
        ),
        pytest.param(["--weights", "none.h5"], {}, "none.h5: No such file", id="no weights"),
        pytest.param(["--images", "nowhere"], {}, "nowhere: No such folder", id="no images"),
    ],
)
def test_what_may_not_or_cannot_be_done_is_not_begun(
    root: Path, orchard: Path, tmp_path: Path, extra: list[str], env: dict[str, str], reason: str
) -> None:
    out = tmp_path / "out"
    done = start(root, "fruits", "--images", orchard, "--out", out, *extra, **env)
    assert done.returncode == 1, done.stderr
    assert reason in done.stderr.splitlines()[-1]
    assert done.stderr.splitlines()[-1].startswith("refused: ")
    assert not out.exists()


@pytest.mark.parametrize("inside", ["images", "results"])
def test_results_and_photographs_are_apart(
    root: Path, orchard: Path, tmp_path: Path, inside: str
) -> None:
    """With --strip-exif the results have a folder of images, which would replace them."""
    shutil.copytree(orchard, photographs := tmp_path / "photographs")
    out = photographs / "out" if inside == "images" else tmp_path
    done = start(root, "fruits", "--images", photographs, "--out", out, "--strip-exif")
    assert done.returncode == 1
    assert "are in each other: name another place for one" in done.stderr
    assert len(list(photographs.rglob("*.jpg"))) == 60


def test_a_damaged_slice_is_named(
    root: Path, orchard: Path, feature_bundle: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = ["--images", orchard, "--out", out, "--weights", feature_bundle, "--components", 2]
    assert start(root, "fruits", *options).returncode == 0
    part = next(out.glob("features/*/slice-*/*.parquet"))
    part.write_bytes(part.read_bytes()[:-100])
    done = start(root, "fruits", *options)
    assert done.returncode == 1
    assert f"{part.parent.name}: a slice cannot be read" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    shutil.rmtree(part.parent)
    assert start(root, "fruits", *options).returncode == 0
    assert manifest(out)["counters"]["inferences"] == 60


def test_ctrl_c_ends_the_run(
    root: Path, orchard: Path, feature_bundle: Path, tmp_path: Path
) -> None:
    out, log = tmp_path / "out", tmp_path / "log"
    command = [sys.executable, str(root / "jobs/main.py"), "fruits", "--images", str(orchard)]
    command += ["--out", str(out), "--weights", str(feature_bundle), "--slice-images", "10"]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with log.open("wb") as file:
        run = subprocess.Popen(command, stdout=file, stderr=file, env=env, start_new_session=True)
    limit = time.monotonic() + 300
    while not any(out.glob("features/*/slice-*/_SUCCESS")):
        assert run.poll() is None, log.read_text()
        assert time.monotonic() < limit, log.read_text()
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGINT)
    assert run.wait(60) == 130, log.read_text()
    assert "Traceback" not in log.read_text()


def test_storage_that_spark_does_not_know_is_one_line(root: Path, tmp_path: Path) -> None:
    done = start(root, "fruits", "--images", "ftp://somewhere/x", "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "ftp: is not known to be in the European Union" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "options",
    [["--components", "0"], ["--variance", "1.5"], ["--model", "vgg16"], ["--budget-eur", "-1"]],
    ids=" ".join,
)
def test_options_that_mean_nothing_are_refused(root: Path, options: list[str]) -> None:
    done = start(root, "fruits", "--images", "x", "--out", "y", *options)
    assert done.returncode == 2
    assert f"argument {options[0]}" in done.stderr
