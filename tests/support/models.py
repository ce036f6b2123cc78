"""Keras models for tests: saved, built to a bundle, opened again."""

from pathlib import Path
from typing import Any

import numpy as np

from compiler.bundling import Order, build
from serving.model import Model, open_model


def compiled(source: Path, **options: Any) -> Model:
    bundle = source.parent / "bundle"
    build(Order(source, bundle, "trap", **options))
    return open_model(bundle)


def saved(model: Any, folder: Path) -> Path:
    path: Path = folder / "model.h5"
    model.save(path)
    return path


def data(*shape: int) -> Any:
    return np.random.default_rng(5).standard_normal(shape).astype(np.float32)


def heavy(folder: Path) -> Model:
    """A model that takes some 20 ms for a matrix of (400, 1); its bundle is in folder/bundle."""
    import keras

    inputs = keras.Input((400, 1))
    x = inputs
    for _ in range(4):
        x = keras.layers.Conv1D(192, 33, padding="same", activation="relu")(x)
    x = keras.layers.GlobalAveragePooling1D()(x)
    return compiled(saved(keras.Model(inputs, keras.layers.Dense(2)(x)), folder))
