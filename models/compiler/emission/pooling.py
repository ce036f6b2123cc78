"""Pooling over signals and images."""

from collections.abc import Callable

from compiler.emission.graph import Graph
from compiler.emission.layer import Layer
from compiler.emission.layouts import Layout, Tensor, channels_first, keras_order
from compiler.emission.windows import slide

_Emitter = Callable[[Layer, Tensor, Graph], Tensor]


def pooling(operator: str, rank: int) -> _Emitter:
    """The emission of MaxPooling1D and the like."""
    # As in TensorFlow, what is padded does not count for the average.
    extra = {"count_include_pad": 0} if operator == "AveragePool" else {}

    def emit(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
        if len(x.shape) != rank + 2:
            raise layer.refused(f"an input of shape {x.shape}")
        size = layer.options.pair("pool_size", rank, 2)
        strides = layer.options.get("strides")
        strides = size if strides is None else layer.options.pair("strides", rank)
        window = slide(layer, x, size, strides)
        x = channels_first(graph, x)
        name = graph.add(operator, x.name, **window.attributes, **extra)
        return Tensor(name, (None, *window.spatial, x.channels), Layout.CHANNELS_FIRST)

    return emit


def global_pooling(operator: str, reduction: str, rank: int) -> _Emitter:
    """The emission of GlobalAveragePooling1D and the like."""

    def emit(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
        if len(x.shape) != rank + 2:
            raise layer.refused(f"an input of shape {x.shape}")
        keep = layer.options.get("keepdims", False)
        shape = (None, *(1,) * rank, x.channels) if keep else (None, x.channels)
        if x.layout is not Layout.CHANNELS_FIRST:
            x = keras_order(graph, x)
            axes = list(range(1, rank + 1))
            return Tensor(graph.add(reduction, x.name, axes=axes, keepdims=int(keep)), shape)
        name = graph.add(operator, x.name)
        if keep:
            return Tensor(name, shape, Layout.CHANNELS_FIRST)
        return Tensor(graph.add("Flatten", name), shape)

    return emit


POOLING = {
    f"{prefix}{kind}Pooling{rank}D": make
    for rank in (1, 2)
    for prefix, kind, make in (
        ("", "Max", pooling("MaxPool", rank)),
        ("", "Average", pooling("AveragePool", rank)),
        ("Global", "Max", global_pooling("GlobalMaxPool", "ReduceMax", rank)),
        ("Global", "Average", global_pooling("GlobalAveragePool", "ReduceMean", rank)),
    )
}
