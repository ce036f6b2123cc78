"""Layers that join several tensors."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from compiler.emission.graph import Graph, Shape
from compiler.emission.layer import Layer
from compiler.emission.layouts import Layout, Tensor, channels_first, keras_order

_Merger = Callable[[Layer, list[Tensor], Graph], Tensor]


def _alike(tensors: list[Tensor], graph: Graph) -> list[Tensor]:
    """All in one layout: with the channels first where one of them has that."""
    layouts = {x.layout for x in tensors}
    if len(layouts) == 1 and len({x.grid for x in tensors}) == 1:
        return tensors
    if Layout.CHANNELS_FIRST in layouts and all(x.channels is not None for x in tensors):
        return [channels_first(graph, x) for x in tensors]
    return [keras_order(graph, x) for x in tensors]


def merging(operator: str, *, average: bool = False) -> _Merger:
    """The emission of Add and the like."""

    def emit(layer: Layer, tensors: list[Tensor], graph: Graph) -> Tensor:
        if len(tensors) < 2 or len({len(x.shape) for x in tensors}) != 1:
            raise layer.refused(f"inputs of shapes {', '.join(str(x.shape) for x in tensors)}")
        shape = _broadcast(layer, [x.shape for x in tensors])
        tensors = _alike(tensors, graph)
        if tensors[0].layout is Layout.FLAT and any(x.shape != shape for x in tensors):
            tensors = [keras_order(graph, x) for x in tensors]
        name = tensors[0].name
        for other in tensors[1:]:
            name = graph.add(operator, name, other.name)
        if average:
            name = graph.add("Mul", name, graph.constant(1 / len(tensors), np.float32))
        return replace(tensors[0], name=name, shape=shape)

    return emit


def _broadcast(layer: Layer, shapes: list[Shape]) -> Shape:
    """The shape that comes out where dimensions of 1 stretch."""
    out: list[int | None] = []
    for sizes in zip(*(shape[1:] for shape in shapes), strict=True):
        known = {d for d in sizes if d not in (None, 1)}
        if len(known) > 1:
            raise layer.refused(f"inputs of shapes {', '.join(map(str, shapes))}")
        out.append(known.pop() if known else None if None in sizes else 1)
    return (None, *out)


def subtract(layer: Layer, tensors: list[Tensor], graph: Graph) -> Tensor:
    if len(tensors) != 2:
        raise layer.refused(f"{len(tensors)} inputs")
    return merging("Sub")(layer, tensors, graph)


def concatenate(layer: Layer, tensors: list[Tensor], graph: Graph) -> Tensor:
    axis = layer.options.get("axis", -1)
    ranks = {len(x.shape) for x in tensors}
    if len(ranks) != 1 or not isinstance(axis, int):
        raise layer.refused(f"axis={axis}")
    rank = ranks.pop()
    axis = axis + rank if axis < 0 else axis
    if not 0 < axis < rank:
        raise layer.refused(f"axis={axis}")
    tensors = _alike(tensors, graph)
    if tensors[0].layout is Layout.FLAT:
        tensors = [keras_order(graph, x) for x in tensors]
    first = tensors[0]
    name = graph.add("Concat", *(x.name for x in tensors), axis=first.axes[axis])
    sizes = [x.shape[axis] for x in tensors]
    total = None if None in sizes else sum(d or 0 for d in sizes)
    return replace(first, name=name, shape=(*first.shape[:axis], total, *first.shape[axis + 1 :]))


MERGING: dict[str, _Merger] = {
    "Add": merging("Add"),
    "Average": merging("Add", average=True),
    "Concatenate": concatenate,
    "Maximum": merging("Max"),
    "Minimum": merging("Min"),
    "Multiply": merging("Mul"),
    "Subtract": subtract,
}
