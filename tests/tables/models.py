"""Builds a bundle of every third-party Keras file, and compares with what its Keras gave."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from compiler.bundling import Order, build
from serving.documents import Matrix
from serving.model import Model, difference, open_model
from serving.passport import Passport
from serving.signature import Float64Array

HEADS = (
    "file", "written by Keras", "read by", "input → output", "engine",
    "largest difference from TensorFlow", "from the writing Keras",
)  # fmt: skip
NOTES = """\
Differences are relative: for each component of the output the largest |difference| of a batch over
the largest |output|; tolerated: 1e-5, and 1e-4 on random values of scale 100, where float32 itself
rounds that much (the passport lists each comparison). "From the writing Keras" compares with the
answers stored beside the file, where there are some.

`simple_lstm_tf_keras_2_inputs_and_outputs.h5` is not used so: its `outputs` are training targets,
not answers. They reach 93.9, while the model's last layer cannot give more than 29.7 (the sum of
its absolute weights, since an LSTM's output lies between -1 and 1). The tests hold that model
against the LSTM equations in NumPy instead.
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """Inputs, and what the writing Keras answered."""

    inputs: Float64Array
    answers: Float64Array


def model_files(folder: Path) -> list[Path]:
    """The files that are models."""
    return sorted(p for p in folder.glob("*.h5") if "inputs_and_outputs" not in p.name)


def stored_answers(source: Path) -> Stored | None:
    """What the writing Keras gave, where it is stored beside the file as predictions."""
    path = source.with_name(source.name.replace("_model.h5", "_inputs_and_outputs.h5"))
    if path == source or not path.exists():
        return None
    with h5py.File(path) as file:
        if "predictions" not in file:
            return None
        [inputs] = (np.asarray(d, dtype=np.float64) for d in file["inputs"].values())
        [answers] = (np.asarray(d, dtype=np.float64) for d in file["predictions"].values())
    return Stored(inputs, answers)


def predict(model: Model, inputs: Float64Array) -> Float64Array:
    """A bundle's answers to a batch."""
    matrices = [Matrix(str(i), values) for i, values in enumerate(inputs)]
    return np.stack([p.output for p in model.predict(matrices)])


def describe_files(folder: Path) -> tuple[tuple[str, ...], list[list[str]], str]:
    """The table: its heads, its lines, and what to say above it."""
    lines = []
    for source in model_files(folder):
        with tempfile.TemporaryDirectory() as bundles:
            bundle = Path(bundles, "bundle")
            passport = build(Order(source, bundle, source.stem.lower()))
            lines.append(_line(source, passport, open_model(bundle)))
    return HEADS, lines, NOTES


def _line(source: Path, passport: Passport, model: Model) -> list[str]:
    stored = stored_answers(source)
    away = (
        "" if stored is None else f"{difference(predict(model, stored.inputs), stored.answers):.1e}"
    )
    gap = passport.agreement.largest_difference
    return [
        source.name,
        passport.source.keras_version,
        f"{passport.source.loader} {passport.source.loader_version}",
        f"{passport.input.spec} → {passport.output.spec}",
        passport.engine + (f": {passport.fallback_reason}" if passport.fallback_reason else ""),
        "" if gap is None else f"{gap:.1e}",
        away,
    ]
