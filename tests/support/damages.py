"""Damages to a bundle: each is a function of its folder."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx

Damage = Callable[[Path], Any]

PASSPORT, ONNX, H5 = "passport.json", "model.onnx", "model.h5"


def cut(name: str, size: int) -> Damage:
    return lambda bundle: os.truncate(bundle / name, size)


def put(name: str, content: bytes) -> Damage:
    return lambda bundle: (bundle / name).write_bytes(content)


def fill(name: str, content: bytes) -> Damage:
    """As long as it was."""

    def damage(bundle: Path) -> None:
        size = (bundle / name).stat().st_size
        (bundle / name).write_bytes((content * size)[:size])

    return damage


def gone(name: str) -> Damage:
    return lambda bundle: (bundle / name).unlink()


def folder_for(name: str) -> Damage:
    def damage(bundle: Path) -> None:
        (bundle / name).unlink()
        (bundle / name).mkdir()

    return damage


def flip(name: str, at: int, bit: int = 0) -> Damage:
    def damage(bundle: Path) -> None:
        content = bytearray((bundle / name).read_bytes())
        content[at] ^= 1 << bit
        (bundle / name).write_bytes(content)

    return damage


def flip_in(name: str, text: bytes) -> Damage:
    """The first bit of a text in a file."""
    return lambda bundle: flip(name, (bundle / name).read_bytes().index(text))(bundle)


def state(place: str, value: Any) -> Damage:
    """Another value at a place of the passport, like "golden.output"."""

    def damage(bundle: Path) -> None:
        content = json.loads((bundle / PASSPORT).read_text())
        *path, last = place.split(".")
        part = content
        for name in path:
            part = part[name]
        if value is ...:
            del part[last]
        else:
            part[last] = value
        (bundle / PASSPORT).write_text(json.dumps(content))

    return damage


def another(bundle: Path) -> None:
    """The same network with other weights: its largest tensor, drawn again."""
    network = onnx.load(bundle / ONNX)
    tensor = max(network.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    values = np.random.default_rng(1).standard_normal(len(tensor.raw_data) // 4)
    tensor.raw_data = values.astype(np.float32).tobytes()
    onnx.save(network, bundle / ONNX)


def file_instead(bundle: Path) -> None:
    shutil.rmtree(bundle)
    bundle.write_bytes(b"not a folder")
