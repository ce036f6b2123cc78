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
