"""A bundle is whole, or it is not served."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from serving.bundle import verify
from serving.errors import ModelRefusedError
from serving.model import open_model


@pytest.fixture
def copy(bundle: Path, tmp_path: Path) -> Path:
    return shutil.copytree(bundle, tmp_path / "bundle")


def edit(bundle: Path, **changes: Any) -> None:
    path = bundle / "passport.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(content)


def test_verify_takes_the_demo(bundle: Path) -> None:
    assert verify(bundle).name == "demo"


@pytest.mark.parametrize("name", ["model.h5", "model.onnx"])
def test_verify_refuses_a_changed_file(copy: Path, name: str) -> None:
    flip(copy / name, 5000)
    with pytest.raises(ModelRefusedError, match=f"{name}: expected SHA-256"):
        verify(copy)


@pytest.mark.parametrize("name", ["model.h5", "model.onnx", "passport.json"])
def test_verify_refuses_a_missing_file(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(ModelRefusedError, match=f"{name}: No such file"):
        verify(copy)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"engine": "magic"}, "engine: Input should be 'onnx' or 'tensorflow'"),
        ({"format": 2}, "format: Input should be 1"),
        ({"surprise": 1}, "surprise: Extra inputs"),
        ({"compiled": None}, "names the engine onnx, but no model.onnx"),
    ],
)
def test_verify_refuses_a_strange_passport(
    copy: Path, changes: dict[str, Any], reason: str
) -> None:
    edit(copy, **changes)
    with pytest.raises(ModelRefusedError, match=reason):
        verify(copy)


def test_open_model_refuses_another_answer_than_the_golden_one(copy: Path) -> None:
    golden = json.loads((copy / "passport.json").read_text())["golden"]
    edit(copy, golden=golden | {"output": [0.5, 0.4]})
    with pytest.raises(ModelRefusedError, match=r"away from the golden output; tolerated: 0\.0001"):
        open_model(copy)


def test_open_model_refuses_a_damaged_network(copy: Path) -> None:
    path = copy / "model.onnx"
    path.write_bytes(b"nothing that ONNX Runtime reads".ljust(path.stat().st_size))
    with pytest.raises(ModelRefusedError, match="ONNX Runtime cannot load it"):
        open_model(copy)


def test_open_model_refuses_a_golden_input_of_another_shape(copy: Path) -> None:
    edit(copy, golden={"input": [[1.0]], "output": [1.0, 0.0], "sizes": [1, 1], "tolerance": 1})
    with pytest.raises(ModelRefusedError, match=r"golden input is not of shape \(5000, 1\)"):
        open_model(copy)


def test_verify_refuses_files_that_lambda_could_not_read(copy: Path) -> None:
    (copy / "model.onnx").chmod(0o600)
    with pytest.raises(ModelRefusedError, match="not readable by all: chmod"):
        verify(copy)
