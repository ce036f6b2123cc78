"""The pretrained networks, and how each wants its images."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]  # (n, height, width, 3), RGB
Prepared = NDArray[np.float32]

# The means of ImageNet's blue, green and red, as Caffe had them.
_CAFFE_MEANS = np.array([103.939, 116.779, 123.68], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Network:
    """A network of keras.applications, without its top and average-pooled.

    Attributes:
        name: how options name it.
        keras_name: its constructor in keras.applications.
        features: how many it gives for an image.
        prepare: RGB images (n, height, width, 3) as the network was trained on them, which is
            what its module's `preprocess_input` does.
    """

    name: str
    keras_name: str
    features: int
    prepare: Callable[[Images], Prepared]


def _between_minus_one_and_one(images: Images) -> Prepared:
    prepared: NDArray[Any] = images.astype(np.float32)
    prepared /= 127.5
    prepared -= 1.0
    return prepared


def _as_caffe(images: Images) -> Prepared:
    prepared: NDArray[Any] = images[..., ::-1].astype(np.float32)
    prepared -= _CAFFE_MEANS
    return prepared


NETWORKS = {
    network.name: network
    for network in (
        Network("mobilenet_v2", "MobileNetV2", 1280, _between_minus_one_and_one),
        Network("resnet50", "ResNet50", 2048, _as_caffe),
    )
}
