"""From weights to a bundle: every way in which people have them, and what is refused."""

from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from keras.src.applications import mobilenet_v2
from keras.src.legacy.saving import legacy_h5_format

from drawing import draw_fruit
from fruits.models import NETWORKS
from fruits.weights import bundle_for, check_shape
from serving.documents import Matrix
from serving.errors import ConfigurationError
from serving.model import difference, open_model
from serving.passport import read_passport

NETWORK = NETWORKS["mobilenet_v2"]
SIZE = 32  # the smallest that it takes


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle_for(NETWORK, "random:3", SIZE, tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="module")
def network(seeded: Path) -> Any:
    """MobileNetV2 in Keras itself."""
    return keras.models.load_model(seeded / "model.h5", compile=False)


@pytest.fixture(scope="module")
def legacy(network: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights alone, in the format of those that Keras downloads."""
    path = tmp_path_factory.mktemp("weights") / "mobilenet_no_top.h5"
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, network)
    return path


def images() -> Any:
    return NETWORK.prepare(np.stack([draw_fruit(k, 5, size=SIZE) for k in range(8)]))


def features(bundle: Path) -> Any:
    model = open_model(bundle)
    found = [model.predict([Matrix(str(i), x.astype(float))])[0] for i, x in enumerate(images())]
    return np.stack([prediction.output for prediction in found])


def test_weights_alone_are_those_of_the_network(network: Any, legacy: Path, tmp_path: Path) -> None:
    bundle = bundle_for(NETWORK, str(legacy), SIZE, tmp_path)
    wanted = np.asarray(network(images()))
    assert difference(features(bundle), wanted) < 1e-3
    assert bundle_for(NETWORK, str(legacy), SIZE, tmp_path) == bundle
    assert [p for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_whole_model_is_taken_as_it_is(network: Any, tmp_path: Path) -> None:
    network.save(path := tmp_path / "whole.h5")
    bundle = bundle_for(NETWORK, str(path), SIZE, tmp_path / "bundles")
    assert difference(features(bundle), np.asarray(network(images()))) < 1e-3


def test_imagenet_is_what_keras_downloads(
    network: Any, legacy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def get_file(name: str, origin: str, **_: Any) -> str:
        asked.append((name, origin))
        return str(legacy)

    monkeypatch.setattr(mobilenet_v2.file_utils, "get_file", get_file)
    bundle = bundle_for(NETWORK, "imagenet", SIZE, tmp_path)
    assert difference(features(bundle), np.asarray(network(images()))) < 1e-3
    assert "no_top" in asked[0][0]
    assert asked[0][1].startswith("https://")


def test_without_a_network_imagenet_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get_file(*_: Any, **__: Any) -> str:
        raise Exception("URL fetch failure on https://somewhere: None -- timed out")

    monkeypatch.setattr(mobilenet_v2.file_utils, "get_file", get_file)
    with pytest.raises(ConfigurationError, match=r"cannot be downloaded .*give the HDF5 file"):
        bundle_for(NETWORK, "imagenet", SIZE, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_random_weights_give_features_of_a_usual_size_and_follow_their_seed(
    seeded: Path, tmp_path: Path
) -> None:
    spread = features(seeded).std(axis=0)
    assert (spread > 0.01).mean() > 0.5  # not the 1e-12 of a network that was not calibrated
    other = bundle_for(NETWORK, "random:4", SIZE, tmp_path)
    assert difference(features(other), features(seeded)) > 0.1


def another_network(folder: Path) -> str:
    model = keras.Sequential([keras.Input((SIZE, SIZE, 3)), keras.layers.Conv2D(3, 3)])
    with h5py.File(path := folder / "other.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, model)
    return str(path)


def no_hdf5(folder: Path) -> str:
    (path := folder / "photo.h5").write_bytes(b"\xff\xd8\xff")
    return str(path)


def not_pooled(folder: Path) -> str:
    model = keras.Sequential([keras.Input((SIZE, SIZE, 3)), keras.layers.Conv2D(3, 3)])
    model.save(path := folder / "maps.h5")
    return str(path)


def other_size(folder: Path) -> str:
    layers = [keras.Input((SIZE + 8, SIZE, 3)), keras.layers.GlobalAveragePooling2D()]
    keras.Sequential(layers).save(path := folder / "size.h5")
    return str(path)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(
            lambda f: str(f / "none.h5"), r"none\.h5: No such file; weights are", id="none"
        ),
        pytest.param(lambda f: str(f), "so it is no bundle", id="folder"),
        pytest.param(lambda _: "random:x", "No such file; weights are imagenet", id="seed"),
        pytest.param(another_network, "not the weights of MobileNetV2 without top", id="other"),
        pytest.param(no_hdf5, "not an HDF5 file", id="no HDF5"),
        pytest.param(not_pooled, "expected a vector of features", id="not pooled"),
        pytest.param(other_size, r"takes inputs of shape \(40, 32, 3\)", id="size"),
    ],
)
def test_other_weights_are_refused_and_leave_nothing(
    tmp_path: Path, make: Any, reason: str
) -> None:
    weights, bundles = make(tmp_path), tmp_path / "bundles"
    with pytest.raises(ConfigurationError, match=reason):
        bundle_for(NETWORK, weights, SIZE, bundles)
    assert not list(bundles.glob("*"))


def test_a_bundle_of_another_shape_is_refused(bundle: Path) -> None:
    assert bundle_for(NETWORK, str(bundle), SIZE, bundle) == bundle
    passport = read_passport(bundle)
    with pytest.raises(ConfigurationError, match=r"takes inputs of shape \(5000, 1\), not images"):
        check_shape(passport.input.spec, passport.output.spec, "demo", SIZE, NETWORK)


def test_the_features_of_another_network_are_refused(seeded: Path) -> None:
    """It would get images prepared for the network that was named, and say nothing."""
    passport = read_passport(seeded)
    shapes = passport.input.spec, passport.output.spec
    check_shape(*shapes, "seeded", SIZE, NETWORK)
    with pytest.raises(ConfigurationError, match=r"gives \(1280\), but resnet50 has 2048 features"):
        check_shape(*shapes, "seeded", SIZE, NETWORKS["resnet50"])
