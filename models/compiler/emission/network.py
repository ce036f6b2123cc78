"""From the architecture that a file states to a list of calls: which layer reads what."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from compiler.emission.errors import NotEmittedError
from compiler.emission.graph import Shape
from serving.passport import Loader

Config = dict[str, Any]
# Layer, which of its calls, which of its outputs.
Key = tuple[str, int, int]

MODELS = frozenset({"Functional", "Model", "Sequential"})
_KEY_SIZE = 3
# Arguments of a call that change nothing when they have this value.
_HARMLESS = {"mask": (None,), "training": (None, False)}


@dataclass(frozen=True, slots=True)
class Call:
    """A layer reads tensors and gives one."""

    layer: str
    output: Key
    inputs: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Network:
    """A model of one input and one output.

    Attributes:
        layers: the serialised layers by name, in the order of the file.
        calls: in the order of computation, those that the output needs.
        shape: of the input, with the batch axis; None where the model does not state it.
    """

    layers: dict[str, Config]
    calls: list[Call]
    input: Key
    output: Key
    shape: Shape | None


def read_network(model: Config, loader: Loader) -> Network:
    """The network of a serialised model.

    Raises:
        NotEmittedError: it has several inputs or outputs, or is not understood.
    """
    if model["class_name"] not in MODELS:
        raise NotEmittedError(f"model of class {model['class_name']}")
    try:
        network = _sequential(model) if _is_sequential(model) else _functional(model, loader)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as cause:
        raise NotEmittedError(f"an architecture of an unknown form: {cause!r}") from cause
    return network


def layers_of(config: Any) -> list[Config]:
    """The serialised layers of a model's config, which an old Sequential is itself."""
    layers: list[Config] = config if isinstance(config, list) else config["layers"]
    return layers


def _is_sequential(model: Config) -> bool:
    return bool(model["class_name"] == "Sequential")


def _name(layer: Config) -> str:
    return str(layer.get("name") or layer["config"]["name"])


def _named(layers: list[Config]) -> dict[str, Config]:
    named = {_name(layer): layer for layer in layers}
    if len(named) != len(layers):
        raise NotEmittedError("layers that share a name")
    return named


def _stated_shape(config: Config) -> Shape | None:
    for key in ("batch_input_shape", "batch_shape"):
        if isinstance(shape := config.get(key), list):
            return tuple(shape)
    return None


def _sequential(model: Config) -> Network:
    config, found = model["config"], layers_of(model["config"])
    layers = _named(found)
    shapes = [_stated_shape(found[0]["config"])]
    if isinstance(config, dict) and isinstance(config.get("build_input_shape"), list):
        shapes.append(tuple(config["build_input_shape"]))
    stated = {shape for shape in shapes if shape is not None}
    if len(stated) > 1:
        raise NotEmittedError(f"two input shapes: {stated}")
    first: Key = ("", 0, 0)
    calls, current = [], first
    for name, layer in layers.items():
        if layer["class_name"] == "InputLayer":
            if current != first:
                raise NotEmittedError("an input among the layers")
            continue
        calls.append(Call(name, (name, 0, 0), (current,)))
        current = (name, 0, 0)
    return Network(layers, calls, first, current, next(iter(stated), None))


def _functional(model: Config, loader: Loader) -> Network:
    config = model["config"]
    layers = _named(config["layers"])
    inputs, outputs = (_keys(config[key]) for key in ("input_layers", "output_layers"))
    if (len(inputs), len(outputs)) != (1, 1):
        raise NotEmittedError(f"{len(inputs)} inputs and {len(outputs)} outputs")
    calls = {
        key: Call(name, key, tuple(_sources(layer, node)))
        for name, layer in layers.items()
        for number, node in enumerate(layer.get("inbound_nodes", []), _first_call(layer, loader))
        if (key := (name, number, 0)) and layer["class_name"] != "InputLayer"
    }
    source = inputs[0]
    shape = _stated_shape(layers[source[0]]["config"])
    return Network(layers, _ordered(calls, source, outputs[0]), source, outputs[0], shape)


def _first_call(layer: Config, loader: Loader) -> int:
    """Keras 2 counts the construction of a model as its first call, and does not list that."""
    if loader == "keras" or layer["class_name"] not in MODELS:
        return 0
    if not _is_sequential(layer):
        return 1
    first = layers_of(layer["config"])[0]
    if first["class_name"] == "InputLayer" or _stated_shape(first["config"]):
        return 1
    raise NotEmittedError(f'model "{_name(layer)}": no input shape')


def _keys(found: Any) -> list[Key]:
    """References to tensors: one, a list of them, or a dict."""
    if isinstance(found, dict):
        found = list(found.values())
    if found and isinstance(found[0], str):
        found = [found]
    return [_key(reference) for reference in found]


def _key(reference: Any) -> Key:
    name, call, output = reference[:_KEY_SIZE]
    if output != 0:
        raise NotEmittedError(f'layer "{name}": it has several outputs')
    return str(name), int(call), int(output)


def _sources(layer: Config, node: Any) -> Iterator[Key]:
    """The tensors that a call reads; its arguments must have no other effect."""
    if isinstance(node, dict):
        _check_harmless(layer, node.get("kwargs", {}))
        args = node["args"]
        if len(args) != 1:
            raise _strange_call(layer, f"{len(args)} arguments")
        found = args[0] if isinstance(args[0], list) else args
        for tensor in found:
            if not isinstance(tensor, dict) or tensor.get("class_name") != "__keras_tensor__":
                raise _strange_call(layer, "a constant")
            yield _key(tensor["config"]["keras_history"])
        return
    for reference in [node] if node and isinstance(node[0], str) else node:
        if len(reference) > _KEY_SIZE:
            _check_harmless(layer, reference[_KEY_SIZE])
        if reference[0] == "_CONSTANT_VALUE":
            raise _strange_call(layer, "a constant")
        yield _key(reference)


def _check_harmless(layer: Config, arguments: Config) -> None:
    for key, value in arguments.items():
        if value not in _HARMLESS.get(key, ()):
            raise _strange_call(layer, f"{key}={str(value)[:60]}")


def _strange_call(layer: Config, what: str) -> NotEmittedError:
    return NotEmittedError(f'layer {layer["class_name"]} "{_name(layer)}": called with {what}')


def _ordered(calls: dict[Key, Call], source: Key, output: Key) -> list[Call]:
    """The calls that the output needs, each after those that it reads."""
    done, order, stack = {source}, [], [output]
    path: set[Key] = set()
    while stack:
        key = stack[-1]
        if key in done:
            stack.pop()
            continue
        call = calls[key]
        missing = [k for k in call.inputs if k not in done]
        if not missing:
            done.add(key)
            order.append(call)
            stack.pop()
        elif key in path:
            raise NotEmittedError("a network with a loop")
        else:
            path.add(key)
            stack += missing
    return order
