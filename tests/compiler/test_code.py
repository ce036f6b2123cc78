"""Code that a model file carries does not run, unless whoever wrote it is trusted."""

import codecs
import json
import marshal
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import tf_keras

from serving.errors import ModelRefusedError
from serving.hdf5 import policy
from tests.support.models import compiled, data, saved
from tests.tables.models import predict


@pytest.mark.parametrize("library", [keras, tf_keras], ids=["Keras 3", "Keras 2"])
def test_code_does_not_run_unless_trusted(library: Any, tmp_path: Path) -> None:
    inputs = library.Input((3,))
    layer = library.layers.Lambda(lambda x: x * 2.0, output_shape=(3,))
    source = saved(library.Model(inputs, layer(inputs)), tmp_path)
    with pytest.raises(ModelRefusedError, match="carries code"):
        compiled(source)
    assert not (tmp_path / "bundle").exists()
    batch = data(2, 3)
    result = compiled(source, trust_code=True)
    assert result.passport.source.trusted_code
    assert np.array_equal(predict(result, batch), batch * 2.0)


def poisoned(folder: Path, marker: Path) -> Path:
    """An RNN whose cell wrapper carries bytecode that writes a file."""
    inputs = tf_keras.Input((4, 2))
    cell = tf_keras.layers.SimpleRNNCell(2)
    source = saved(tf_keras.Model(inputs, tf_keras.layers.RNN(cell)(inputs)), folder)
    code = compile(f"lambda i, o: (open({str(marker)!r}, 'w').close(), o)[1]", "x", "eval")
    function = code.co_consts[0]
    packed = codecs.encode(marshal.dumps(function), "base64").decode("ascii")
    with h5py.File(source, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        rnn = config["config"]["layers"][1]["config"]
        rnn["cell"] = {
            "class_name": "ResidualWrapper",
            "config": {
                "cell": rnn["cell"],
                "residual_fn": [packed, None, None],
                "residual_fn_type": "lambda",
                "residual_fn_module": None,
            },
        }
        file.attrs["model_config"] = json.dumps(config)
    return source


def test_code_in_a_cell_does_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    source = poisoned(tmp_path, marker)
    with pytest.raises(ModelRefusedError, match="ResidualWrapper: carries code"):
        compiled(source)
    assert not marker.exists()


def test_the_loader_is_a_second_barrier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the inspection blind, Keras itself would refuse the bytecode."""
    monkeypatch.setattr(policy, "_CODE", frozenset())
    marker = tmp_path / "marker"
    with pytest.raises(ModelRefusedError, match="cannot load it"):
        compiled(poisoned(tmp_path, marker))
    assert not marker.exists()
