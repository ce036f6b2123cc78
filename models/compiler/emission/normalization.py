"""Normalisation by statistics that training left, or by the values themselves."""

import numpy as np

from compiler.emission.graph import Graph
from compiler.emission.layer import Layer
from compiler.emission.layouts import Layout, Tensor, keras_order, mapped_by
from compiler.emission.weights import Array, Weight

# Keras' own; it can be changed, but not in a file.
_EPSILON = 1e-7


def batch_normalization(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
    channels = _channels(layer, x)
    options = layer.options
    center, scale = (bool(options.get(key, True)) for key in ("center", "scale"))
    names = ["gamma"] * scale + ["beta"] * center + ["moving_mean", "moving_variance"]
    held = dict(zip(names, layer.weights(*((n, (channels,)) for n in names)), strict=True))
    epsilon = options.number("epsilon", 1e-3)
    if x.layout is Layout.CHANNELS_FIRST or len(x.shape) == 2:
        x = keras_order(graph, x) if x.layout is Layout.FLAT else x
        parts = [
            graph.weight(held[name]) if name in held else graph.constant(filled, np.float32)
            for name, filled in (
                ("gamma", np.ones(channels)),
                ("beta", np.zeros(channels)),
                ("moving_mean", None),
                ("moving_variance", None),
            )
        ]
        return mapped_by(graph, x, "BatchNormalization", *parts, epsilon=epsilon)
    factor, term = _affine({name: w.read() for name, w in held.items()}, epsilon)
    x = mapped_by(graph, x, "Mul", _own(graph, layer, "factor", factor, held["moving_mean"]))
    return mapped_by(graph, x, "Add", _own(graph, layer, "term", term, held["moving_mean"]))


def _affine(held: dict[str, Array], epsilon: float) -> tuple[Array, Array]:
    wide = {name: values.astype(np.float64) for name, values in held.items()}
    factor = wide.get("gamma", 1.0) / np.sqrt(wide["moving_variance"] + epsilon)
    return factor, wide.get("beta", 0.0) - wide["moving_mean"] * factor


def _own(graph: Graph, layer: Layer, what: str, values: Array, weight: Weight) -> str:
    """Stored once for each layer, however often it is called."""
    name = f"{weight.name}/{layer.name}/{what}"
    return graph.once(("own", name), lambda: graph.hold(name, values.astype(np.float32)))


def _channels(layer: Layer, x: Tensor) -> int:
    """The size of the last axis, which must be the one that the layer normalises."""
    axis = layer.options.get("axis", -1)
    axes = axis if isinstance(axis, list) else [axis]
    if axes not in ([-1], [len(x.shape) - 1]):
        raise layer.refused(f"axis={axis}")
    if x.channels is None:
        raise layer.refused("an open number of channels")
    return x.channels


def layer_normalization(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
    channels = _channels(layer, x)
    options = layer.options
    if options.get("rms_scaling", False):
        raise layer.refused("rms_scaling=True")
    center, scale = (bool(options.get(key, True)) for key in ("center", "scale"))
    names = ["gamma"] * scale + ["beta"] * center
    held = dict(zip(names, layer.weights(*((n, (channels,)) for n in names)), strict=True))
    x = x if x.layout is Layout.TIME_FIRST else keras_order(graph, x)
    factor = graph.weight(held["gamma"]) if scale else graph.constant(np.ones(channels), np.float32)
    terms = [graph.weight(held["beta"])] if center else []
    epsilon = options.number("epsilon", 1e-3)
    return mapped_by(graph, x, "LayerNormalization", factor, *terms, axis=-1, epsilon=epsilon)


def rescaling(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
    scale, offset = (layer.options.number(k, d) for k, d in (("scale", 1.0), ("offset", 0.0)))
    x = mapped_by(graph, x, "Mul", graph.constant(scale, np.float32))
    return x if offset == 0 else mapped_by(graph, x, "Add", graph.constant(offset, np.float32))


def normalization(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
    """By mean and variance of each channel, which `adapt` left as weights."""
    channels = _channels(layer, x)
    options = layer.options
    for key in ("invert", "mean", "variance"):
        if options.get(key) not in (None, False):
            raise layer.refused(f"{key} is set")
    mean, variance, _ = layer.weights(
        ("mean", (channels,)), ("variance", (channels,)), ("count", ())
    )
    x = x if x.layout is Layout.TIME_FIRST else keras_order(graph, x)
    deviation = graph.weight(
        variance, "deviation", lambda values: np.maximum(np.sqrt(values), np.float32(_EPSILON))
    )
    x = mapped_by(graph, x, "Sub", graph.weight(mean))
    return mapped_by(graph, x, "Div", deviation)
