"""Dense layers."""

from compiler.emission.activations import activate
from compiler.emission.convolution import pointwise
from compiler.emission.graph import Graph
from compiler.emission.layer import Layer
from compiler.emission.layouts import Layout, Tensor, keras_order
from compiler.emission.weights import Array, Weight


def dense(layer: Layer, x: Tensor, graph: Graph) -> Tensor:
    """A product with the kernel as it lies in the file: (inputs, units)."""
    units = int(layer.options.number("units"))
    inputs = x.channels
    if inputs is None or len(x.shape) < 2:
        raise layer.refused(f"an input of shape {x.shape}")
    [kernel], bias = layer.kernels(("kernel", (inputs, units)), bias=(units,))
    y = _product(x, graph, kernel, bias)
    return activate(layer, y, graph, layer.options.get("activation"))


def _product(x: Tensor, graph: Graph, kernel: Weight, bias: Weight | None) -> Tensor:
    stays = graph.stays_in_file(kernel)
    if x.layout is Layout.CHANNELS_FIRST and not stays:
        return pointwise(x, graph, kernel, bias)
    if x.layout is Layout.FLAT and not stays:
        # The rows of the kernel follow the values, so the values need not move.
        grid = x.grid

        def reordered(values: Array) -> Array:
            apart = values.reshape(*grid, -1)
            turned = apart.transpose(len(grid) - 1, *range(len(grid) - 1), len(grid))
            return turned.reshape(values.shape)

        rows = graph.weight(kernel, f"rows of {grid}", reordered)
    else:
        x = x if x.layout is Layout.TIME_FIRST else keras_order(graph, x)
        rows = graph.weight(kernel)
    shape = (*x.shape[:-1], kernel.shape[1])
    layout = Layout.TIME_FIRST if x.layout is Layout.TIME_FIRST else Layout.KERAS
    if len(shape) == 2 and bias is not None:
        return Tensor(graph.add("Gemm", x.name, rows, graph.weight(bias)), shape, layout)
    name = graph.add("MatMul", x.name, rows)
    name = name if bias is None else graph.add("Add", name, graph.weight(bias))
    return Tensor(name, shape, layout)
