"""Emits a Keras model, runs it on ONNX Runtime, and compares with the model itself."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from compiler.emission import emit
from serving.hdf5.inspection import inspect

Function = Callable[[Any], Any]

SCALES = {0.01: 1e-5, 1.0: 1e-5, 100.0: 1e-4}  # float32 itself rounds that much
_BATCH_SIZES = (1, 3)
_OPEN_LENGTH = 17


def randomise(model: Any) -> None:
    """Weights as training might leave them: no zeros, no ones, variances above zero."""
    rng = np.random.default_rng(3)
    values = []
    for weight, old in zip(model.weights, model.get_weights(), strict=True):
        name = getattr(weight, "path", weight.name)
        if "variance" in name or "gamma" in name:
            new = rng.uniform(0.5, 2.0, old.shape)
        else:
            fan_in = np.prod(old.shape[:-1]) if old.ndim > 1 else 4
            new = rng.standard_normal(old.shape) / np.sqrt(fan_in)
        values.append(new.astype(old.dtype))
    model.set_weights(values)


def emitted(model: Any, folder: Path, **options: Any) -> onnx.ModelProto:
    """The model, saved to a folder as model.h5 and as model.onnx."""
    source = folder / "model.h5"
    model.save(source)
    proto = emit(inspect(source), **options)
    onnx.save(proto, folder / "model.onnx")
    return proto


def session(path: Path) -> Any:
    """A model on ONNX Runtime, without its messages."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def run(opened: Any, batch: Any) -> Any:
    return opened.run(["output"], {"input": batch})[0]


def distance(given: Any, wanted: Any, size: float | None = None) -> float:
    """The largest difference, relative to a size: by default the largest value wanted."""
    given, wanted = (np.asarray(x, dtype=np.float64) for x in (given, wanted))
    assert given.shape == wanted.shape
    largest = float(np.abs(wanted).max(initial=1e-30)) if size is None else size
    return float(np.abs(given - wanted).max(initial=0.0)) / largest


def assert_alike(given: Function, wanted: Function, shape: Sequence[int | None]) -> float:
    """Two functions of a batch agree, at several scales and batch sizes; how far they are apart.

    Large values can drive an LSTM into saturation, where it answers 1e-10: there the size that
    its answers have for smaller values is what counts.
    """
    rng = np.random.default_rng(5)
    known = [_OPEN_LENGTH if d is None else d for d in shape]
    size, worst = 1e-30, 0.0
    for scale, tolerance in SCALES.items():
        for count in _BATCH_SIZES:
            batch = (rng.standard_normal((count, *known)) * scale).astype(np.float32)
            answer = np.asarray(wanted(batch), dtype=np.float64)
            if np.isfinite(answer).all():
                size = max(size, float(np.abs(answer).max()))
                gap = distance(given(batch), answer, size)
                assert gap <= tolerance, (scale, count)
                worst = max(worst, gap)
    return worst


def assert_agrees(model: Any, folder: Path) -> None:
    """The emitted network gives what the model gives."""
    opened = session(folder / "model.onnx")
    assert_alike(
        lambda batch: run(opened, batch),
        lambda batch: model(batch, training=False),
        model.input_shape[1:],
    )
