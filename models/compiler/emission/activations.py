"""Activations, by name and as layers."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from compiler.emission.graph import Graph
from compiler.emission.layer import Layer
from compiler.emission.layouts import Layout, Tensor, keras_order, mapped_by

# One ONNX operator each.
_OPERATORS: dict[str, tuple[str, dict[str, float]]] = {
    "relu": ("Relu", {}),
    "sigmoid": ("Sigmoid", {}),
    "tanh": ("Tanh", {}),
    "elu": ("Elu", {"alpha": 1.0}),
    "selu": ("Selu", {}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "exponential": ("Exp", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
}
# Keras 3 changed it.
HARD_SIGMOID = {"keras": {"alpha": 1 / 6, "beta": 0.5}, "tf-keras": {"alpha": 0.2, "beta": 0.5}}


def activate(layer: Layer, x: Tensor, graph: Graph, activation: Any) -> Tensor:
    """The activation that a layer's option names.

    Raises:
        NotEmittedError: it is unknown.
    """
    if activation in (None, "linear"):
        return x
    if not isinstance(activation, str):
        return _layer_within(layer, x, graph, activation)
    if activation in _OPERATORS:
        operator, attributes = _OPERATORS[activation]
        return mapped_by(graph, x, operator, **attributes)
    if activation == "hard_sigmoid":
        return mapped_by(graph, x, "HardSigmoid", **HARD_SIGMOID[layer.loader])
    if activation in {"softmax", "log_softmax"}:
        return _softmax(x, graph, "Softmax" if activation == "softmax" else "LogSoftmax")
    if activation in _COMPOSED:
        return replace(x, name=_COMPOSED[activation](graph, x.name))
    raise layer.refused(f'activation "{activation}"')


def _silu(graph: Graph, x: str) -> str:
    return graph.add("Mul", x, graph.add("Sigmoid", x))


def _mish(graph: Graph, x: str) -> str:
    return graph.add("Mul", x, graph.add("Tanh", graph.add("Softplus", x)))


def _gelu(graph: Graph, x: str) -> str:
    """The exact one; written as ONNX Runtime recognises it."""
    scaled = graph.add("Div", x, _float(graph, math.sqrt(2)))
    share = graph.add("Add", graph.add("Erf", scaled), _float(graph, 1.0))
    return graph.add("Mul", graph.add("Mul", x, share), _float(graph, 0.5))


def _relu6(graph: Graph, x: str) -> str:
    return graph.add("Clip", x, _float(graph, 0.0), _float(graph, 6.0))


_COMPOSED: dict[str, Callable[[Graph, str], str]] = {
    "gelu": _gelu,
    "mish": _mish,
    "relu6": _relu6,
    "silu": _silu,
    "swish": _silu,
}


def _float(graph: Graph, value: float) -> str:
    return graph.constant(value, np.float32)


def _softmax(x: Tensor, graph: Graph, operator: str = "Softmax") -> Tensor:
    """Over the channels."""
    x = keras_order(graph, x) if x.layout is Layout.FLAT else x
    return mapped_by(graph, x, operator, axis=x.axes[-1])


def activation_layer(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
    return activate(layer, x, graph, layer.options.get("activation"))


def softmax(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
    axis = layer.options.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in (-1, len(x.shape) - 1):
        raise layer.refused(f"axis={axis}")
    return _softmax(x, graph)


def relu(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
    options = layer.options
    slope = options.number("negative_slope", 0.0)
    threshold = options.number("threshold", 0.0)
    most = options.get("max_value")
    if most is not None:
        most = options.number("max_value")
    if threshold != 0:
        x = _thresholded(x, graph, threshold, slope)
    elif slope != 0:
        x = mapped_by(graph, x, "LeakyRelu", alpha=slope)
    elif most is not None:
        return mapped_by(graph, x, "Clip", _float(graph, 0.0), _float(graph, most))
    else:
        return mapped_by(graph, x, "Relu")
    return x if most is None else mapped_by(graph, x, "Min", _float(graph, most))


def _thresholded(x: Tensor, graph: Graph, threshold: float, slope: float) -> Tensor:
    """Itself above the threshold, slope * (x - threshold) below."""
    limit = _float(graph, threshold)
    above = graph.add("Greater", x.name, limit)
    below = graph.add("Mul", graph.add("Sub", x.name, limit), _float(graph, slope))
    return replace(x, name=graph.add("Where", above, x.name, below))


def leaky_relu(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
    """Keras 2 calls the slope alpha."""
    key = "negative_slope" if layer.loader == "keras" else "alpha"
    return mapped_by(graph, x, "LeakyRelu", alpha=layer.options.number(key, 0.3))


def elu(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
    return mapped_by(graph, x, "Elu", alpha=layer.options.number("alpha", 1.0))


def thresholded_relu(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
    return mapped_by(graph, x, "ThresholdedRelu", alpha=layer.options.number("theta", 1.0))


def prelu(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
    shared = layer.options.get("shared_axes") or []
    shared = [shared] if isinstance(shared, int) else shared
    wanted = [1 if axis in shared else size for axis, size in enumerate(x.shape)][1:]
    if None in wanted:
        raise layer.refused("slopes for an open dimension")
    x = keras_order(graph, x) if x.layout is not Layout.CHANNELS_FIRST else x
    [slopes] = layer.weights(("alpha", [size or 0 for size in wanted]))
    if x.layout is Layout.KERAS:
        return _sloped(x, graph, graph.weight(slopes))

    def turned(values: np.ndarray) -> np.ndarray:
        first = np.moveaxis(values, -1, 0)
        return first[:, np.newaxis] if first.ndim == 2 else first

    return _sloped(x, graph, graph.weight(slopes, "channels first", turned))


def _sloped(x: Tensor, graph: Graph, slopes: str) -> Tensor:
    """In three operators: ONNX Runtime's own PRelu takes twice as long."""
    below = graph.add("Mul", graph.add("Min", x.name, _float(graph, 0.0)), slopes)
    return replace(x, name=graph.add("Add", graph.add("Relu", x.name), below))


# Without weights, so that they may stand for an activation of another layer.
LAYERS: dict[str, Callable[[Layer, Tensor, Graph], Tensor]] = {
    "ELU": elu,
    "LeakyReLU": leaky_relu,
    "ReLU": relu,
    "Softmax": softmax,
    "ThresholdedReLU": thresholded_relu,
}


def _layer_within(layer: Layer, x: Tensor, graph: Graph, found: Any) -> Tensor:
    """An activation that is a layer of its own."""
    inner = layer.inner(found, [])
    if inner.class_name not in LAYERS:
        raise layer.refused(f"activation {inner.class_name}")
    y = LAYERS[inner.class_name](inner, x, graph)
    if unmet := inner.options.unread():
        raise inner.refused(", ".join(unmet))
    return y
