"""One layer as its file describes it: class, name, options, weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from compiler.emission.errors import NotEmittedError
from compiler.emission.weights import Weight
from serving.passport import Loader

# Of a reason, which may quote the file.
_LONGEST = 200
# These say how a layer was trained or built, or what it does in training.
_OF_TRAINING = frozenset(
    """
    activity_regularizer autocast batch_input_shape batch_shape dropout dtype fused implementation
    momentum name noise_shape rate recurrent_dropout renorm_clipping renorm_momentum seed stddev
    synchronized trainable
    unit_forget_bias unroll zero_output_for_mask
    """.split()  # noqa: SIM905
)
_SUFFIXES_OF_TRAINING = ("_initializer", "_regularizer", "_constraint")
# The only value of an option with which the emitted network is the same.
_ONLY: dict[str, tuple[Any, ...]] = {
    "adjustment": (None,),
    "data_format": (None, "channels_last"),
    "lora_alpha": (None,),
    "lora_rank": (None,),
    "optional": (False,),
    "quantization_config": (None,),
    "ragged": (False,),
    "renorm": (False,),
    "return_state": (False,),
    "sparse": (False,),
    "stateful": (False,),
    "time_major": (False,),
    "virtual_batch_size": (None,),
}


class Options:
    """The options of a layer; those that nobody asked for are known in the end."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config
        self._read: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        """An option; the default stands for Keras versions that did not know it."""
        self._read.add(key)
        return self._config.get(key, default)

    def stated(self, key: str) -> Any:
        """An option whose default changed between Keras versions.

        Raises:
            ValueError: the config does not state it.
        """
        if key not in self._config:
            raise ValueError(f"{key} is not stated")
        return self.get(key)

    def pair(self, key: str, count: int, default: Any = 1) -> tuple[int, ...]:
        """An option of one whole number for each of `count` dimensions, which may be one for all.

        Raises:
            ValueError: it is something else.
        """
        value = self.get(key, default)
        values = list(value) if isinstance(value, list | tuple) else [value] * count
        if len(values) != count or not all(type(v) is int and v >= 0 for v in values):
            raise ValueError(f"{key}={value}")
        return tuple(values)

    def number(self, key: str, default: float | None = None) -> float:
        """An option that is a number.

        Raises:
            ValueError: it is something else.
        """
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{key}={value}")
        return float(value)

    def conflicts(self) -> list[str]:
        """Options with a value for which no layer has an emission."""
        config = self._config
        found = [
            f"{key}={config[key]}"
            for key, allowed in _ONLY.items()
            if key in config and config[key] not in allowed
        ]
        dtype = _name_of(config.get("dtype", "float32"))
        return found if dtype == "float32" else [*found, f"dtype={dtype}"]

    def unread(self) -> list[str]:
        """What else the options ask for, once the layer is emitted; it would be lost."""
        known = self._read | _OF_TRAINING | _ONLY.keys()
        return self.conflicts() + [
            f"{key}={value}"
            for key, value in self._config.items()
            if key not in known and not key.endswith(_SUFFIXES_OF_TRAINING)
        ]


def _name_of(dtype: Any) -> str:
    """A type, or the policy that names it."""
    if isinstance(dtype, dict):
        config = dtype.get("config")
        plain = dtype.get("class_name") in {"DTypePolicy", "Policy"}
        return str(config.get("name")) if plain and isinstance(config, dict) else str(dtype)
    return "float32" if dtype is None else str(dtype)


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer, and the weights that its file holds for it, in Keras' order."""

    class_name: str
    name: str
    options: Options
    stored: Sequence[Weight]
    loader: Loader

    def refused(self, reason: str) -> NotEmittedError:
        """The error that says that this layer has no emission."""
        return NotEmittedError(f'layer {self.class_name} "{self.name}": {reason[:_LONGEST]}')

    def inner(self, found: Any, stored: Sequence[Weight]) -> "Layer":
        """The layer that this one wraps, by its serialised form.

        Raises:
            NotEmittedError: it is not the serialised form of a layer.
        """
        config = found.get("config") if isinstance(found, dict) else None
        if not isinstance(config, dict):
            raise self.refused("wraps something that is not a layer")
        name = f"{self.name}/{config.get('name', '')}"
        return Layer(str(found["class_name"]), name, Options(config), stored, self.loader)

    def weights(self, *expected: tuple[str, Sequence[int]]) -> list[Weight]:
        """The weights, checked against the names and shapes that the layer must have.

        Raises:
            NotEmittedError: the file holds others.
        """
        if len(expected) != len(self.stored):
            raise self.refused(f"{len(self.stored)} weights, expected {len(expected)}")
        names = {name for name, _ in expected}
        for (name, shape), weight in zip(expected, self.stored, strict=True):
            if weight.shape != tuple(shape):
                raise self.refused(f"weight {name}: shape {weight.shape}, expected {tuple(shape)}")
            if weight.label != name and weight.label in names:
                raise self.refused(f"weight {name}: the file has {weight.label} in its place")
        return list(self.stored)

    def kernels(
        self, *expected: tuple[str, Sequence[int]], bias: Sequence[int]
    ) -> tuple[list[Weight], Weight | None]:
        """The weights, checked as `weights` does, and the bias that follows them, if it has one.

        Args:
            bias: its shape.
        """
        if not self.options.get("use_bias", True):
            return self.weights(*expected), None
        *kernels, last = self.weights(*expected, ("bias", bias))
        return kernels, last
