"""Compiles a TensorFlow function to ONNX."""

import io
import logging
import os
import warnings
from contextlib import redirect_stderr
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from serving.errors import brief
from serving.hdf5.loading import Loaded

OPSET = 17


class ConversionError(Exception):
    """The converter cannot express the network; TensorFlow serves it instead."""


def to_onnx(loaded: Loaded) -> tuple[bytes, str]:
    """The network as an ONNX file, and the name of what wrote it.

    Raises:
        ConversionError: it does not convert.
    """
    os.environ.setdefault("TF2ONNX_LOG_LEVEL", "ERROR")
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")  # the converter's own, of no use to whoever runs it
        import tf2onnx

        logging.getLogger("tf2onnx").setLevel(logging.CRITICAL)
        try:
            proto = _convert(tf2onnx, loaded.function)
            _forbid_negative_rows(proto.graph)
            compiled: bytes = proto.SerializeToString()
        except Exception as cause:  # tf2onnx raises whatever its rewriters raise
            raise ConversionError(f"does not convert to ONNX: {brief(cause)}") from cause
    if len(proto.graph.input) != 1 or len(proto.graph.output) != 1:
        raise ConversionError("does not convert to ONNX: another signature came out")
    return compiled, f"tf2onnx {tf2onnx.__version__}"


def _convert(tf2onnx: Any, function: Any) -> onnx.ModelProto:
    """Frozen first: tf2onnx would make an input of every constant that the function captured."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    frozen = convert_variables_to_constants_v2(
        function.get_concrete_function(), lower_control_flow=False
    )
    wrapped = tf.function(lambda batch: frozen(batch)[0], input_signature=function.input_signature)
    proto, _ = tf2onnx.convert.from_function(
        wrapped, input_signature=function.input_signature, opset=OPSET
    )
    converted: onnx.ModelProto = proto
    return converted


def _forbid_negative_rows(graph: onnx.GraphProto) -> None:
    """Make row -1 of a table an error, as it is in TensorFlow; ONNX takes it for the last row."""
    tables = {t.name for t in graph.initializer if len(t.dims) == 2}
    constants = {t.name for t in graph.initializer}
    for number, node in enumerate(list(graph.node)):
        if node.op_type != "Gather" or node.input[0] not in tables or node.input[1] in constants:
            continue
        rows, name = node.input[1], f"guard{number}"
        bounds = np.array([0, np.iinfo(np.int64).max])
        graph.initializer.extend(
            numpy_helper.from_array(bound, f"{name}/{what}")
            for what, bound in zip(("zero", "never"), bounds, strict=True)
        )
        guard = [
            helper.make_node("Cast", [rows], [f"{name}/rows"], to=onnx.TensorProto.INT64),
            helper.make_node("Less", [f"{name}/rows", f"{name}/zero"], [f"{name}/below"]),
            helper.make_node(
                "Where", [f"{name}/below", f"{name}/never", f"{name}/rows"], [f"{name}/checked"]
            ),
        ]
        node.input[1] = f"{name}/checked"
        at = list(graph.node).index(node)
        for offset, extra in enumerate(guard):
            graph.node.insert(at + offset, extra)
