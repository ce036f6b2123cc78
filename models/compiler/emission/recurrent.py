"""LSTM, GRU and SimpleRNN, in one direction or two, with ONNX's own recurrent operators."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from compiler.emission.activations import HARD_SIGMOID
from compiler.emission.graph import Graph
from compiler.emission.layer import Layer
from compiler.emission.layouts import Layout, Tensor, reshape, time_first
from compiler.emission.weights import Array, Weight

_OPERATORS = {"LSTM": "LSTM", "GRU": "GRU", "SimpleRNN": "RNN"}
# The gates in ONNX's order, as positions in Keras': i f c o → i o f c; z r h stays.
_GATES = {"LSTM": (0, 3, 1, 2), "GRU": (0, 1, 2), "SimpleRNN": (0,)}
_ACTIVATIONS = {
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "relu": "Relu",
    "softsign": "Softsign",
    "softplus": "Softplus",
}
_FROM_THE_END = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class _Settings:
    """What two directions must have in common.

    Attributes:
        activations: ONNX's name of each, and its alpha and beta.
        after: a GRU resets after the product.
        sequences: all steps are wanted, not only the last.
    """

    units: int
    activations: list[tuple[str, tuple[float, ...]]]
    after: bool
    has_bias: bool
    sequences: bool


@dataclass(frozen=True, slots=True)
class _Direction:
    """One layer, ready for ONNX."""

    settings: _Settings
    backwards: bool
    kernels: list[Weight]
    bias: Weight | None


def recurrent(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
    one = _read(layer, x)
    units = one.settings.units
    y = _run(layer.class_name, [one], x, graph)
    if not one.settings.sequences:
        return Tensor(reshape(graph, y, [-1, units]), (None, units))
    y = reshape(graph, y, [0, -1, units])
    if one.backwards:
        # Keras gives the steps in the order of computation.
        last, end = graph.constant([-1]), graph.constant([_FROM_THE_END])
        y = graph.add("Slice", y, last, end, graph.constant([0]), last)
    return Tensor(y, (None, x.shape[1], units), Layout.TIME_FIRST)


def bidirectional(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
    merge = layer.options.get("merge_mode", "concat")
    found = layer.options.get("layer")
    half = len(layer.stored) // 2
    first = layer.inner(found, layer.stored[:half])
    other = layer.options.get("backward_layer")
    second = layer.inner(found if other is None else other, layer.stored[half:])
    if first.class_name != second.class_name or first.class_name not in _OPERATORS:
        raise layer.refused(f"around {first.class_name} and {second.class_name}")
    ways = [_read(first, x), _read(second, x)]
    if other is None:
        ways[1] = replace(ways[1], backwards=not ways[0].backwards)
    for inner in (first, second):
        if unmet := inner.options.unread():
            raise inner.refused(", ".join(unmet))
    if ways[0].settings != ways[1].settings or [w.backwards for w in ways] != [False, True]:
        raise layer.refused("its directions differ")
    y = _run(first.class_name, ways, x, graph)
    return _merged(layer, merge, y, ways[0].settings, x, graph)


def _merged(layer: Layer, mode: Any, y: str, way: _Settings, x: Tensor, graph: Graph) -> Tensor:
    """From (steps, 2, batch, units), or (2, batch, units), to one tensor."""
    units, sequences = way.units, way.sequences
    axis = 1 if sequences else 0
    if mode == "concat":
        order = [0, 2, 1, 3] if sequences else [1, 0, 2]
        y = graph.add("Transpose", y, perm=order)
        y = reshape(graph, y, [0, 0, 2 * units] if sequences else [0, 2 * units])
        units *= 2
    elif mode == "sum":
        y = graph.add("ReduceSum", y, graph.constant([axis]), keepdims=0)
    elif mode in {"ave", "mul"}:
        operator = "ReduceMean" if mode == "ave" else "ReduceProd"
        y = graph.add(operator, y, axes=[axis], keepdims=0)
    else:
        raise layer.refused(f"merge_mode={mode}")
    if sequences:
        return Tensor(y, (None, x.shape[1], units), Layout.TIME_FIRST)
    return Tensor(y, (None, units))


def _read(layer: Layer, x: Tensor) -> _Direction:
    if layer.class_name not in _OPERATORS or len(x.shape) != 3 or x.channels is None:
        raise layer.refused(f"an input of shape {x.shape}")
    options = layer.options
    units = int(options.number("units"))
    wide = units * len(_GATES[layer.class_name])
    activations = [_activation(layer, options.get("activation", "tanh"))]
    after = False
    if layer.class_name != "SimpleRNN":
        activations.insert(0, _activation(layer, options.stated("recurrent_activation")))
    if layer.class_name == "LSTM":
        activations.append(activations[-1])
    if layer.class_name == "GRU":
        after = bool(options.stated("reset_after"))
    kernels, bias = layer.kernels(
        ("kernel", (x.channels, wide)),
        ("recurrent_kernel", (units, wide)),
        bias=(2, wide) if after else (wide,),
    )
    sequences = bool(options.get("return_sequences", False))
    settings = _Settings(units, activations, after, bias is not None, sequences)
    return _Direction(settings, bool(options.get("go_backwards", False)), kernels, bias)


def _activation(layer: Layer, name: Any) -> tuple[str, tuple[float, ...]]:
    """ONNX's name of an activation, and its alpha and beta."""
    if name in (None, "linear"):
        return "Affine", (1.0, 0.0)
    if name == "hard_sigmoid":
        return "HardSigmoid", tuple(HARD_SIGMOID[layer.loader].values())
    if not isinstance(name, str) or name not in _ACTIVATIONS:
        raise layer.refused(f"activation {name}")
    return _ACTIVATIONS[name], ()


def _run(class_name: str, ways: list[_Direction], x: Tensor, graph: Graph) -> str:
    """All steps, (steps, directions, batch, units), or the last, (directions, batch, units)."""
    settings = ways[0].settings
    inputs = [time_first(graph, x).name, *_operands(class_name, ways, graph)]
    flat = settings.activations * len(ways)
    parameters = [values for _, values in flat if values]
    attributes: dict[str, Any] = {
        "hidden_size": settings.units,
        "activations": [name for name, _ in flat],
        "direction": "bidirectional" if len(ways) == 2 else
        "reverse" if ways[0].backwards else "forward",
    }  # fmt: skip
    if parameters:
        attributes["activation_alpha"] = [alpha for alpha, _ in parameters]
        attributes["activation_beta"] = [beta for _, beta in parameters]
    if class_name == "GRU":
        attributes["linear_before_reset"] = int(settings.after)
    outputs = graph.add_with_outputs(_OPERATORS[class_name], inputs, 2, **attributes)
    return outputs[0 if settings.sequences else 1]


def _operands(class_name: str, ways: list[_Direction], graph: Graph) -> list[str]:
    """The weights as ONNX has them: (directions, gates * units, inputs), and so on."""
    gates = _GATES[class_name]
    of = "+".join(way.kernels[0].name for way in ways)

    def arranged(values: Array) -> Array:
        parts = np.split(values, len(gates), axis=-1)
        return np.concatenate([parts[gate] for gate in gates], axis=-1)

    def matrices(index: int) -> Array:
        return np.stack([arranged(way.kernels[index].read()).T for way in ways])

    def biases() -> Array:
        stored = [arranged(way.bias.read()) for way in ways if way.bias is not None]
        # Keras' one bias is ONNX's first; the second is that of the recurrent product.
        rows = [np.append(b, np.zeros_like(b)) if b.ndim == 1 else b.ravel() for b in stored]
        return np.stack(rows)

    def held(what: str, make: Any) -> str:
        name = f"{of}/{what}"
        return graph.once(("recurrent", name), lambda: graph.hold(name, make()))

    operands = [held("input", lambda: matrices(0)), held("recurrent", lambda: matrices(1))]
    return [*operands, held("bias", biases)] if ways[0].settings.has_bias else operands
