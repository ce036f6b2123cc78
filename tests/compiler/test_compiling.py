"""The choices of a build: weights that stay in the HDF5 file, matrices taken at once."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from compiler import compiling
from compiler.__main__ import main
from compiler.bundling import Order, build
from compiler.compiling import best_batch_size
from serving.bundle import verify
from serving.engines.onnx import OnnxEngine
from serving.errors import ModelRefusedError
from serving.model import difference
from serving.settings import BATCH_SIZE
from tests.support.models import compiled, data, saved
from tests.tables.models import predict


def wide() -> Any:
    """One weight of 1.6 MB among small ones."""
    return keras.Sequential(
        [
            keras.Input((40, 1)),
            keras.layers.Conv1D(8, 5, padding="same", activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(1280, activation="tanh"),
            keras.layers.Dense(2),
        ]
    )


def test_large_weights_stay_in_the_hdf5_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "_MAPPED_FROM_BYTES", 1_000_000)
    model = wide()
    source = saved(model, tmp_path)
    result = compiled(source)
    stated = result.passport.compiled
    assert stated is not None
    assert stated.mapped
    assert stated.size_bytes < 100_000 < 1_600_000 < source.stat().st_size
    inputs = data(40, 40, 1)
    assert difference(predict(result, inputs), model.predict(inputs, verbose=0)) <= 1e-5
    verify(tmp_path / "bundle")


def test_mapped_weights_that_are_gone_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "_MAPPED_FROM_BYTES", 1_000_000)
    compiled(saved(wide(), tmp_path))
    (tmp_path / "bundle/model.h5").write_bytes(b"cut short")
    with pytest.raises(ModelRefusedError, match=r"model\.onnx: ONNX Runtime cannot load it"):
        OnnxEngine(tmp_path / "bundle/model.onnx", mapped=True)


def test_small_weights_move_into_the_onnx_file(tmp_path: Path) -> None:
    stated = compiled(saved(wide(), tmp_path)).passport.compiled
    assert stated is not None
    assert not stated.mapped
    assert stated.size_bytes > 1_600_000


class Clock:
    """A network whose time is stated: so much for each run, so much for each matrix."""

    def __init__(self, run: float, matrix: float) -> None:
        self.run, self.matrix, self.now = run, matrix, 0.0

    def __call__(self) -> float:
        return self.now

    def network(self, batch: Any) -> Any:
        self.now += self.run + self.matrix * len(batch)
        return batch


@pytest.mark.parametrize(
    ("clock", "size"),
    [
        (Clock(run=0, matrix=0.001), 4),  # convolutions: each matrix takes its time
        (Clock(run=0.001, matrix=0.002), 16),  # 72, 68, 66, 65 ms for the 32 matrices
        (Clock(run=0.001, matrix=0), 32),  # dense layers: reading the weights takes the time
    ],
)
def test_batch_is_the_smallest_that_is_fast(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, size: int
) -> None:
    monkeypatch.setattr(compiling, "perf_counter", clock)
    assert best_batch_size(clock.network, np.zeros((3, 1), np.float32)) == size


def test_batch_is_one_that_the_engine_can_take() -> None:
    def run(batch: Any) -> Any:
        if len(batch) > 8:
            raise RuntimeError("Failed to allocate memory for requested buffer")
        return batch

    assert best_batch_size(run, np.zeros((3, 1), np.float32)) in {4, 8}


def test_batch_of_a_slow_network_is_found_in_one_round(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(run=0, matrix=1)
    monkeypatch.setattr(compiling, "perf_counter", clock)
    assert best_batch_size(clock.network, np.zeros((3, 1), np.float32)) == 4
    assert clock.now == BATCH_SIZE


def test_batch_of_a_small_network_is_stated(tmp_path: Path) -> None:
    assert compiled(saved(wide(), tmp_path)).passport.batch_size in {4, 8, 16, BATCH_SIZE}


def test_a_bundle_that_is_replaced_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for version in ("1", "2"):
        source = saved(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]), tmp_path)
        monkeypatch.setattr("sys.argv", ["model", str(source), "--name=a", "--version", version])
        assert main() == 0
    told = capsys.readouterr().out.partition("a 2\n")
    assert "replaces" not in told[0]
    assert "  replaces    a 1\n" in told[2]


def test_an_owner_may_tolerate_more_and_the_passport_says_so(tmp_path: Path) -> None:
    compiled(source := saved(wide(), tmp_path))
    passport = build(Order(source, tmp_path / "looser", "looser", tolerance=3e-4))
    assert {c.tolerance for c in passport.agreement.comparisons} == {3e-4, 10 * 3e-4}
    assert passport.golden.tolerance == 3e-4


@pytest.mark.parametrize("tolerance", [0.0, -1e-5, 0.5, float("nan")])
def test_a_tolerance_is_a_small_number(tmp_path: Path, tolerance: float) -> None:
    source = saved(wide(), tmp_path)
    with pytest.raises(ModelRefusedError, match="the tolerance is"):
        build(Order(source, tmp_path / "none", "none", tolerance=tolerance))
    assert not (tmp_path / "none").exists()
