"""Keras HDF5 files made for tests, with h5py alone: what a hostile or broken file may hold."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Config = dict[str, Any]


def layer(class_name: str, **config: Any) -> Config:
    """A layer as Keras 2 serialises it."""
    return {"class_name": class_name, "config": {"name": class_name.lower(), **config}}


def sequential(*layers: Config) -> Config:
    """A Sequential of Keras 2.3."""
    return {"class_name": "Sequential", "config": {"name": "sequential", "layers": list(layers)}}


INPUT = layer("InputLayer", batch_input_shape=[None, 3], dtype="float32")
DENSE = layer("Dense", units=2, batch_input_shape=[None, 3], dtype="float32")


def write(
    path: Path,
    config: Config | str | None = None,
    *,
    version: str | None = "2.3.1",
    backend: str = "tensorflow",
    weights: bool = True,
) -> Path:
    """A file with an architecture, and a group for weights that holds none."""
    with h5py.File(path, "w") as file:
        if config is not None:
            file.attrs["model_config"] = config if isinstance(config, str) else json.dumps(config)
        if version is not None:
            file.attrs["keras_version"] = version
        file.attrs["backend"] = backend
        if weights:
            group = file.create_group("model_weights")
            group.attrs["layer_names"] = np.array([], dtype="S1")
    return path
