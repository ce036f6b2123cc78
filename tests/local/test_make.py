"""The Makefile as people use it: their own paths, their own mistakes."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

TEST_ENVIRONMENT = "RUN=build/env/test"  # which has all that the others have


def make(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", "-s", *arguments], cwd=root, capture_output=True, text=True)


@pytest.fixture(autouse=True)
def _environment(root: Path) -> None:
    if not (root / "build/env/test/.ready").exists():
        pytest.skip("these need the environment that make test makes")


def test_run_takes_paths_with_blanks_and_parentheses(
    root: Path, bundle: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(bundle, tmp_path / "a dir (1)" / "my bundle")
    done = make(root, "run", TEST_ENVIRONMENT, f"MODEL={copy}")
    assert done.returncode == 0, done.stderr
    assert [p["id"] for p in json.loads(done.stdout)["predictions"]] == ["golden"]


def test_run_sends_the_demo_its_signals(root: Path) -> None:
    done = make(root, "run", TEST_ENVIRONMENT)
    assert [p["id"] for p in json.loads(done.stdout)["predictions"]] == ["regular", "irregular"]


def test_run_notices_a_changed_bundle(root: Path, bundle: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(bundle, tmp_path / "bundle")
    with (copy / "model.onnx").open("ab") as file:
        file.write(b"x")
    done = make(root, "run", TEST_ENVIRONMENT, f"MODEL={copy}")
    assert done.returncode != 0
    assert "expected SHA-256" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["model"], "MODEL=path.h5 is missing"),
        (["model", "MODEL=x.h5", "TRUST_CODE=yes"], "TRUST_CODE is yes"),
        (["send"], "FILE=doc.xml, or FETCH=id, is missing"),
        (["send", "FIEL=night.xml"], "FILE=doc.xml, or FETCH=id, is missing"),
        (["convert"], "FILE=in.npz and OUT=out.xml are needed"),
        (["convert", "OUT=x.xml"], "FILE=in.npz and OUT=out.xml are needed"),
        (["score", "DOCUMENTS=letters"], "DOCUMENTS=folder and OUT=folder are needed"),
        (["deploy", "STAGE=live"], "STAGE is live: samconfig.toml has none of that name"),
        (["run", TEST_ENVIRONMENT, "MODEL=nowhere"], "no model bundle in nowhere"),
        (["run", TEST_ENVIRONMENT, "FILE=no where.xml"], "no where.xml: No such file"),
    ],
)
def test_make_says_what_is_wrong(root: Path, arguments: list[str], reason: str) -> None:
    # The environments that these targets install are not what is tested.
    ready = [f"build/env/{name}/.ready" for name in ("model", "run", "sam")]
    skipped = [flag for path in ready for flag in ("-o", path)]
    done = make(root, *skipped, *arguments)
    assert done.returncode != 0
    assert reason in done.stderr
