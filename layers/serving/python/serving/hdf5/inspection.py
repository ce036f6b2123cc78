"""Looks at a Keras HDF5 file and decides whether it may be loaded, and by which Keras.

Nothing from the file is executed, imported or unpickled here: attributes are read as JSON.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from serving.errors import ModelRefusedError, brief
from serving.hdf5.policy import Config, check_object
from serving.passport import Loader

_BATCH_SHAPES = frozenset({"batch_input_shape", "batch_shape", "build_input_shape"})
_MODELS = frozenset({"Functional", "Model", "Sequential"})
_MOST_OBJECTS = 100_000


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a file says of itself.

    Attributes:
        config: the architecture, with any fixed batch size freed.
        freed_batch_size: the batch size that the file was bound to, if it was.
        batch_input_shape: the input shape that the file states, with the batch axis.
    """

    path: Path
    keras_version: str
    loader: Loader
    config: Config
    freed_batch_size: int | None
    batch_input_shape: tuple[int | None, ...] | None


def inspect(path: Path, *, trust_code: bool = False) -> Inspection:
    """Look at a file without executing anything of it.

    Args:
        trust_code: accept layers that carry code.

    Raises:
        ModelRefusedError: it is not a Keras HDF5 file with one architecture and its weights, or
            it holds what cannot be served faithfully or safely; the text says what and where.
    """
    _check_is_hdf5(path)
    try:
        with h5py.File(path, "r") as file:
            _check_self_contained(file)
            config = _stored_config(file)
            keras_version = _text(file.attrs.get("keras_version"))
            backend = _text(file.attrs.get("backend"))
    except (OSError, RuntimeError, KeyError, ValueError) as cause:
        raise ModelRefusedError(f"damaged HDF5 file: {brief(cause)}") from cause
    loader = _loader(keras_version, backend)
    for place, found in walk(config):
        check_object(place, found, loader, trust_code=trust_code)
    sizes = _free_batch_size(config)
    return Inspection(
        path=path,
        keras_version=keras_version,
        loader=loader,
        config=config,
        freed_batch_size=min(sizes, default=None),
        batch_input_shape=_input_shape(config),
    )


def walk(node: Any, place: str = "model") -> Iterator[tuple[str, Config]]:
    """Every serialised object of a config (a dict with a class name), with where it is."""
    if isinstance(node, dict):
        if isinstance(node.get("class_name"), str):
            name = _name(node)
            place = f"{place} → {name}" if place else name
            yield place, node
        for child in node.values():
            yield from walk(child, place)
    elif isinstance(node, list):
        for child in node:
            yield from walk(child, place)


def _name(node: Config) -> str:
    config = node.get("config")
    named = config.get("name") if isinstance(config, dict) else None
    named = named or node.get("name")
    return (
        f'{node["class_name"][:60]} "{str(named)[:60]}"' if named else str(node["class_name"])[:60]
    )


def _check_is_hdf5(path: Path) -> None:
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as cause:
        raise ModelRefusedError(f"cannot be read: {cause.strerror}") from cause
    if not h5py.is_hdf5(path):
        raise ModelRefusedError(f"not an HDF5 file: {_what(head)}")


def _what(head: bytes) -> str:
    if not head:
        return "it is empty"
    if head.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer; fetch the file itself with: git lfs pull"
    if head.startswith(b"PK\x03\x04"):
        return "it is a zip archive (a .keras file?); save the model as .h5"
    if head[:1] == b"\x80" and len(head) > 1 and head[1] <= 5:
        return "it is a Python pickle, which would execute what it carries"
    if head.lstrip()[:1] == b"<":
        return "it is an HTML or XML page (a download that failed?)"
    text = head.decode("utf-8", "ignore")
    if len(text.encode()) > len(head) - 4 and all(c.isprintable() or c.isspace() for c in text):
        return f'it is text ("{text[:30].splitlines()[0]}…")'
    return f"it starts with {head[:8].hex(' ')}"


def _check_self_contained(file: h5py.File) -> None:
    """Links and external storage make HDF5 read other files of this machine as weights."""
    left = _MOST_OBJECTS
    groups: list[h5py.Group] = [file]
    while groups:
        group = groups.pop()
        for name in group:
            left -= 1
            if left < 0:
                raise ModelRefusedError(f"more than {_MOST_OBJECTS:,} objects in the file")
            place = f"{group.name.rstrip('/')}/{name}"[:200]
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ModelRefusedError(f"{place}: a link to elsewhere, refused")
            item = group[name]
            if isinstance(item, h5py.Group):
                groups.append(item)
            elif isinstance(item, h5py.Dataset) and (item.external or item.is_virtual):
                raise ModelRefusedError(f"{place}: stored in another file, refused")


def _stored_config(file: h5py.File) -> Config:
    if "model_config" not in file.attrs:
        if "layer_names" in file.attrs or "model_weights" in file:
            raise ModelRefusedError(
                "weights without architecture (no model_config): save the whole model with "
                "model.save(), not model.save_weights()"
            )
        found = ", ".join(f'"{name[:40]}"' for name in list(file)[:5]) or "nothing"
        raise ModelRefusedError(f"an HDF5 file that Keras did not write: it holds {found}")
    if "model_weights" not in file:
        raise ModelRefusedError("architecture without weights (no group model_weights)")
    try:
        config = json.loads(_text(file.attrs["model_config"]))
    except (ValueError, RecursionError) as cause:
        raise ModelRefusedError(f"model_config is not JSON: {cause}") from cause
    if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
        raise ModelRefusedError("model_config does not describe a model")
    return config


def _text(attribute: object) -> str:
    """An attribute as text; h5py gives bytes, text with surrogates, or anything at all."""
    if attribute is None:
        return ""
    if isinstance(attribute, str):
        attribute = attribute.encode("utf-8", "replace")
    if not isinstance(attribute, bytes):
        raise ValueError(f"an attribute is {type(attribute).__name__}, expected text")
    return attribute.decode("utf-8", "replace")


def _loader(keras_version: str, backend: str) -> Loader:
    generation = keras_version.partition(".")[0]
    if generation not in {"2", "3"}:
        wrote = (
            f"written by Keras {keras_version[:20]}" if keras_version else "states no Keras version"
        )
        raise ModelRefusedError(
            f"{wrote}: no loader is proven faithful for it; load it with the Keras that wrote it "
            "and save it with Keras 2.2 or later"
        )
    if backend == "theano":
        raise ModelRefusedError(
            "written by Keras on Theano, whose convolutions are flipped: "
            "convert it with Keras 2 (convert_all_kernels_in_model) first"
        )
    return "keras" if generation == "3" else "tf-keras"


def _free_batch_size(node: Any) -> set[int]:
    """Put None for every batch size of a config, in place; the sizes that were there."""
    sizes: set[int] = set()
    if isinstance(node, list):
        for child in node:
            sizes |= _free_batch_size(child)
    elif isinstance(node, dict):
        for key, child in node.items():
            is_shape = key in _BATCH_SHAPES and isinstance(child, list) and child
            if is_shape and isinstance(child[0], int):
                sizes.add(child[0])
                child[0] = None
            elif not is_shape:
                sizes |= _free_batch_size(child)
    return sizes


def _input_shape(model: Config) -> tuple[int | None, ...] | None:
    """The input shape that a model states: its own, or that of the layer it begins with."""
    config = model.get("config")
    if isinstance(config, dict):
        for key in ("build_input_shape", "batch_input_shape", "batch_shape"):
            if isinstance(shape := config.get(key), list):
                return tuple(shape)
        config = config.get("layers")
    if not isinstance(config, list) or model["class_name"] not in _MODELS:
        return None
    layers = [layer for layer in config if isinstance(layer, dict) and "class_name" in layer]
    inputs = [layer for layer in layers if layer["class_name"] == "InputLayer"]
    return _input_shape((inputs or layers)[0]) if layers else None
