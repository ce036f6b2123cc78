"""From a network's name and its weights to a bundle; on the driver, once.

A bundle that is given is taken as it is, and nothing here imports TensorFlow for it: a cluster has
none. Everything else is built by the compiler, which proves the fast engine on drawn images.
"""

import hashlib
import logging
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from drawing import draw_fruit
from fruits.models import Images, Network
from serving.bundle import sha256_of
from serving.errors import ConfigurationError, ModelRefusedError, brief
from serving.passport import PASSPORT
from serving.signature import TensorSpec

# Networks of this depth round more than the usual 1e-5 in any engine: docs/decisions/0003.
TOLERANCE = 1e-3
_SAMPLES, _CALIBRATION = 16, 64
_MAKING = 1  # to be counted up when the same weights would make another bundle
_RANDOM = re.compile(r"random(?::([0-9]{1,9}))?")


def bundle_for(network: Network, weights: str, size: int, bundles: Path) -> Path:
    """The bundle of a network with the weights asked for; built where there is none yet.

    Args:
        weights: a bundle's folder, "imagenet" (downloaded by Keras), an HDF5 file of weights
            without top or of a whole model, or "random", "random:7": seeded, for trials.
        size: height and width of the images, in pixels.
        bundles: where bundles are kept from run to run.

    Raises:
        ConfigurationError: there are no such weights, or they are not of this network.
    """
    if Path(weights, PASSPORT).exists():
        return Path(weights)
    if Path(weights).is_dir():
        raise ConfigurationError(f"{weights}: no {PASSPORT} in it, so it is no bundle")
    bundle = bundles / f"{network.name.replace('_', '-')}-{_fingerprint(network, weights, size)}"
    if not (bundle / PASSPORT).exists():
        _build(network, weights, size, bundle)
    return bundle


def check_shape(
    given: TensorSpec, features: TensorSpec, name: str, size: int, network: Network
) -> None:
    """Whether a model takes images of this size, and gives the features of this network.

    Another network would get images prepared in the wrong way, and say nothing.

    Args:
        given, features: what it takes and gives. name: of it, for the refusal.

    Raises:
        ConfigurationError: it does not.
    """
    if not given.accepts((size, size, 3)):
        raise ConfigurationError(
            f"{name}: takes inputs of shape {given}, not images of ({size}, {size}, 3): "
            "choose another size, or other weights"
        )
    if len(features.shape) != 1:
        raise ConfigurationError(
            f"{name}: gives {features} for an image, expected a vector of features: "
            "the network must be without top and pooled"
        )
    if features.shape != (network.features,):
        raise ConfigurationError(
            f"{name}: gives {features}, but {network.name} has {network.features} features: "
            "choose another network, or other weights"
        )


def _fingerprint(network: Network, weights: str, size: int) -> str:
    if _RANDOM.fullmatch(weights) or weights == "imagenet":
        content = weights
    elif Path(weights).is_file():
        content = sha256_of(Path(weights))
    else:
        raise ConfigurationError(
            f"{weights}: No such file; weights are imagenet, random[:seed], an HDF5 file or a "
            "bundle's folder"
        )
    return hashlib.sha256(f"{_MAKING} {network.name} {content} {size}".encode()).hexdigest()[:12]


def _build(network: Network, weights: str, size: int, bundle: Path) -> None:
    try:
        from compiler.quiet import quiet

        with quiet():
            from compiler.bundling import Order, build
    except ModuleNotFoundError as cause:
        raise ConfigurationError(
            f"{cause.name} is not installed here, so only a bundle can be used: build one with "
            "make fruits, and give its folder as weights"
        ) from cause
    bundle.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=bundle.parent, prefix=".new-") as folder:
        sample = Path(folder, "sample.npz")
        np.savez(sample, matrices=network.prepare(_drawn(_SAMPLES, size)))
        source, fresh = Path(folder, "model.h5"), Path(folder, "bundle")
        with _quiet():
            _write_model(network, weights, size, source)
        name = network.name.replace("_", "-")
        build(Order(source, fresh, name, sample=sample, tolerance=TOLERANCE))
        fresh.rename(bundle)


def _write_model(network: Network, weights: str, size: int, source: Path) -> None:
    """The whole model as one HDF5 file."""
    if weights == "imagenet":
        _keras_model(network, size, "imagenet").save(source)
    elif seed := _RANDOM.fullmatch(weights):
        import keras

        keras.utils.set_random_seed(int(seed[1] or 0))
        model = _keras_model(network, size, None)
        _calibrate(model, network.prepare(_drawn(_CALIBRATION, size)))
        model.save(source)
    elif _is_model(Path(weights)):
        from serving.hdf5.loading import load

        found = load(Path(weights), trust_code=False)
        check_shape(found.input, found.output, weights, size, network)
        source.write_bytes(Path(weights).read_bytes())
    else:
        model = _keras_model(network, size, None)
        try:
            model.load_weights(weights)
        except Exception as cause:  # Keras has no common one
            raise ModelRefusedError(
                f"{weights}: not the weights of {network.keras_name} without top: {brief(cause)}"
            ) from cause
        model.save(source)


def _is_model(path: Path) -> bool:
    """Whether an HDF5 file has the architecture as well."""
    import h5py

    try:
        with h5py.File(path) as file:
            return "model_config" in file.attrs
    except OSError as cause:
        raise ModelRefusedError(f"{path}: not an HDF5 file: {brief(cause)}") from cause


def _keras_model(network: Network, size: int, weights: str | None) -> Any:
    import keras

    try:
        return getattr(keras.applications, network.keras_name)(
            weights=weights, include_top=False, pooling="avg", input_shape=(size, size, 3)
        )
    except ValueError as cause:
        raise ConfigurationError(f"{network.keras_name} of {size}×{size}: {cause}") from cause
    except Exception as cause:
        if weights is None:
            raise
        raise ConfigurationError(
            f"the {weights} weights of {network.keras_name} cannot be downloaded "
            f"({brief(cause)}): give the HDF5 file, or --weights random for a trial"
        ) from cause


def _calibrate(model: Any, images: Any) -> None:
    """Keep the size of what passes through a random network about 1, one number for each layer.

    With the statistics that Keras starts from, features are about 1e-12. With a mean and a variance
    for each channel, as training would give them, fifty layers of random weights make what is left
    of any two images equally unlike: neighbours then say nothing.
    """
    import keras

    values = {id(model.inputs[0]): keras.ops.convert_to_tensor(images)}
    for layer in model.layers[1:]:
        several = isinstance(layer.input, list)
        inputs = [values[id(x)] for x in (layer.input if several else [layer.input])]
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(keras.ops.zeros_like(layer.moving_mean))
            size = keras.ops.mean(keras.ops.square(inputs[0]))
            layer.moving_variance.assign(keras.ops.full_like(layer.moving_variance, size))
        values[id(layer.output)] = layer(inputs if several else inputs[0])


def _drawn(count: int, size: int) -> Images:
    return np.stack([draw_fruit(kind, 0, size=size) for kind in range(count)])


@contextmanager
def _quiet() -> Iterator[None]:
    """Keras calls the format that this project is about a legacy one, in two ways."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # That there are no weights for this size: those of 224×224 do for convolutions.
            warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        logger.setLevel(level)
