"""Builds an ONNX graph: nodes, and the values that they hold, each stored once."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from compiler.emission.errors import NotEmittedError
from compiler.emission.weights import Array, Weight
from serving.passport import SOURCE

INPUT, OUTPUT = "input", "output"
# As in compiler.conversion, which imports TensorFlow.
OPSET = 17
# The oldest that holds the operator set.
_IR_VERSION = 8
# A protocol buffer ends at 2 GB; the nodes take little.
_LARGEST_BYTES = 2_000_000_000

Shape = tuple[int | None, ...]


class Graph:
    """A graph that grows node by node.

    Attributes:
        mapped: whether large weights stay in the HDF5 file.
        nodes: in the order of computation.
        values: the constants that the graph itself holds, by name.
    """

    def __init__(self, *, mapped: bool) -> None:
        self.mapped = mapped
        self.nodes: list[onnx.NodeProto] = []
        self.values: dict[str, Array] = {}
        self._external: dict[str, Weight] = {}
        self._known: dict[Any, str] = {}

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output, and give the name of that output."""
        return self.add_with_outputs(operator, inputs, 1, **attributes)[0]

    def add_with_outputs(
        self, operator: str, inputs: Sequence[str], count: int, **attributes: Any
    ) -> list[str]:
        """Add a node with several outputs."""
        name = f"{operator.lower()}_{len(self.nodes)}"
        outputs = [name, *(f"{name}_{i}" for i in range(1, count))]
        self.nodes.append(helper.make_node(operator, list(inputs), outputs, name, **attributes))
        return outputs

    def once(self, key: Any, make: Callable[[], str]) -> str:
        """What `make` adds, or what it added before under this key."""
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]

    def constant(self, values: Any, dtype: type = np.int64) -> str:
        """A small constant."""
        array: Array = np.asarray(values, dtype=dtype)
        key = ("constant", array.dtype.str, array.shape, array.tobytes())
        return self.once(key, lambda: self.hold(f"constant_{len(self.values)}", array))

    def hold(self, name: str, array: Array) -> str:
        """Put values into the graph under a name of their own."""
        self.values[name] = np.ascontiguousarray(array)
        return name

    def stays_in_file(self, weight: Weight) -> bool:
        """Whether a weight that needs no change is read from the HDF5 file at run time."""
        return self.mapped and weight.is_mappable

    def weight(
        self, weight: Weight, change: str = "", apply: Callable[[Array], Array] | None = None
    ) -> str:
        """A weight, as it lies in the file or changed.

        Args:
            change: names what `apply` does, so that a weight is stored once for each change.
        """

        def put() -> str:
            name = f"{weight.name}/{change}" if change else weight.name
            if apply is not None:
                return self.hold(name, apply(weight.read()))
            if not self.stays_in_file(weight):
                return self.hold(name, weight.read())
            self._external[name] = weight
            return name

        return self.once(("weight", weight.name, change), put)

    def finish(self, output: str, shape: Shape, input_shape: Shape) -> onnx.ModelProto:
        """The model, whose one output is the tensor named.

        Raises:
            NotEmittedError: its weights are too large for one file.
        """
        self._name_output(output)
        read = {name for node in self.nodes for name in node.input}
        size_bytes = sum(array.nbytes for name, array in self.values.items() if name in read)
        if size_bytes > _LARGEST_BYTES:
            raise NotEmittedError(f"{size_bytes:,} bytes of weights, more than an ONNX file holds")
        tensors = [_external(n, w) for n, w in self._external.items() if n in read]
        for name in list(self.values):
            array = self.values.pop(name)
            if name in read:
                tensors.append(numpy_helper.from_array(array, name))
        graph = helper.make_graph(
            self.nodes,
            "network",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, _dimensions(input_shape))],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, _dimensions(shape, "o"))],
            tensors,
        )
        return helper.make_model(
            graph,
            ir_version=_IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
            producer_name="verger",
        )

    def _name_output(self, output: str) -> None:
        if output == INPUT:
            output = self.add("Identity", output)
        for node in self.nodes:
            for names in (node.input, node.output):
                for i, name in enumerate(names):
                    if name == output:
                        names[i] = OUTPUT


def _dimensions(shape: Shape, prefix: str = "d") -> list[int | str]:
    """An open dimension has a name; that of the batch is the same for input and output."""
    rest = [d if d is not None else f"{prefix}{i}" for i, d in enumerate(shape[1:], 1)]
    return ["batch", *rest]


def _external(name: str, weight: Weight) -> TensorProto:
    """A tensor whose values ONNX Runtime maps from the HDF5 file that lies beside the model."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=weight.shape)
    tensor.data_location = TensorProto.EXTERNAL
    entries = {"location": SOURCE, "offset": weight.offset, "length": weight.size_bytes}
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor
