"""Layers that move values and compute nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from compiler.emission.graph import Graph, Shape
from compiler.emission.layer import Layer
from compiler.emission.layouts import Layout, Tensor, channels_first, keras_order, reshape

# ONNX Runtime moves a padding by 0 into the MaxPool that follows, which pads by minus infinity.
# Those before a convolution become its own in `folding`, and are exact.
_NEARLY_ZERO = np.finfo(np.float32).tiny

_Emitter = Callable[[Layer, Tensor, Graph], Tensor]


def unchanged(_layer: Layer, x: Tensor, _graph: Graph) -> Tensor:
    """Dropout, noise: at work in training only."""
    return x


def _size(shape: Shape) -> int | None:
    return None if None in shape else int(np.prod([d or 0 for d in shape]))


def flatten(_layer: Layer, x: Tensor, graph: Graph) -> Tensor:
    size = _size(x.shape[1:])
    known = tuple(d or 0 for d in x.shape[1:])
    if x.layout is Layout.FLAT or len(x.shape) == 2:
        return x
    # Where all but one dimension are 1, the order does not matter.
    if x.layout is Layout.CHANNELS_FIRST and size is not None and size not in known:
        name = graph.add("Flatten", x.name)
        return Tensor(name, (None, size), Layout.FLAT, known)
    if x.layout is not Layout.CHANNELS_FIRST or size is None:
        x = keras_order(graph, x)
    return Tensor(graph.add("Flatten", x.name), (None, size))


def reshape_layer(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
    target = layer.options.get("target_shape")
    if not isinstance(target, list) or not all(type(d) is int for d in target):
        raise layer.refused(f"target_shape={target}")
    size = _size(x.shape[1:])
    if target.count(-1) > 1 or (size is None and -1 not in target):
        raise layer.refused(f"target_shape={target} of an open input")
    rest = int(np.prod([d for d in target if d != -1]))
    free = None if size is None else size // max(rest, 1)
    if size is not None and rest * (free if -1 in target and free else 1) != size:
        raise layer.refused(f"target_shape={target} of {size} values")
    x = keras_order(graph, x)
    shape = tuple(free if d == -1 else d for d in target)
    return Tensor(reshape(graph, x.name, [0, *target]), (None, *shape))


def permute(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
    dims = layer.options.get("dims")
    if not isinstance(dims, list) or sorted(dims) != list(range(1, len(x.shape))):
        raise layer.refused(f"dims={dims}")
    x = keras_order(graph, x)
    name = graph.add("Transpose", x.name, perm=[0, *dims])
    return Tensor(name, (None, *(x.shape[d] for d in dims)))


def repeat_vector(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
    count = int(layer.options.number("n"))
    if len(x.shape) != 2:
        raise layer.refused(f"an input of shape {x.shape}")
    x = keras_order(graph, x)
    name = graph.add("Unsqueeze", x.name, graph.constant([1]))
    name = graph.add("Tile", name, graph.constant([1, count, 1]))
    return Tensor(name, (None, count, x.channels))


def _borders(layer: Layer, x: Tensor, key: str, rank: int) -> list[tuple[int, int]]:
    """What is added or cut before and after, for each spatial dimension."""
    value = layer.options.get(key)
    if len(x.shape) != rank + 2:
        raise layer.refused(f"an input of shape {x.shape}")
    if type(value) is int:
        value = [[value, value]] * rank
    elif rank == 1 and isinstance(value, list) and len(value) == 2:
        value = [value]
    elif isinstance(value, list):
        value = [[v, v] if type(v) is int else v for v in value]
    if not isinstance(value, list) or len(value) != rank or not all(map(_is_border, value)):
        raise layer.refused(f"{key}={layer.options.get(key)}")
    return [(before, after) for before, after in value]


def _is_border(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(type(v) is int and v >= 0 for v in value)
    )


def _resized(x: Tensor, spatial: list[int | None], name: str) -> Tensor:
    return replace(x, name=name, shape=(None, *spatial, x.channels))


def zero_padding(rank: int) -> _Emitter:
    """The emission of ZeroPadding1D or ZeroPadding2D."""

    def emit(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
        borders = _borders(layer, x, "padding", rank)
        x = channels_first(graph, x)
        begin, end = (x.spread([0, *(border[side] for border in borders), 0], 0) for side in (0, 1))
        nearly_zero = graph.constant(_NEARLY_ZERO, np.float32)
        name = graph.add("Pad", x.name, graph.constant([*begin, *end]), nearly_zero)
        spatial = [d and d + sum(b) for d, b in zip(x.spatial, borders, strict=True)]
        return _resized(x, spatial, name)

    return emit


def cropping(rank: int) -> _Emitter:
    """The emission of Cropping1D or Cropping2D."""

    def emit(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
        borders = _borders(layer, x, "cropping", rank)
        x = channels_first(graph, x)
        spatial = [d and d - sum(b) for d, b in zip(x.spatial, borders, strict=True)]
        if any(d is not None and d < 1 for d in spatial):
            raise layer.refused("cuts away all of its input")
        starts = [before for before, _ in borders]
        ends = [-after or np.iinfo(np.int64).max for _, after in borders]
        axes = list(x.axes[1:-1])
        name = graph.add("Slice", x.name, *(graph.constant(v) for v in (starts, ends, axes)))
        return _resized(x, spatial, name)

    return emit


def upsampling(rank: int) -> _Emitter:
    """The emission of UpSampling1D or UpSampling2D, which repeats values."""

    def emit(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
        factors = layer.options.pair("size", rank, 2)
        mode = layer.options.get("interpolation", "nearest")
        if len(x.shape) != rank + 2 or mode != "nearest" or 0 in factors:
            raise layer.refused(f"interpolation={mode}, size={factors}")
        x = channels_first(graph, x)
        scales = graph.constant(x.spread([1, *factors, 1], 1), np.float32)
        name = graph.add(
            "Resize", x.name, "", scales,
            mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor",
        )  # fmt: skip
        spatial = [d and d * f for d, f in zip(x.spatial, factors, strict=True)]
        return _resized(x, spatial, name)

    return emit
