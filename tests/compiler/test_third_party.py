"""Keras files that others wrote: what they give is what their own Keras gave."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import tf_keras

from compiler.bundling import Order, build
from serving.model import Model, difference, open_model
from tests.conftest import SHARED
from tests.tables.models import model_files, predict, stored_answers

FILES = model_files(SHARED / "keras")
TOLERANCE = 1e-5


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def source(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture(scope="module")
def built(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Model:
    bundle = tmp_path_factory.mktemp("bundles") / "bundle"
    build(Order(source, bundle, source.stem.lower()))
    return open_model(bundle)


def inputs_for(model: Model, batch: int) -> np.ndarray:
    shape = tuple(5000 if d is None else d for d in model.spec.shape)
    return np.random.default_rng(3).standard_normal((batch, *shape)).astype(np.float32)


def test_bundle_gives_what_tf_keras_predicts(built: Model, source: Path) -> None:
    """The loader's own predict(), with the batch size that the file was bound to."""
    original = tf_keras.models.load_model(source, compile=False)
    inputs = inputs_for(built, 25)
    expected = original.predict(inputs, batch_size=25, verbose=0)
    assert difference(predict(built, inputs), expected) <= TOLERANCE


@pytest.mark.parametrize(
    "source", [path for path in FILES if stored_answers(path)], ids=lambda path: path.stem
)
def test_bundle_gives_what_the_writing_keras_gave(source: Path, tmp_path: Path) -> None:
    stored = stored_answers(source)
    assert stored is not None
    build(Order(source, tmp_path / "bundle", source.stem.lower()))
    given = predict(open_model(tmp_path / "bundle"), stored.inputs)
    assert difference(given, stored.answers) <= TOLERANCE


def test_the_third_party_files_are_here(keras_files: Path) -> None:
    """Where they are not, this skips, and says so; the tests above have nothing to run on."""
    assert len(model_files(keras_files)) == len(FILES) == 12


def test_passport_records_engine_and_difference(built: Model) -> None:
    passport = built.passport
    assert passport.engine == "onnx"
    assert passport.agreement.largest_difference is not None
    assert all(c.difference <= c.tolerance for c in passport.agreement.comparisons if c.difference)
    assert len(passport.agreement.comparisons) >= 7


def test_page_lists_the_file(source: Path, built: Model, root: Path) -> None:
    page = (root / "docs/models.md").read_text()
    [line] = [line for line in page.splitlines() if line.startswith(f"| {source.name} |")]
    assert f"| {built.passport.source.keras_version} |" in line
    assert f"| {built.passport.engine} |" in line


def hard_sigmoid(x: np.ndarray) -> np.ndarray:
    """Keras 2's, which Keras 3 replaced by another."""
    return np.clip(0.2 * x + 0.5, 0, 1)


def test_old_lstm_follows_the_equations_of_its_keras(keras_files: Path, tmp_path: Path) -> None:
    """The stored `outputs` of this file are its training targets: NumPy is the oracle instead."""
    source = keras_files / "simple_lstm_tf_keras_2_model.h5"
    build(Order(source, tmp_path / "bundle", "lstm"))
    with h5py.File(keras_files / "simple_lstm_tf_keras_2_inputs_and_outputs.h5") as file:
        inputs = file["inputs/lstm_1_input"][...].astype(np.float64)
        targets = file["outputs/dense_1"][...]
    with h5py.File(source) as file:
        weights = file["model_weights"]
        kernel, bias = (weights[f"lstm_1/lstm_1/{name}:0"][...] for name in ("kernel", "bias"))
        dense, offset = (weights[f"dense_1/dense_1/{name}:0"][...] for name in ("kernel", "bias"))
    # One step from a state of zeros: the recurrent weights do not take part.
    gate, _, candidate, out = np.split(inputs[:, 0] @ kernel + bias, 4, axis=1)
    state = hard_sigmoid(gate) * np.tanh(candidate)
    expected = hard_sigmoid(out) * np.tanh(state) @ dense + offset
    assert difference(predict(open_model(tmp_path / "bundle"), inputs), expected) <= TOLERANCE
    # No input whatever could give the targets.
    assert np.abs(targets).max() > np.abs(dense).sum() + np.abs(offset).sum()


def test_hard_sigmoid_is_the_one_of_keras_2(keras_files: Path, tmp_path: Path) -> None:
    build(Order(keras_files / "act_3.h5", tmp_path / "bundle", "act"))
    inputs = np.array([[1.0, -1.0], [3.0, 0.0]])
    given = predict(open_model(tmp_path / "bundle"), inputs)
    assert np.allclose(given, hard_sigmoid(inputs), atol=1e-7)
