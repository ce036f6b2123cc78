"""The weights of a Keras HDF5 file: which layer has which, read late or not at all."""

from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from compiler.emission.errors import NotEmittedError

Array = NDArray[Any]

MAPPED_FROM_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Weight:
    """A weight that lies in the file."""

    dataset: h5py.Dataset

    @property
    def name(self) -> str:
        """Its name within the file, unique."""
        return str(self.dataset.name).removeprefix("/model_weights/")

    @property
    def label(self) -> str:
        """What its layer calls it: "kernel"."""
        return self.name.rpartition("/")[2].partition(":")[0]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.dataset.shape)

    @property
    def size_bytes(self) -> int:
        return 4 * int(np.prod(self.shape))

    def read(self) -> Array:
        """Its values, as float32.

        Raises:
            NotEmittedError: they are stored in another type.
        """
        if self.dataset.dtype.newbyteorder("=") != np.float32:
            raise NotEmittedError(f"weight {self.name}: of type {self.dataset.dtype}, not float32")
        return np.asarray(self.dataset[...], dtype=np.float32)

    @property
    def offset(self) -> int | None:
        """Where its values begin in the file, if they lie there as ONNX Runtime wants them."""
        plain = self.dataset.chunks is None and self.dataset.dtype == np.dtype("<f4")
        if not plain or self.dataset.id.get_create_plist().get_nfilters():
            return None
        place = self.dataset.id.get_offset()
        return None if place is None else int(place)

    @property
    def is_mappable(self) -> bool:
        """Whether it is large, and can stay in the file."""
        return self.size_bytes >= MAPPED_FROM_BYTES and self.offset is not None


def stored_weights(file: h5py.File) -> list[tuple[str, list[Weight]]]:
    """The layers that have weights, and their weights, in the order of the file.

    Raises:
        NotEmittedError: the file lists weights that it does not hold.
    """
    group = file["model_weights"]
    found = []
    if "top_level_model_weights" in group and _listed(
        group["top_level_model_weights"], "weight_names"
    ):
        raise NotEmittedError("weights that belong to no layer")
    for layer in _listed(group, "layer_names"):
        names = _listed(_item(group, layer, h5py.Group), "weight_names")
        weights = [Weight(_item(group[layer], name, h5py.Dataset)) for name in names]
        if weights:
            found.append((layer, weights))
    return found


def _item(group: h5py.Group, name: str, kind: type) -> Any:
    item = group.get(name)
    if not isinstance(item, kind):
        raise NotEmittedError(f'the file lists "{name}" among its weights, but does not hold it')
    return item


def _listed(group: h5py.Group, name: str) -> list[str]:
    """A list of names; Keras splits what does not fit into one attribute into name0, name1, …"""
    if name in group.attrs:
        parts = [group.attrs[name]]
    else:
        parts = []
        while (key := f"{name}{len(parts)}") in group.attrs:
            parts.append(group.attrs[key])
    return [n.decode("utf-8") if isinstance(n, bytes) else str(n) for part in parts for n in part]
