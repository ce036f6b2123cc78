"""What makes a Keras file load and predict wrong numbers, or run code, in silence."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import onnx
import pytest
import tensorflow as tf
import tf_keras

from compiler.bundling import Order, build
from serving.engines.tensorflow import TensorFlowEngine
from serving.errors import InvalidInputError, ModelRefusedError
from serving.model import difference, open_model
from tests.support.models import compiled, data, saved
from tests.tables.models import predict


@pytest.mark.parametrize("library", [keras, tf_keras], ids=["Keras 3", "Keras 2"])
def test_each_generation_is_read_by_its_own(library: Any, tmp_path: Path) -> None:
    """Keras 3 gives 0.667 for hard_sigmoid(1), Keras 2 gives 0.7; the file decides."""
    model = library.Sequential(
        [library.Input((6, 2)), library.layers.LSTM(4, recurrent_activation="hard_sigmoid")]
    )
    inputs = data(3, 6, 2)
    result = compiled(saved(model, tmp_path))
    assert result.passport.source.loader == ("keras" if library is keras else "tf-keras")
    assert difference(predict(result, inputs), model.predict(inputs, verbose=0)) <= 1e-5


def test_a_fixed_batch_size_is_freed(tmp_path: Path) -> None:
    inputs = tf_keras.Input(batch_shape=(25, 4))
    model = tf_keras.Model(inputs, tf_keras.layers.Dense(2)(inputs))
    result = compiled(saved(model, tmp_path))
    assert result.passport.source.freed_batch_size == 25
    batch = data(25, 4)
    assert difference(predict(result, batch[:3]), model.predict(batch, verbose=0)[:3]) <= 1e-5


def test_float64_stays_float64_on_tensorflow(tmp_path: Path) -> None:
    """ONNX Runtime has no float64 convolutions; TensorFlow serves, and rounds nothing."""
    with keras.device("cpu"):
        keras.config.set_floatx("float64")
        try:
            inputs = keras.Input((40, 1), dtype="float64")
            x = keras.layers.Conv1D(3, 5, dtype="float64")(inputs)
            model = keras.Model(inputs, keras.layers.Dense(2, dtype="float64")(x))
            batch = np.random.default_rng(5).standard_normal((2, 40, 1))
            expected = np.asarray(model(batch, training=False))
            source = saved(model, tmp_path)
        finally:
            keras.config.set_floatx("float32")
    result = compiled(source)
    assert result.passport.engine == "tensorflow"
    assert "does not run" in (result.passport.fallback_reason or "")
    assert result.passport.compiled is None
    assert not (tmp_path / "bundle/model.onnx").exists()
    assert np.max(np.abs(predict(result, batch) - expected)) <= 1e-14


def test_matrices_that_influence_each_other_are_refused(tmp_path: Path) -> None:
    inputs = tf_keras.Input((3,))
    outputs = inputs - tf_keras.backend.mean(inputs, axis=0)
    with pytest.raises(ModelRefusedError, match="depends on the matrices beside it"):
        compiled(saved(tf_keras.Model(inputs, outputs), tmp_path))


def test_an_embedding_is_probed_with_rows_of_its_table(tmp_path: Path) -> None:
    model = keras.Sequential(
        [keras.Input((5,), dtype="int32"), keras.layers.Embedding(7, 3), keras.layers.Flatten()]
    )
    result = compiled(saved(model, tmp_path))
    assert result.spec.dtype == "int32"
    batch = np.array([[0, 1, 2, 3, 6]])
    assert np.allclose(predict(result, batch.astype(np.float64)), model.predict(batch, verbose=0))


def test_open_dimensions_stay_open(tmp_path: Path) -> None:
    model = keras.Sequential(
        [keras.Input((None, None, 3)), keras.layers.Conv2D(2, 3), keras.layers.GlobalMaxPooling2D()]
    )
    result = compiled(saved(model, tmp_path))
    assert result.spec.shape == (None, None, 3)
    for shape in ((2, 20, 30, 3), (1, 9, 9, 3)):
        batch = data(*shape)
        assert difference(predict(result, batch), model.predict(batch, verbose=0)) <= 1e-5


def test_a_sample_is_compared_and_recorded(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    source, sample = saved(model, tmp_path), tmp_path / "sample.npz"
    inputs = data(6, 4).astype(np.float64)
    answers = model.predict(inputs, verbose=0)
    np.savez(sample, matrices=inputs, expected=answers)
    result = compiled(source, sample=sample)
    assert result.passport.agreement.comparisons[-1].inputs == "sample of 6"
    np.savez(sample, matrices=inputs, expected=answers + 0.5)
    with pytest.raises(ModelRefusedError, match="away from the answers that the sample expects"):
        compiled(source, sample=sample)
    sample.write_bytes(b"PK")
    with pytest.raises(ModelRefusedError, match=r"sample .*: damaged npz"):
        compiled(source, sample=sample)


def test_a_refused_file_leaves_the_old_bundle(tmp_path: Path) -> None:
    source = saved(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]), tmp_path)
    first = compiled(source).passport
    source.write_bytes(b"rubbish")
    with pytest.raises(ModelRefusedError):
        compiled(source)
    assert open_model(tmp_path / "bundle").passport == first
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bundle", "model.h5"]


def test_a_folder_that_is_no_bundle_is_not_overwritten(tmp_path: Path) -> None:
    source = saved(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]), tmp_path)
    (tmp_path / "bundle").mkdir()
    with pytest.raises(ModelRefusedError, match="exists and is not a bundle"):
        compiled(source)


def test_dropout_left_on_is_refused_at_any_rate(tmp_path: Path) -> None:
    inputs = tf_keras.Input((3,))
    outputs = tf_keras.layers.Dropout(0.001)(inputs, training=True)
    with pytest.raises(ModelRefusedError, match=r'Dropout "dropout.*training=True'):
        compiled(saved(tf_keras.Model(inputs, outputs), tmp_path))


def test_small_answers_are_compared_as_strictly_as_large_ones(tmp_path: Path) -> None:
    inputs = tf_keras.Input((8,))
    mixed = inputs - tf_keras.backend.mean(inputs, axis=0)
    outputs = tf_keras.layers.Rescaling(1e-6)(mixed)
    with pytest.raises(ModelRefusedError, match="depends on the matrices beside it"):
        compiled(saved(tf_keras.Model(inputs, outputs), tmp_path))


def test_rows_outside_of_a_table_are_refused(tmp_path: Path) -> None:
    """ONNX takes row -1 for the last one, as Keras 3 does; Keras 2 does not."""
    layers = tf_keras.layers
    model = tf_keras.Sequential([tf_keras.Input((3,)), layers.Embedding(5, 2), layers.Flatten()])
    result = compiled(saved(model, tmp_path))
    assert result.passport.engine == "onnx"
    batch = np.array([[0.0, 1.0, 4.0]])
    assert np.allclose(predict(result, batch), model.predict(batch, verbose=0))
    for row in (-1.0, 5.0):
        with pytest.raises(InvalidInputError, match='matrix "0": the model cannot compute'):
            predict(result, np.array([[0.0, 1.0, row]]))


@pytest.mark.parametrize("library", [keras, tf_keras], ids=["Keras 3", "Keras 2"])
def test_constants_are_no_inputs(library: Any, tmp_path: Path) -> None:
    normalization = library.layers.Normalization()
    normalization.adapt(data(50, 4) * 3 + 1)
    model = library.Sequential([library.Input((4,)), normalization, library.layers.Dense(2)])
    result = compiled(saved(model, tmp_path))
    assert result.passport.engine == "onnx"
    batch = data(5, 4)
    assert difference(predict(result, batch), model.predict(batch, verbose=0)) <= 1e-5


def test_a_model_of_positive_values_is_probed_with_them(tmp_path: Path) -> None:
    inputs = tf_keras.Input((60,))
    outputs = tf_keras.layers.Dense(2)(tf.math.log(inputs))
    result = compiled(saved(tf_keras.Model(inputs, outputs), tmp_path))
    assert result.passport.engine == "onnx"
    with pytest.raises(InvalidInputError, match="gives no finite number"):
        predict(result, -np.ones((1, 60)))


def test_sixteen_bits_are_not_accused_of_mixing_matrices(tmp_path: Path) -> None:
    layers = [
        keras.layers.Dense(64, "relu", dtype="mixed_float16"),
        keras.layers.Dense(3, dtype="float32"),
    ]
    compiled(saved(keras.Sequential([keras.Input((500,)), *layers]), tmp_path))


def test_the_model_states_its_input_shape_not_its_inner_layers(tmp_path: Path) -> None:
    convolution = tf_keras.layers.Conv2D(2, 3, input_shape=(8, 8, 1))
    model = tf_keras.Sequential(
        [tf_keras.layers.TimeDistributed(convolution, input_shape=(6, 8, 8, 1))]
    )
    assert compiled(saved(model, tmp_path)).spec.shape == (6, 8, 8, 1)


def test_a_wrong_input_rank_is_refused(tmp_path: Path) -> None:
    """Some Sequential files of Keras 2.3 load with another shape than they state."""
    model = tf_keras.Sequential([tf_keras.Input((7, 3)), tf_keras.layers.Dense(2)])
    source = saved(model, tmp_path)
    with h5py.File(source, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["build_input_shape"] = [None, 3]
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(
        ModelRefusedError, match=r"input shape \(7, 3\), while the file states \(3\)"
    ):
        compiled(source)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "Capital"}, 'the name "Capital" is not one'),
        ({"version": "1.0 beta"}, 'the version "1.0 beta" is not one'),
        ({"bundle": Path("/proc/nothing/bundle")}, "cannot write to /proc/nothing"),
        ({"sample": Path("/nothing.npz")}, "sample /nothing.npz: No such file"),
    ],
)
def test_a_wrong_order_is_refused(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    source = saved(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]), tmp_path)
    order = Order(source, tmp_path / "bundle", "name")
    with pytest.raises(ModelRefusedError, match=reason):
        build(dataclasses.replace(order, **change))


def test_an_unbuilt_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelRefusedError, match="states no input shape"):
        compiled(saved(keras.Sequential([keras.layers.Dense(2)]), tmp_path))


@pytest.mark.parametrize("library", [keras, tf_keras], ids=["Keras 3", "Keras 2"])
@pytest.mark.parametrize("mode", ["one_hot", "multi_hot"])
def test_categories_that_do_not_exist_get_what_tensorflow_says(
    library: Any, mode: str, tmp_path: Path
) -> None:
    """ONNX wraps category -1 around, and has no assertions."""
    inputs = library.Input((1,))
    encoding = library.layers.CategoryEncoding(10, output_mode=mode)(inputs)
    result = compiled(saved(library.Model(inputs, library.layers.Dense(2)(encoding)), tmp_path))
    reference = TensorFlowEngine(tmp_path / "model.h5", trust_code=False)
    for category in (-11.0, -10.0, -1.0, 0.0, 9.0, 10.0, 11.0):
        batch: Any = np.array([[category]], np.float32)
        try:
            expected = reference.run(batch)
        except tf.errors.InvalidArgumentError:
            with pytest.raises(InvalidInputError):
                predict(result, batch)
        else:
            assert difference(predict(result, batch), expected) <= 1e-5


@pytest.mark.parametrize("scale", [None, 1.0, 1e3, 1e6])
def test_a_sample_of_large_values_blinds_no_check(tmp_path: Path, scale: float | None) -> None:
    layers = [keras.layers.Conv1D(4, 5), keras.layers.Flatten(), keras.layers.Dense(2)]
    source = saved(keras.Sequential([keras.Input((40, 1)), *layers]), tmp_path)
    sample = tmp_path / "sample.npy"
    np.save(sample, data(3, 40, 1) * (scale or 1))
    compiled(source, **({} if scale is None else {"sample": sample}))
    network = onnx.load(tmp_path / "bundle/model.onnx")
    for tensor in network.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            values = onnx.numpy_helper.to_array(tensor) * np.float32(1.001)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    onnx.save(network, tmp_path / "bundle/model.onnx")
    with pytest.raises(ModelRefusedError, match="away from the golden output"):
        open_model(tmp_path / "bundle")


def test_a_long_sample_is_run_in_batches(tmp_path: Path) -> None:
    source = saved(keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]), tmp_path)
    np.save(tmp_path / "sample.npy", data(70, 4))
    passport = compiled(source, sample=tmp_path / "sample.npy").passport
    assert passport.agreement.comparisons[-1].matrices == 70
