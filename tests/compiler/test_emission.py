"""What is emitted gives what TensorFlow gives; what cannot be emitted is refused."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import keras
import onnx
import pytest
import tf_keras

from compiler import conversion
from compiler.emission import NotEmittedError, emit, graph
from serving.hdf5.inspection import inspect
from serving.hdf5.loading import load
from tests.conftest import SHARED
from tests.support.emission import (
    assert_agrees,
    assert_alike,
    distance,
    emitted,
    randomise,
    run,
    session,
)
from tests.support.emission_cases import CASES
from tests.support.emission_networks import NETWORKS, nested
from tests.support.models import data
from tests.tables.models import model_files

FILES = model_files(SHARED / "keras")
REFUSED = {
    "conv1d_k2_s1_d1_cf_same_model": 'layer Conv1D "conv0": data_format=channels_first',
}
# Keras 3 has no such layer.
OF_KERAS_2 = {"SeparableConv1D causal"}
libraries = pytest.mark.parametrize("library", [keras, tf_keras], ids=["Keras 3", "Keras 2"])


def sequential(library: Any, shape: Any, *layers: Any) -> Any:
    return library.Sequential([library.Input(shape), *layers])


@pytest.mark.parametrize(
    ("library", "case"),
    [
        pytest.param(library, case, id=f"{case}, {label}")
        for case in CASES
        for library, label in ((keras, "Keras 3"), (tf_keras, "Keras 2"))
        if library is tf_keras or case not in OF_KERAS_2
    ],
)
def test_a_layer_gives_what_tensorflow_gives(library: Any, case: str, tmp_path: Path) -> None:
    shape, build = CASES[case]
    model = sequential(library, shape, *build(library.layers))
    randomise(model)
    emitted(model, tmp_path)
    assert_agrees(model, tmp_path)


@libraries
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_gives_what_tensorflow_gives(library: Any, name: str, tmp_path: Path) -> None:
    shape, build = NETWORKS[name]
    inputs = library.Input(shape)
    model = library.Model(inputs, build(library.layers, inputs))
    randomise(model)
    emitted(model, tmp_path)
    assert_agrees(model, tmp_path)


@libraries
def test_models_within_models(library: Any, tmp_path: Path) -> None:
    model = nested(library)
    randomise(model)
    emitted(model, tmp_path)
    assert_agrees(model, tmp_path)


@libraries
def test_normalization_by_what_adapt_left(library: Any, tmp_path: Path) -> None:
    normalization = library.layers.Normalization()
    normalization.adapt(data(50, 4) * 3 + 1)
    model = sequential(library, (4,), normalization, library.layers.Dense(2))
    emitted(model, tmp_path)
    assert_agrees(model, tmp_path)


def test_thresholded_relu(tmp_path: Path) -> None:
    model = sequential(tf_keras, (9,), tf_keras.layers.ThresholdedReLU(0.4))
    emitted(model, tmp_path)
    assert_agrees(model, tmp_path)


@libraries
def test_normalisation_is_folded_where_nothing_else_reads(library: Any, tmp_path: Path) -> None:
    """And a weight that two calls read is stored once."""
    shape, build = NETWORKS["shared"]
    inputs = library.Input(shape)
    proto = emitted(library.Model(inputs, build(library.layers, inputs)), tmp_path)
    assert "BatchNormalization" not in {node.op_type for node in proto.graph.node}
    kernels = [t for t in proto.graph.initializer if tuple(t.dims) == (36, 4)]
    assert len(kernels) == 1
    assert [d.dim_param for d in proto.graph.input[0].type.tensor_type.shape.dim] == [
        "batch",
        "",
        "",
    ]


def test_the_operator_set_is_that_of_the_converter() -> None:
    assert graph.OPSET == conversion.OPSET


@pytest.mark.parametrize(
    "source", [p for p in FILES if p.stem not in REFUSED], ids=lambda path: path.stem
)
def test_files_of_others_give_what_tensorflow_gives(source: Path, tmp_path: Path) -> None:
    onnx.save(emit(inspect(source)), tmp_path / "model.onnx")
    opened, loaded = session(tmp_path / "model.onnx"), load(source)
    shape = [500 if d is None else d for d in loaded.input.shape]
    assert_alike(lambda batch: run(opened, batch), loaded.function, shape)


@pytest.mark.parametrize("name", REFUSED)
def test_files_of_others_are_refused(keras_files: Path, name: str) -> None:
    with pytest.raises(NotEmittedError, match=REFUSED[name]):
        emit(inspect(keras_files / f"{name}.h5"))


@libraries
def test_large_weights_stay_in_the_file(library: Any, tmp_path: Path) -> None:
    layers = library.layers
    model = sequential(
        library,
        (40, 3),
        layers.Conv1D(16, 3, padding="same", activation="relu"),
        layers.Flatten(),
        layers.Dense(500, activation="relu"),
        layers.BatchNormalization(),
        layers.Dense(2),
    )
    randomise(model)
    proto = emitted(model, tmp_path, mapped=True)
    assert_agrees(model, tmp_path)
    [tensor] = [t for t in proto.graph.initializer if t.external_data]
    entries = {entry.key: entry.value for entry in tensor.external_data}
    assert tuple(tensor.dims) == (640, 500)
    assert entries["location"] == "model.h5"
    assert entries["length"] == str(640 * 500 * 4)
    assert proto.ByteSize() < 20_000
    batch = data(3, 40, 3)
    inside = tmp_path / "inside"
    inside.mkdir()
    emitted(model, inside)
    mapped, plain = (run(session(f / "model.onnx"), batch) for f in (tmp_path, inside))
    assert distance(mapped, plain) <= 1e-6


def test_chunked_weights_are_stored_inside(tmp_path: Path) -> None:
    model = sequential(tf_keras, (600,), tf_keras.layers.Dense(500))
    randomise(model)
    source = tmp_path / "model.h5"
    model.save(source)
    with h5py.File(source, "r+") as file:
        [name] = [n for n in _datasets(file) if n.endswith("kernel:0")]
        values = file[name][...]
        del file[name]
        file.create_dataset(name, data=values, chunks=(100, 500), compression="gzip")
    proto = emit(inspect(source), mapped=True)
    assert not any(t.external_data for t in proto.graph.initializer)
    onnx.save(proto, tmp_path / "model.onnx")
    assert_agrees(model, tmp_path)


def _datasets(file: h5py.File) -> list[str]:
    names: list[str] = []
    file.visititems(lambda n, item: names.append(n) if isinstance(item, h5py.Dataset) else None)
    return names


@libraries
def test_weights_under_other_names_are_taken_in_order(library: Any, tmp_path: Path) -> None:
    """As Keras does; a renamed copy of a model has them so. In another order they are refused."""
    model = sequential(library, (6,), library.layers.Dense(6), library.layers.Dense(6))
    randomise(model)
    source = tmp_path / "model.h5"
    model.save(source)
    names = [layer.name for layer in model.layers]
    with h5py.File(source, "r+") as file:
        group = file["model_weights"]
        group.attrs["layer_names"] = [name.encode() for name in reversed(names)]
    with pytest.raises(NotEmittedError, match="another order"):
        emit(inspect(source))
    with h5py.File(source, "r+") as file:
        group = file["model_weights"]
        for name in names:
            group.move(name, f"old_{name}")
        group.attrs["layer_names"] = [f"old_{name}".encode() for name in names]
    onnx.save(emit(inspect(source)), tmp_path / "model.onnx")
    assert_agrees(model, tmp_path)


def test_long_lists_of_names_are_read_in_parts(tmp_path: Path) -> None:
    """An attribute ends at 64 kB, so Keras writes layer_names0, layer_names1, …"""
    model = sequential(tf_keras, (6,), *(tf_keras.layers.Dense(6) for _ in range(3)))
    randomise(model)
    source = tmp_path / "model.h5"
    model.save(source)
    with h5py.File(source, "r+") as file:
        attributes = file["model_weights"].attrs
        names = list(attributes["layer_names"])
        del attributes["layer_names"]
        attributes["layer_names0"], attributes["layer_names1"] = names[:2], names[2:]
    onnx.save(emit(inspect(source)), tmp_path / "model.onnx")
    assert_agrees(model, tmp_path)


def test_tensorflow_is_not_imported() -> None:
    """An import of TensorFlow costs seconds, and memory."""
    code = "import sys, compiler.emission; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=True)
