"""Emits a network call by call: the architecture and the weights in, an ONNX graph out."""

import h5py
import onnx

from compiler.emission.errors import NotEmittedError
from compiler.emission.folding import fold
from compiler.emission.graph import INPUT, Graph
from compiler.emission.layer import Layer, Options
from compiler.emission.layouts import Tensor, keras_order
from compiler.emission.matching import Stored, match, match_nested
from compiler.emission.merging import MERGING
from compiler.emission.network import MODELS, Config, Network, read_network
from compiler.emission.table import EMITTERS
from compiler.emission.weights import stored_weights
from serving.hdf5.inspection import Inspection
from serving.passport import Loader


def emit(inspection: Inspection, *, mapped: bool = False) -> onnx.ModelProto:
    """The network of a Keras file as ONNX, without TensorFlow.

    Args:
        mapped: leave large weights in the HDF5 file, where ONNX needs them as they lie there; the
            ONNX file must then lie in one folder with it, and it must be called "model.h5".

    Returns:
        a model with an input "input", (batch, *shape of one matrix), and an output "output".

    Raises:
        NotEmittedError: the network has a layer or an option that has no emission.
    """
    network = read_network(inspection.config, inspection.loader)
    stated = inspection.config["config"]
    if isinstance(stated, dict) and (conflicts := Options(stated).conflicts()):
        raise NotEmittedError(f"model: {', '.join(conflicts)}")
    if network.shape is None:
        raise NotEmittedError("no input shape")
    with h5py.File(inspection.path, "r") as file:
        graph = Graph(mapped=mapped)
        weights = match(network, stored_weights(file))
        shape = (None, *network.shape[1:])
        emission = _Emission(graph, inspection.loader)
        y = keras_order(graph, emission.network(network, weights, Tensor(INPUT, shape)))
        fold(graph, y.name)
        return graph.finish(y.name, y.shape, shape)


class _Emission:
    """The way through a network, and through the networks within."""

    def __init__(self, graph: Graph, loader: Loader) -> None:
        self._graph = graph
        self._loader = loader

    def network(self, network: Network, weights: Stored, x: Tensor) -> Tensor:
        self._check_options(network)
        tensors = {network.input: x}
        for call in network.calls:
            found = network.layers[call.layer]
            inputs = [tensors[key] for key in call.inputs]
            if found["class_name"] in MODELS:
                tensors[call.output] = self._within(found, call.layer, weights, inputs)
                continue
            stored = weights.get(call.layer, [])
            options = Options(found["config"])
            layer = Layer(found["class_name"], call.layer, options, stored, self._loader)
            tensors[call.output] = self.layer(layer, inputs)
        return tensors[network.output]

    def _within(self, found: Config, name: str, weights: Stored, inputs: list[Tensor]) -> Tensor:
        inner = read_network(found, self._loader)
        if len(inputs) != 1:
            raise NotEmittedError(f'model "{name}": {len(inputs)} inputs')
        return self.network(inner, match_nested(inner, weights.get(name, [])), inputs[0])

    def _check_options(self, network: Network) -> None:
        """Those of its inputs, and of layers that nothing reads."""
        for name, found in network.layers.items():
            if not isinstance(found["config"], dict):
                continue
            layer = Layer(found["class_name"], name, Options(found["config"]), [], self._loader)
            is_input = layer.class_name == "InputLayer"
            if unmet := layer.options.unread() if is_input else layer.options.conflicts():
                raise layer.refused(", ".join(unmet))

    def layer(self, layer: Layer, inputs: list[Tensor]) -> Tensor:
        """One call of a layer."""
        try:
            if layer.class_name in MERGING:
                y = MERGING[layer.class_name](layer, inputs, self._graph)
            elif layer.class_name == "TimeDistributed":
                y = self._each_step(layer, inputs)
            elif layer.class_name not in EMITTERS:
                raise layer.refused("no emission of this class")
            elif len(inputs) != 1:
                raise layer.refused(f"{len(inputs)} inputs")
            else:
                y = EMITTERS[layer.class_name](layer, inputs[0], self._graph)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as cause:
            raise layer.refused(str(cause)) from cause
        if unmet := layer.options.unread():
            raise layer.refused(", ".join(unmet))
        return y

    def _each_step(self, layer: Layer, inputs: list[Tensor]) -> Tensor:
        """A layer applied to each step: the steps of all matrices become one batch."""
        inner = layer.inner(layer.options.get("layer"), layer.stored)
        if len(inputs) != 1 or len(inputs[0].shape) < 3:
            raise layer.refused("its input has no steps")
        x = inputs[0]
        if inner.class_name == "Dense" and len(x.shape) == 3:
            return self.layer(inner, [x])
        steps, *rest = x.shape[1:]
        if steps is None or None in rest or inner.class_name in MODELS:
            raise layer.refused(f"around {inner.class_name} on an input of shape {x.shape}")
        graph = self._graph
        one = graph.constant([-1, *rest])
        joined = graph.add("Reshape", keras_order(graph, x).name, one)
        y = keras_order(graph, self.layer(inner, [Tensor(joined, (None, *rest))]))
        if None in y.shape[1:]:
            raise layer.refused("gives an open shape")
        apart = graph.add("Reshape", y.name, graph.constant([-1, steps, *y.shape[1:]]))
        return Tensor(apart, (None, steps, *y.shape[1:]))
