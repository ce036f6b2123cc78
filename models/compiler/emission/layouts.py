"""The order in which a tensor's values lie, and the conversions between such orders.

Keras has the channels last. Convolutions are fastest on ONNX Runtime with the channels first and
in four dimensions, so signals get a height of 1; a conversion is added only where one is needed.
"""

import enum
from dataclasses import dataclass, replace
from typing import Any

from compiler.emission.graph import Graph, Shape


class Layout(enum.Enum):
    """How a tensor of Keras lies in ONNX."""

    KERAS = enum.auto()
    CHANNELS_FIRST = enum.auto()  # (batch, channels, 1, steps) or (batch, channels, rows, columns)
    TIME_FIRST = enum.auto()  # (steps, batch, channels)
    FLAT = enum.auto()  # (batch, values), flattened with the channels first


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of the network.

    Attributes:
        name: of the ONNX tensor.
        shape: what Keras knows, with the batch axis; None is open.
        grid: for a flat tensor, what was flattened: (steps, channels) or (rows, columns, channels).
    """

    name: str
    shape: Shape
    layout: Layout = Layout.KERAS
    grid: tuple[int, ...] = ()

    @property
    def channels(self) -> int | None:
        return self.shape[-1]

    @property
    def spatial(self) -> Shape:
        """The dimensions between batch and channels."""
        return self.shape[1:-1]

    @property
    def axes(self) -> tuple[int, ...]:
        """The ONNX axis of each axis of Keras.

        A flat tensor has none for its values: their order is another.
        """
        if self.layout is Layout.CHANNELS_FIRST:
            return (0, 3, 1) if len(self.shape) == 3 else (0, 2, 3, 1)
        return (1, 0, 2) if self.layout is Layout.TIME_FIRST else tuple(range(len(self.shape)))

    @property
    def rank(self) -> int:
        """The number of ONNX axes."""
        return 4 if self.layout is Layout.CHANNELS_FIRST else len(self.shape)

    def spread(self, values: Any, default: Any) -> list[Any]:
        """One entry for each ONNX axis, from one for each axis of Keras."""
        spread = [default] * self.rank
        for axis, value in zip(self.axes, values, strict=True):
            spread[axis] = value
        return spread


def mapped_by(graph: Graph, x: Tensor, operator: str, *others: str, **attributes: Any) -> Tensor:
    """An operator that acts on each value alone, and keeps the layout."""
    return replace(x, name=graph.add(operator, x.name, *others, **attributes))


def channels_first(graph: Graph, x: Tensor) -> Tensor:
    """A signal or image with the channels first; its number of channels must be known."""
    if x.layout is Layout.CHANNELS_FIRST:
        return x
    name = graph.once(("first", x.name), lambda: _put_channels_first(graph, x))
    return Tensor(name, x.shape, Layout.CHANNELS_FIRST)


def _put_channels_first(graph: Graph, x: Tensor) -> str:
    channels = x.channels or -1
    if len(x.shape) == 4:
        if channels == 1 and x.spatial.count(None) < 2:
            dims = [-1 if d is None else d for d in x.spatial]
            return reshape(graph, x.name, [0, 1, *dims])
        return graph.add("Transpose", x.name, perm=[0, 3, 1, 2])
    if x.layout is Layout.TIME_FIRST:
        moved = graph.add("Transpose", x.name, perm=[1, 2, 0])
        return reshape(graph, moved, [0, 0, 1, -1])
    if channels == 1 or x.shape[1] == 1:
        return reshape(graph, x.name, [0, channels, 1, x.shape[1] or -1])
    moved = graph.add("Transpose", x.name, perm=[0, 2, 1])
    return reshape(graph, moved, [0, 0, 1, x.shape[1] or -1])


def keras_order(graph: Graph, x: Tensor) -> Tensor:
    """The tensor as Keras has it."""
    if x.layout is Layout.KERAS:
        return x
    name = graph.once(("keras", x.name, x.grid), lambda: _put_keras_order(graph, x))
    return Tensor(name, x.shape)


def _put_keras_order(graph: Graph, x: Tensor) -> str:
    if x.layout is Layout.TIME_FIRST:
        return graph.add("Transpose", x.name, perm=[1, 0, 2])
    if x.layout is Layout.FLAT:
        *spatial, channels = x.grid
        apart = reshape(graph, x.name, [0, channels, *spatial])
        order = [0, *range(2, len(x.grid) + 1), 1]
        moved = graph.add("Transpose", apart, perm=order)
        return reshape(graph, moved, [0, -1])
    if len(x.shape) == 4:
        return graph.add("Transpose", x.name, perm=[0, 2, 3, 1])
    steps, channels = x.shape[1] or -1, x.channels or -1
    if 1 in (steps, channels):
        return reshape(graph, x.name, [0, steps, channels])
    return graph.add("Transpose", reshape(graph, x.name, [0, 0, steps]), perm=[0, 2, 1])


def time_first(graph: Graph, x: Tensor) -> Tensor:
    """A signal with its steps first, as ONNX's recurrent operators take it."""
    if x.layout is Layout.TIME_FIRST:
        return x

    def put() -> str:
        if x.layout is Layout.KERAS:
            return graph.add("Transpose", x.name, perm=[1, 0, 2])
        moved = graph.add("Transpose", x.name, perm=[3, 0, 1, 2])
        return reshape(graph, moved, [0, 0, x.channels or -1])

    return Tensor(graph.once(("time", x.name), put), x.shape, Layout.TIME_FIRST)


def reshape(graph: Graph, name: str, shape: list[int]) -> str:
    """In ONNX's terms: 0 keeps a dimension, -1 is what is left."""
    return graph.add("Reshape", name, graph.constant(shape))
