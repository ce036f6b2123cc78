"""What cannot be emitted is refused, with the layer and the reason."""

import json
from pathlib import Path
from typing import Any

import h5py
import keras
import pytest
import tf_keras

from compiler.emission import NotEmittedError, emit
from serving.hdf5.inspection import inspect
from tests.support.emission import emitted

libraries = pytest.mark.parametrize("library", [keras, tf_keras], ids=["Keras 3", "Keras 2"])


@pytest.mark.parametrize(
    ("shape", "build", "reason"),
    [
        ((20, 3), lambda k: k.layers.Masking(), "Masking .*no emission of this class"),
        ((5,), lambda k: k.layers.Embedding(9, 3), "Embedding .*no emission of this class"),
        ((8, 8, 3), lambda k: k.layers.Conv2DTranspose(2, 3), "Conv2DTranspose"),
        ((8, 3), lambda k: k.layers.RNN(k.layers.LSTMCell(2)), "RNN .*no emission of this class"),
        ((9,), lambda k: k.layers.UnitNormalization(), "UnitNormalization"),
        ((3, 8, 8), lambda k: k.layers.Flatten("channels_first"), "data_format=channels_first"),
        ((8, 8, 3), lambda k: k.layers.UpSampling2D(2, interpolation="bilinear"), "bilinear"),
        ((8, 3), lambda k: k.layers.Softmax(axis=1), "axis=1"),
        ((8, 3), lambda k: k.layers.BatchNormalization(axis=1), r"axis=.?1"),
        ((8, 3), lambda k: k.layers.LayerNormalization(axis=[1, 2]), r"axis=\[1, 2\]"),
        ((9,), lambda k: k.layers.Dense(2, dtype="float64"), "dtype=float64"),
        ((9,), lambda k: k.layers.Dense(2, dtype="mixed_float16"), "dtype=mixed_float16"),
        ((8, 3), lambda k: k.layers.LSTM(2, activation="elu"), "activation elu"),
        ((8, 3), lambda k: k.layers.Bidirectional(k.layers.LSTM(2), merge_mode=None), "merge_mode"),
        ((None, 8, 3), lambda k: k.layers.TimeDistributed(k.layers.Conv1D(2, 3)), "around Conv1D"),
    ],
)
@libraries
def test_what_has_no_emission_is_refused(
    library: Any, shape: Any, build: Any, reason: str, tmp_path: Path
) -> None:
    inputs = library.Input(shape)
    outputs = build(library)(inputs)
    outputs = outputs[0] if isinstance(outputs, list | tuple) else outputs
    with pytest.raises(NotEmittedError, match=reason):
        emitted(library.Model(inputs, outputs), tmp_path)


DENSE = ("Dense", ["config", "layers", 1, "config"])
LSTM = ("LSTM", ["config", "layers", 2, "config"])


@pytest.mark.parametrize(
    ("place", "change", "reason"),
    [
        pytest.param(DENSE, {"lora_rank": 4}, 'Dense "dense.*lora_rank=4', id="lora"),
        pytest.param(DENSE, {"novelty": 1}, 'Dense "dense.*novelty=1', id="unknown option"),
        pytest.param(DENSE, {"units": 5}, r"shape \(3, 4\), expected \(3, 5\)", id="shape"),
        pytest.param(DENSE, {"use_bias": False}, "2 weights, expected 1", id="count"),
        pytest.param(DENSE, {"activation": "novelty"}, 'activation "novelty"', id="activation"),
        pytest.param(LSTM, {"return_state": True}, 'LSTM "lstm.*return_state=True', id="state"),
        pytest.param(LSTM, {"units": None}, 'LSTM "lstm.*units=None', id="no number"),
    ],
)
@libraries
def test_a_changed_architecture_is_refused(
    library: Any, place: Any, change: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    layers = library.layers
    inputs = library.Input((6, 3))
    source = tmp_path / "model.h5"
    library.Model(inputs, layers.LSTM(2)(layers.Dense(4)(inputs))).save(source)
    with h5py.File(source, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        found = config
        for key in place[1]:
            found = found[key]
        found.update(change)
        file.attrs["model_config"] = json.dumps(config)
    with pytest.raises(NotEmittedError, match=reason):
        emit(inspect(source))


@libraries
def test_a_network_of_two_inputs_is_refused(library: Any, tmp_path: Path) -> None:
    inputs = [library.Input((3,)), library.Input((3,))]
    with pytest.raises(NotEmittedError, match="2 inputs and 1 outputs"):
        emitted(library.Model(inputs, library.layers.Add()(inputs)), tmp_path)


def test_an_operator_between_layers_is_refused(tmp_path: Path) -> None:
    inputs = tf_keras.Input((3,))
    outputs = tf_keras.layers.Dense(3)(inputs) + inputs
    with pytest.raises(NotEmittedError, match=r"TFOpLambda .*called with y="):
        emitted(tf_keras.Model(inputs, outputs), tmp_path)
