"""A bundle whose documents are short and whose results are long: some have several parts."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from serving.passport import (
    COMPILED,
    PASSPORT,
    SOURCE,
    Agreement,
    Compiled,
    Golden,
    Passport,
    Source,
    Tensor,
)

VALUES, HIDDEN, OUTPUTS = 12, 64, 1500
BATCH_SIZE = 16
_OPSET = 17


def build(folder: Path) -> Path:
    """Write the bundle; without Keras, which would take longer than the smaller run."""
    rng = np.random.default_rng(7)
    first = (rng.standard_normal((VALUES, HIDDEN)) / 4).astype(np.float32)
    second = (rng.standard_normal((HIDDEN, OUTPUTS)) / 8).astype(np.float32)
    network = _network(first, second).SerializeToString()
    source = b"no Keras file"
    (folder / COMPILED).write_bytes(network)
    (folder / SOURCE).write_bytes(source)
    given = rng.standard_normal(VALUES).astype(np.float32)
    answer = np.tanh(given @ first) @ second
    passport = _passport(network, source, given.tolist(), answer.tolist())
    (folder / PASSPORT).write_text(passport.model_dump_json())
    return folder


def _network(first: Any, second: Any) -> Any:
    nodes = [
        helper.make_node("MatMul", ["x", "first"], ["a"]),
        helper.make_node("Tanh", ["a"], ["b"]),
        helper.make_node("MatMul", ["b", "second"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "chaos",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", VALUES])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", OUTPUTS])],
        [numpy_helper.from_array(first, "first"), numpy_helper.from_array(second, "second")],
    )
    opset = [helper.make_opsetid("", _OPSET)]
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=opset, ir_version=8)
    return model


def _passport(network: bytes, source: bytes, given: list[float], answer: list[float]) -> Passport:
    return Passport(
        name="chaos",
        version="1",
        engine="onnx",
        batch_size=BATCH_SIZE,
        input=Tensor(shape=(VALUES,), dtype="float32"),
        output=Tensor(shape=(OUTPUTS,), dtype="float32"),
        source=Source(
            sha256=hashlib.sha256(source).hexdigest(),
            size_bytes=len(source),
            keras_version="none",
            loader="keras",
            loader_version="none",
        ),
        compiled=Compiled(
            sha256=hashlib.sha256(network).hexdigest(),
            size_bytes=len(network),
            opset=_OPSET,
            converter="tests.chaos",
        ),
        agreement=Agreement(comparisons=[]),
        golden=Golden(input=given, output=answer, sizes=[10.0] * OUTPUTS, tolerance=1e-4),
    )
