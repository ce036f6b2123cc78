"""Which of the stored weights are whose: by order, as Keras itself loads them."""

from collections.abc import Sequence
from typing import Any

from compiler.emission.errors import NotEmittedError
from compiler.emission.network import MODELS, Config, Network, layers_of
from compiler.emission.weights import Weight

Stored = dict[str, list[Weight]]

_KERNELS = {
    "Dense": 1, "Conv1D": 1, "Conv2D": 1, "Convolution1D": 1, "Convolution2D": 1,
    "DepthwiseConv1D": 1, "DepthwiseConv2D": 1, "SeparableConv1D": 2, "SeparableConv2D": 2,
    "LSTM": 2, "GRU": 2, "SimpleRNN": 2,
}  # fmt: skip


def match(network: Network, stored: Sequence[tuple[str, list[Weight]]]) -> Stored:
    """The weights of each layer, by the layer's name.

    Raises:
        NotEmittedError: the file's weights are not those of its layers.
    """
    names = [name for name, _ in stored]
    order = list(network.layers)
    if set(names) <= set(order):
        if sorted(names, key=order.index) != names:
            raise NotEmittedError("the weights are in another order than the layers")
        return dict(stored)
    # A model that was copied has its weights under the names of the original.
    owners = [name for name, layer in network.layers.items() if sum(count(layer))]
    if len(owners) != len(stored):
        raise NotEmittedError(f"weights for {len(stored)} layers, expected {len(owners)}")
    return {name: weights for name, (_, weights) in zip(owners, stored, strict=True)}


def match_nested(network: Network, stored: Sequence[Weight]) -> Stored:
    """The weights of the layers of a model within a model: all trainable ones come first.

    Raises:
        NotEmittedError: their number is not that of the layers.
    """
    counts = {name: count(layer) for name, layer in network.layers.items()}
    trainable = sum(first for first, _ in counts.values())
    if trainable + sum(second for _, second in counts.values()) != len(stored):
        raise NotEmittedError("the weights of the model within are not those of its layers")
    first, second = iter(stored[:trainable]), iter(stored[trainable:])
    return {
        name: [next(first) for _ in range(a)] + [next(second) for _ in range(b)]
        for name, (a, b) in counts.items()
    }


def count(layer: Config) -> tuple[int, int]:
    """How many weights a layer has: trainable ones, and others.

    Those of a frozen layer are not trainable.
    """
    kind, config = layer["class_name"], layer["config"]
    a, b = _count(kind, config)
    if isinstance(config, dict) and config.get("trainable") is False and a:
        return 0, a + b
    return a, b


def _count(kind: str, config: Any) -> tuple[int, int]:
    if kind in MODELS:
        counts = [count(inner) for inner in layers_of(config)]
        return sum(a for a, _ in counts), sum(b for _, b in counts)
    if kind in _KERNELS:
        return _KERNELS[kind] + bool(config.get("use_bias", True)), 0
    if kind in {"BatchNormalization", "LayerNormalization"}:
        affine = sum(bool(config.get(key, True)) for key in ("center", "scale"))
        return affine, 2 if kind == "BatchNormalization" else 0
    if kind == "PReLU":
        return 1, 0
    if kind == "Normalization":
        return 0, 3 if config.get("mean") is None else 0
    if kind == "TimeDistributed":
        return count(config["layer"])
    if kind == "Bidirectional":
        a, b = count(config["layer"])
        return 2 * a, 2 * b
    return 0, 0
