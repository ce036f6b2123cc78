"""The models to measure, made from a seed: `python -m bench.models NAME FILE`.

Nobody trained them: speed and memory depend on shapes. What batch normalisation has seen is drawn
too, since statistics of zero and one could be optimised away.
"""

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

SEED = 3
_INPUT = (5000, 1)


def small() -> Any:
    """A convolutional network of about 200,000 parameters."""
    x = inputs = keras.Input(_INPUT)
    for filters, width, strides in ((16, 7, 4), (32, 5, 2), (64, 5, 2), (128, 5, 2), (192, 5, 2)):
        x = layers.Conv1D(filters, width, strides=strides, padding="same")(x)
        x = layers.Activation("relu")(layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling1D()(x)
    x = layers.Dense(96, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(x))


def resnet() -> Any:
    """ResNet-34 (He et al., 2016) with convolutions along time, 7.2 million parameters."""
    inputs = keras.Input(_INPUT)
    x = _normalised(layers.Conv1D(64, 7, strides=2, padding="same", use_bias=False)(inputs))
    x = layers.MaxPooling1D(3, strides=2, padding="same")(layers.Activation("relu")(x))
    for stage, (filters, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
        x = _block(x, filters, strides=2 if stage else 1)
        for _ in range(blocks - 1):
            x = _block(x, filters, strides=1)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(x))


def _block(x: Any, filters: int, strides: int) -> Any:
    """Two convolutions beside a shortcut."""
    shortcut = x
    if strides > 1:
        shortcut = layers.Conv1D(filters, 1, strides=strides, use_bias=False)(x)
        shortcut = _normalised(shortcut)
    x = layers.Conv1D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
    x = layers.Activation("relu")(_normalised(x))
    x = layers.Conv1D(filters, 3, padding="same", use_bias=False)(x)
    return layers.Activation("relu")(layers.Add()([_normalised(x), shortcut]))


def _normalised(x: Any) -> Any:
    return layers.BatchNormalization()(x)


def cnn_lstm() -> Any:
    """Convolutions that shorten the signal, then an LSTM over what is left."""
    x = inputs = keras.Input(_INPUT)
    for filters, width, strides, pool in ((32, 16, 4, 4), (64, 8, 1, 2)):
        x = layers.Conv1D(filters, width, strides=strides, padding="same", activation="relu")(x)
        x = layers.MaxPooling1D(pool)(layers.BatchNormalization()(x))
    x = layers.LSTM(128)(x)
    x = layers.Dense(64, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(x))


def large() -> Any:
    """Dense layers whose float32 weights are 1.0 GB; zeros until they are filled."""
    x = inputs = keras.Input(_INPUT)
    x = layers.Conv1D(16, 25, strides=5, padding="same", activation="relu")(x)
    x = layers.Flatten()(x)
    for units in (10_000, 9_000):
        x = layers.Dense(units, activation="relu", kernel_initializer="zeros")(x)
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(x))


MODELS: dict[str, Callable[[], Any]] = {
    "small": small,
    "resnet": resnet,
    "cnn_lstm": cnn_lstm,
    "large": large,
}


def fill(model: Any) -> None:
    """Draw all weights, one layer at a time: a gigabyte is not held twice."""
    rng = np.random.default_rng(SEED)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            size = layer.gamma.shape
            # Below one, or each block of the ResNet would double what it adds to.
            gamma, variance = rng.uniform(0.25, 0.75, size), rng.uniform(0.5, 1.5, size)
            beta, mean = (rng.normal(0, 0.1, size) for _ in range(2))
            layer.set_weights([gamma, beta, mean, variance])
        elif layer.weights:
            layer.set_weights([_draw(rng, tuple(w.shape)) for w in layer.weights])


def _draw(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Such that values neither grow nor vanish from layer to layer (He et al., 2015)."""
    values = rng.standard_normal(shape, dtype=np.float32)
    values *= 0.01 if len(shape) == 1 else np.sqrt(2 / np.prod(shape[:-1]))
    return values


def main() -> None:
    """Write one model, beside its place first."""
    name, path = sys.argv[1], Path(sys.argv[2])
    keras.utils.set_random_seed(SEED)
    model = MODELS[name]()
    fill(model)
    partial = path.with_suffix(".partial.h5")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that HDF5 is a legacy format
        model.save(partial)
    partial.replace(path)
    print(f"{name}: {model.count_params():,} parameters")


if __name__ == "__main__":
    main()
