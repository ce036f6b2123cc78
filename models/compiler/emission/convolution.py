"""Convolutions over signals and images, with the channels first."""

from collections.abc import Callable, Sequence

from compiler.emission.activations import activate
from compiler.emission.graph import Graph
from compiler.emission.layer import Layer
from compiler.emission.layouts import Layout, Tensor, channels_first
from compiler.emission.weights import Array, Weight
from compiler.emission.windows import Window, slide


def _full(kernel: Array) -> Array:
    """From (*window, channels, filters) to (filters, channels, rows, columns)."""
    turned = kernel.transpose(kernel.ndim - 1, kernel.ndim - 2, *range(kernel.ndim - 2))
    return turned[:, :, None] if turned.ndim == 3 else turned


def _depthwise(kernel: Array) -> Array:
    """From (*window, channels, multiplier) to (channels * multiplier, 1, rows, columns)."""
    turned = kernel.transpose(kernel.ndim - 2, kernel.ndim - 1, *range(kernel.ndim - 2))
    flat = turned.reshape(-1, 1, *turned.shape[2:])
    return flat[:, :, None] if flat.ndim == 3 else flat


def _convolve(
    x: Tensor, graph: Graph, kernel: str, bias: Weight | None, window: Window, channels: int,
    group: int = 1,
) -> Tensor:  # fmt: skip
    inputs = [x.name, kernel, *([] if bias is None else [graph.weight(bias)])]
    name = graph.add("Conv", *inputs, group=group, **window.attributes)
    return Tensor(name, (None, *window.spatial, channels), Layout.CHANNELS_FIRST)


def _entry(layer: Layer, x: Tensor, graph: Graph, rank: int) -> tuple[Tensor, int, Window]:
    """The input as convolutions take it, its channels, and the window."""
    if len(x.shape) != rank + 2 or x.channels is None:
        raise layer.refused(f"an input of shape {x.shape}")
    options = layer.options
    size, strides, dilations = (
        options.pair(key, rank) for key in ("kernel_size", "strides", "dilation_rate")
    )
    return channels_first(graph, x), x.channels, slide(layer, x, size, strides, dilations)


def _with_one_kernel(
    layer: Layer, x: Tensor, graph: Graph, window: Window, expected: tuple[str, Sequence[int]],
    turned: Callable[[Array], Array], filters: int, group: int,
) -> Tensor:  # fmt: skip
    """A layer that is one convolution and an activation."""
    [kernel], bias = layer.kernels(expected, bias=(filters,))
    held = graph.weight(kernel, "channels first", turned)
    y = _convolve(x, graph, held, bias, window, filters, group)
    return activate(layer, y, graph, layer.options.get("activation"))


def convolution(rank: int) -> Callable[[Layer, Tensor, Graph], Tensor]:
    """The emission of Conv1D or Conv2D."""

    def emit(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
        x, channels, window = _entry(layer, x, graph, rank)
        filters, groups = (int(layer.options.number(k, 1)) for k in ("filters", "groups"))
        if channels % groups:
            raise layer.refused(f"{groups} groups of {channels} channels")
        expected = ("kernel", (*window.size, channels // groups, filters))
        return _with_one_kernel(layer, x, graph, window, expected, _full, filters, groups)

    return emit


def depthwise(rank: int) -> Callable[[Layer, Tensor, Graph], Tensor]:
    """The emission of DepthwiseConv1D or DepthwiseConv2D."""

    def emit(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
        x, channels, window = _entry(layer, x, graph, rank)
        multiplier = int(layer.options.number("depth_multiplier", 1))
        # A Keras 2 config says it all the same, and means nothing by it.
        for key in ("filters", "groups") if layer.loader == "tf-keras" else ():
            if layer.options.get(key, 1) not in (None, 1):
                raise layer.refused(f"{key}={layer.options.get(key)}")
        filters = channels * multiplier
        name = "kernel" if layer.loader == "keras" else "depthwise_kernel"
        expected = (name, (*window.size, channels, multiplier))
        return _with_one_kernel(layer, x, graph, window, expected, _depthwise, filters, channels)

    return emit


def separable(rank: int) -> Callable[[Layer, Tensor, Graph], Tensor]:
    """The emission of SeparableConv1D or SeparableConv2D."""

    def emit(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
        x, channels, window = _entry(layer, x, graph, rank)
        options = layer.options
        filters, multiplier, groups = (
            int(options.number(k, 1)) for k in ("filters", "depth_multiplier", "groups")
        )
        if groups != 1:
            raise layer.refused(f"groups={groups}")
        middle = channels * multiplier
        [first, second], bias = layer.kernels(
            ("depthwise_kernel", (*window.size, channels, multiplier)),
            ("pointwise_kernel", (*(1,) * rank, middle, filters)),
            bias=(filters,),
        )
        held = graph.weight(first, "channels first", _depthwise)
        y = _convolve(x, graph, held, None, window, middle, channels)
        held = graph.weight(second, "channels first", _full)
        point = Window((1,) * rank, {"kernel_shape": (1, 1)}, window.spatial)
        y = _convolve(y, graph, held, bias, point, filters)
        return activate(layer, y, graph, options.get("activation"))

    return emit


def pointwise(x: Tensor, graph: Graph, kernel: Weight, bias: Weight | None) -> Tensor:
    """A Dense layer over the channels of a tensor that has them first."""
    window = Window((1, 1), {"kernel_shape": (1, 1)}, x.spatial)
    name = graph.weight(kernel, "pointwise", lambda values: values.T[:, :, None, None])
    return _convolve(x, graph, name, bias, window, kernel.shape[1])


CONVOLUTIONS = {
    "Conv1D": convolution(1),
    "Conv2D": convolution(2),
    "Convolution1D": convolution(1),
    "Convolution2D": convolution(2),
    "DepthwiseConv1D": depthwise(1),
    "DepthwiseConv2D": depthwise(2),
    "SeparableConv1D": separable(1),
    "SeparableConv2D": separable(2),
}
