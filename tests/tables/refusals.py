"""Every kind of bad file and document, and what its sender sees. The tests run this table."""

import gzip
import io
import pickle
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.support.documents import npy, one
from tests.support.keras_files import DENSE, INPUT, layer, sequential, write

ROOT = Path(__file__).parents[2]
BUNDLE = ROOT / "models/demo/bundle"
FULL = "0.5 " * 4999
XML = {"content-type": "application/xml"}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row: what is wrong, how to do it, and the place that the answer must name."""

    what: str
    make: Callable[[Path], Path | bytes]
    place: str
    headers: dict[str, str] | None = None


def _bytes(content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "model.h5"
        path.write_bytes(content)
        return path

    return make


def _config(*layers: dict[str, Any], **options: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        return write(folder / "model.h5", sequential(*layers), **options)

    return make


def _linked(folder: Path) -> Path:
    path = write(folder / "model.h5", sequential(DENSE))
    with h5py.File(path, "r+") as file:
        file["model_weights/kernel"] = h5py.ExternalLink("/etc/passwd", "/x")
    return path


def _external(folder: Path) -> Path:
    path = write(folder / "model.h5", sequential(DENSE))
    with h5py.File(path, "r+") as file:
        file["model_weights"].create_dataset("kernel", (8,), "u1", external=[("/etc/passwd", 0, 8)])
    return path


def _weights_only(folder: Path) -> Path:
    path = folder / "model.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"dense"]
        file.create_group("dense")
    return path


def _other_layout(folder: Path) -> Path:
    path = folder / "model.h5"
    with h5py.File(path, "w") as file:
        file["measurements"] = np.zeros(3)
    return path


def _truncated(folder: Path) -> Path:
    path = folder / "model.h5"
    path.write_bytes((BUNDLE / "model.h5").read_bytes()[:100_000])
    return path


def _two_inputs(folder: Path) -> Path:
    import keras

    a, b = keras.Input((3,)), keras.Input((3,))
    keras.Model([a, b], keras.layers.Add()([a, b])).save(folder / "model.h5")
    return folder / "model.h5"


def _dropout_on(folder: Path) -> Path:
    import tf_keras  # Keras 3 switches it off at prediction, Keras 2 does not

    x = tf_keras.Input((30,))
    y = tf_keras.layers.Dropout(0.5, name="dropout")(x, training=True)
    tf_keras.Model(x, y, name="model").save(folder / "model.h5")
    return folder / "model.h5"


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("config.json", "{}")
    return file.getvalue()


_LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
_LAMBDA = layer("Lambda", function=["4wEAAAA=", None, None], function_type="lambda")
_CALL = {
    "class_name": "TFOpLambda",
    "config": {"name": "op", "function": "io.write_file"},
    "inbound_nodes": [],
}
_SLICING = {
    "class_name": "SlicingOpLambda",
    "config": {"name": "op", "function": "io.gfile.rmtree"},
    "inbound_nodes": [],
}
_CELL = {"class_name": "ResidualWrapper", "config": {"residual_fn_type": "lambda"}}
_LOOKUP = layer("IntegerLookup", vocabulary="/etc/passwd")
_RAW = layer("TensorFlowOpLayer", node_def="name: 'x' op: 'WriteFile'")
_FOREIGN = layer("Dense", units=2) | {"module": "os.path", "registered_name": "Dense"}
_FILE = "refused: model.h5: "

MODEL_FILES = [
    Refusal("an empty file", _bytes(b""), _FILE + "not an HDF5 file"),
    Refusal("a Python pickle", _bytes(pickle.dumps({"w": 1})), _FILE + "not an HDF5 file"),
    Refusal("a Git LFS pointer", _bytes(_LFS), _FILE + "not an HDF5 file"),
    Refusal("text", _bytes(b"epoch,loss\n1,0.5\n"), _FILE + "not an HDF5 file"),
    Refusal("a web page", _bytes(b"<!DOCTYPE html><html>"), _FILE + "not an HDF5 file"),
    Refusal("a .keras archive", _bytes(_zip()), _FILE + "not an HDF5 file"),
    Refusal("other bytes", _bytes(bytes(range(128, 160))), _FILE + "not an HDF5 file"),
    Refusal("a file that is not there", lambda folder: folder / "model.h5", _FILE + "cannot be"),
    Refusal("half a file", _truncated, _FILE + "damaged HDF5 file"),
    Refusal("weights without architecture", _weights_only, "(no model_config)"),
    Refusal(
        "architecture without weights", _config(DENSE, weights=False), "(no group model_weights)"
    ),
    Refusal("another HDF5 layout", _other_layout, 'it holds "measurements"'),
    Refusal(
        "an architecture that is not JSON",
        lambda folder: write(folder / "model.h5", "{"),
        "model_config",
    ),
    Refusal("Keras 1", _config(DENSE, version="1.2.2"), "written by Keras 1.2.2"),
    Refusal("no Keras version", _config(DENSE, version=None), "states no Keras version"),
    Refusal("Theano", _config(DENSE, backend="theano"), "written by Keras on Theano"),
    Refusal("a Lambda layer", _config(DENSE, _LAMBDA), 'Lambda "lambda"'),
    Refusal(
        "a Lambda layer inside another",
        _config(layer("TimeDistributed", layer=_LAMBDA)),
        'TimeDistributed "timedistributed" → Lambda "lambda"',
    ),
    Refusal("a call of TensorFlow that writes files", _config(_CALL), 'TFOpLambda "op"'),
    Refusal("the same as a slice", _config(_SLICING), 'SlicingOpLambda "op"'),
    Refusal("code in a cell", _config(layer("RNN", cell=_CELL)), 'RNN "rnn" → ResidualWrapper'),
    Refusal("a vocabulary in another file", _config(_LOOKUP), 'IntegerLookup "integerlookup"'),
    Refusal("a raw graph operation", _config(_RAW), 'TensorFlowOpLayer "tensorflowoplayer"'),
    Refusal(
        "an activation that is code",
        _config(layer("Dense", units=2, activation={"class_name": "__lambda__", "config": {}})),
        'Dense "dense" → __lambda__',
    ),
    Refusal("an object of another module", _config(_FOREIGN, version="3.9.0"), 'Dense "dense"'),
    Refusal("a link to another file", _linked, "/model_weights/kernel"),
    Refusal("weights stored in another file", _external, "/model_weights/kernel"),
    Refusal(
        "an unknown custom layer", _config(INPUT, layer("MyAttention")), 'MyAttention "myattention"'
    ),
    Refusal("a stateful layer", _config(layer("LSTM", units=2, stateful=True)), 'LSTM "lstm"'),
    Refusal("a time-major layer", _config(layer("LSTM", units=2, time_major=True)), 'LSTM "lstm"'),
    Refusal("two inputs", _two_inputs, "2 inputs and 1 outputs"),
    Refusal("dropout that stays on", _dropout_on, "Dropout"),
]

DOCUMENTS = [
    Refusal("an empty body", lambda _: b"", "empty document", XML),
    Refusal("text", lambda _: b"hello", "line 1", XML),
    Refusal("an element left open", lambda _: b"<a>\n<matrix>1</a>", "line 2", XML),
    Refusal("a document cut short", lambda _: b"<a>\n\n<matrix>0.1 0.2", "line 3", XML),
    Refusal("two documents in one", lambda _: one(FULL + "1") + b"\n<a/>", "line 2", XML),
    Refusal("a DTD", lambda _: b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "line 1", XML),
    Refusal("an entity", lambda _: b"<a>\n<matrix>&b;</matrix></a>", "line 2", XML),
    Refusal("an encoding", lambda _: b'<?xml version="1.0" encoding="EUC-JP"?><a/>', "line 1", XML),
    Refusal("no matrix", lambda _: b"<matrices/>", "no matrix in the document", XML),
    Refusal("a value too few", lambda _: one(FULL, ' id="a7"'), 'matrix "a7" (line 1)', XML),
    Refusal("a value too many", lambda _: one(FULL + "1 2"), 'matrix "0" (line 1)', XML),
    Refusal("a decimal comma", lambda _: one(FULL + "0,5"), "value 4999", XML),
    Refusal("a word among the numbers", lambda _: one("0.5 high"), "value 1", XML),
    Refusal("NaN", lambda _: one("1 2 NaN"), "value 2", XML),
    Refusal("infinity", lambda _: one("1 -INF"), "value 1", XML),
    Refusal("a number over the range of a double", lambda _: one("1e999 "), "value 0", XML),
    Refusal("a number over the range of float32", lambda _: one(FULL + "1e300"), "value 4999", XML),
    Refusal("Python's 1_000", lambda _: one("1_000"), "value 0", XML),
    Refusal("an endless number", lambda _: one("3" * 5000), "value 0", XML),
    Refusal(
        "an empty value", lambda _: one("<value>1</value><value/>"), 'matrix "0" (line 1)', XML
    ),
    Refusal("both forms at once", lambda _: one("1 <value>2</value>"), "<value> on line 1", XML),
    Refusal("another element in a matrix", lambda _: one("<unit>mV</unit>"), "<unit> on", XML),
    Refusal(
        "an id used twice",
        lambda _: (
            b'<a>\n<matrix id="x">%b1</matrix>\n<matrix id="x">%b1</matrix></a>'
            % (FULL.encode(), FULL.encode())
        ),
        'matrix "x" (line 3)',
        XML,
    ),
    Refusal("an empty id", lambda _: one(FULL + "1", ' id=""'), "line 1: matrix 0", XML),
    Refusal("another shape", lambda _: one(FULL + "1", ' shape="1 5000"'), 'matrix "0"', XML),
    Refusal("elements nested without end", lambda _: b"<a>" * 500, "line 1", XML),
    Refusal("damaged gzip", lambda _: gzip.compress(one(FULL))[:-9], "damaged gzip", XML),
    Refusal(
        "a gzip bomb",
        lambda _: gzip.compress(b"<a>" + (b"<matrix>" + b"0 " * 5_000 + b"</matrix>") * 2_000),
        "gzip holds more",
        XML,
    ),
    Refusal("gzip in gzip", lambda _: gzip.compress(gzip.compress(b"<a/>")), "gzip twice", XML),
    Refusal("npz: an array of another shape", lambda _: npy(np.ones((2, 40))), "(2, 40)", XML),
    Refusal(
        "npz: Python objects", lambda _: npy(np.array([{}], object)), "array of Python objects", XML
    ),
    Refusal("npz: NaN", lambda _: npy(np.full((1, 5000), np.nan)), 'matrix "0": value 0', XML),
    Refusal("npz: half of it", lambda _: npy(np.ones((2, 5000)))[:-8], "truncated array", XML),
    Refusal("npz: not a zip", lambda _: b"PK\x03\x04", "damaged npz", XML),
    Refusal("a body over the limit", lambda _: b" " * 6_000_001, "6,000,001 bytes", XML),
    Refusal("no Content-Type", lambda _: b"<a/>", "Content-Type", {}),
    Refusal(
        "another Content-Encoding",
        lambda _: b"<a/>",
        "Content-Encoding",
        XML | {"content-encoding": "br"},
    ),
]


def _start(**env: str) -> Callable[[Path], Path | bytes]:
    return lambda _: "\n".join(f"{key}={value}" for key, value in env.items()).encode()


def _without(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        shutil.copytree(BUNDLE, folder / "bundle")
        (folder / "bundle" / name).unlink()
        return folder / "bundle"

    return make


STARTS = [
    Refusal("a region outside of the EU", _start(AWS_REGION="us-east-1"), "AWS_REGION"),
    Refusal("London", _start(AWS_REGION="eu-west-2"), "AWS_REGION"),
    Refusal("Zurich", _start(AWS_REGION="eu-central-2"), "AWS_REGION"),
    Refusal("no bundle", _start(MODEL_DIR=""), "MODEL_DIR"),
    Refusal("a setting that is no number", _start(BATCH_SIZE="many"), "BATCH_SIZE"),
    Refusal("an element name that is none", _start(MATRIX_ELEMENT="a b"), '"a b"'),
    Refusal("a bundle without a passport", _without("passport.json"), "bundle: passport.json"),
    Refusal(
        "a bundle without its network", _without("model.onnx"), "bundle/model.onnx: No such file"
    ),
]
