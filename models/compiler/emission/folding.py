"""Folds into convolutions what stands beside them: a normalisation behind, a padding before."""

from collections import Counter
from typing import Any

import numpy as np
import onnx

from compiler.emission.graph import Graph
from compiler.emission.weights import Array

# Where the output channels lie in the weights.
_OUTPUT_AXIS = {"Conv": 0, "Gemm": 1, "MatMul": 1}


def fold(graph: Graph, output: str) -> None:
    """Fold what can be folded, where nothing else reads what lies between.

    Args:
        output: the tensor that leaves the graph, which must stay what it is.
    """
    _fold_normalisations(graph, output)
    _fold_paddings(graph, output)


def _fold_paddings(graph: Graph, output: str) -> None:
    for node in [node for node in graph.nodes if node.op_type == "Pad"]:
        readers = [other for other in graph.nodes if node.output[0] in other.input]
        pads = [_explicit_pads(reader) for reader in readers]
        if node.output[0] == output or None in pads:
            continue
        extra = graph.values[node.input[1]].reshape(2, 4)[:, 2:].ravel()
        for reader, own in zip(readers, pads, strict=True):
            own.ints[:] = [a + int(b) for a, b in zip(own.ints, extra, strict=True)]
            reader.input[0] = node.input[0]
        graph.nodes.remove(node)


def _explicit_pads(node: onnx.NodeProto) -> Any:
    """The padding of a convolution, unless it depends on the length."""
    pads = [a for a in node.attribute if a.name == "pads" and node.op_type == "Conv"]
    return pads[0] if pads else None


def _fold_normalisations(graph: Graph, output: str) -> None:
    readers = Counter(name for node in graph.nodes for name in node.input)
    readers[output] += 1
    producers = {node.output[0]: node for node in graph.nodes}
    renamed: dict[str, str] = {}
    kept = []
    for node in graph.nodes:
        for i, name in enumerate(node.input):
            node.input[i] = renamed.get(name, name)
        before = producers.get(node.input[0]) if node.op_type == "BatchNormalization" else None
        if before is not None and readers[before.output[0]] == 1 and _absorb(graph, before, node):
            if node.output[0] == output:
                before.output[0] = output
            else:
                renamed[node.output[0]] = before.output[0]
                readers[before.output[0]] = readers[node.output[0]]
            continue
        kept.append(node)
    graph.nodes = kept


def _absorb(graph: Graph, linear: onnx.NodeProto, node: onnx.NodeProto) -> bool:
    """Whether a linear node took the normalisation that follows it into its weights."""
    if linear.op_type not in _OUTPUT_AXIS or not all(n in graph.values for n in linear.input[1:]):
        return False
    if not all(name in graph.values for name in node.input[1:]):
        return False
    gamma, beta, mean, variance = (graph.values[n].astype(np.float64) for n in node.input[1:])
    epsilon = next(a.f for a in node.attribute if a.name == "epsilon")
    factor = gamma / np.sqrt(variance + epsilon)
    kernel = graph.values[linear.input[1]]
    bias = graph.values[linear.input[2]] if len(linear.input) == 3 else np.zeros_like(mean)
    shape = [-1 if axis == _OUTPUT_AXIS[linear.op_type] else 1 for axis in range(kernel.ndim)]
    del linear.input[1:]
    linear.input.append(_held(graph, linear, "kernel", kernel * factor.reshape(shape)))
    linear.input.append(_held(graph, linear, "bias", (bias - mean) * factor + beta))
    if linear.op_type == "MatMul":
        linear.op_type = "Gemm"
    return True


def _held(graph: Graph, linear: onnx.NodeProto, what: str, values: Array) -> str:
    """A name of its own: the layer may be called elsewhere without the normalisation."""
    return graph.hold(f"{linear.name}/{what}", values.astype(np.float32))
