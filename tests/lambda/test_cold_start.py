"""A bundle that is missing or damaged: the function does not start, and says why.

What is too small for the golden pair to see is found when the bundle enters an image
(`python -m serving.bundle`): each damage of a file is tried there as well.
"""

import json
import math
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import pytest

from compiler import compiling
from compiler.bundling import Order, build
from compiler.emission import weights
from local.emulator import Emulator, EmulatorError
from local.event import http_event
from serving.bundle import verify
from serving.errors import ModelRefusedError
from tests.support.damages import (
    H5,
    ONNX,
    PASSPORT,
    Damage,
    another,
    cut,
    file_instead,
    fill,
    flip,
    flip_in,
    folder_for,
    gone,
    put,
    state,
)
from tests.support.documents import matrices, xml
from tests.support.starts import Starts, starting

# Numbers of the golden pair, which no message and no log may repeat.
MARKER, GOLDEN = "0.7654321987", "0.770367443561554"
# Beyond what a process takes that starts; the bundle has 0.2 MB.
_MOST_MORE_MB = 60
_FLIPS = 60


NOT_LOADED = r"model\.onnx: ONNX Runtime cannot load it: "
AWAY = r"/bundle: the engine onnx is [0-9.e+inf-]+ away from the golden output"
FILES = [
    pytest.param(gone(ONNX), r"model\.onnx: No such file", id="no network"),
    pytest.param(folder_for(ONNX), r"model\.onnx: No such file", id="a folder for a network"),
    pytest.param(cut(ONNX, 0), r"model\.onnx: expected 150,135 bytes, got 0", id="empty"),
    pytest.param(cut(ONNX, 1), "expected 150,135 bytes, got 1", id="one byte of it"),
    pytest.param(cut(ONNX, 75_000), "expected 150,135 bytes, got 75,000", id="half of it"),
    pytest.param(cut(ONNX, 150_134), "bytes, got 150,134", id="but its last byte"),
    pytest.param(fill(ONNX, b"<xml/>"), NOT_LOADED + ".*INVALID_PROTOBUF", id="not ONNX"),
    pytest.param(fill(ONNX, b"\0"), NOT_LOADED, id="zeros"),
    pytest.param(flip_in(ONNX, b"Conv"), NOT_LOADED, id="a bit in the graph"),
    pytest.param(another, AWAY, id="another network"),
]
PASSPORTS = [
    pytest.param(gone(PASSPORT), r"no model bundle in .*: passport\.json: No such", id="none"),
    pytest.param(folder_for(PASSPORT), r"passport\.json: Is a directory", id="a folder"),
    pytest.param(put(PASSPORT, b""), r"passport\.json: document: .*EOF", id="empty"),
    pytest.param(put(PASSPORT, b"%PDF"), r"passport\.json: document: Invalid JSON", id="no JSON"),
    pytest.param(put(PASSPORT, b"[" * 99_999), r"recursion limit exceeded", id="nested"),
    pytest.param(cut(PASSPORT, 20_000), r"passport\.json: document: .*EOF", id="truncated"),
    pytest.param(state("format", 2), r"passport\.json: format: Input should be 1", id="newer"),
    pytest.param(state("engine", "magic"), r"engine: Input should be 'onnx' or", id="engine"),
    pytest.param(state("input.shape", "x"), r"input\.shape: .*valid array", id="type"),
    pytest.param(state("input.shape", [-5000, 1]), r"input\.shape\.0: .*greater", id="negative"),
    pytest.param(state("input.shape", [10**12, 1]), r"not of shape \(10{12}, 1\)", id="huge"),
    pytest.param(state("input.dtype", "int8"), "cannot run the golden input", id="integers"),
    pytest.param(state("batch_size", 0), "greater than or equal to 1", id="batches of none"),
    pytest.param(state("golden", ...), "golden: Field required", id="no golden pair"),
    pytest.param(state("golden.input", None), "golden input is not of shape", id="no input"),
    pytest.param(state("golden.output", [0.5, 0.4]), AWAY, id="another golden output"),
    pytest.param(state("compiled", None), "the passport names onnx, but no", id="no network"),
]
# Each of these would be no check at all, or fail somewhere inside of NumPy.
STRANGE = [
    pytest.param("golden.tolerance", math.nan, id="NaN tolerated"),
    pytest.param("golden.tolerance", math.inf, id="everything tolerated"),
    pytest.param("golden.sizes", [math.inf] * 2, id="endless sizes"),
    pytest.param("golden.sizes", [1.0], id="too few sizes"),
    pytest.param("golden.input", [[math.nan]] * 5000, id="NaN for an input"),
    pytest.param("golden.input", [f"{MARKER} x"] * 5000, id="text for an input"),
    pytest.param("golden.input", [[1], [2, 3]], id="ragged input"),
    pytest.param("golden.output", [math.nan] * 2, id="NaN for an output"),
    pytest.param("golden.output", MARKER, id="text for an output"),
    pytest.param("golden.output", [1, [2]], id="ragged output"),
    pytest.param("golden.output", {"a": 1}, id="output by names"),
    pytest.param("input.dtype", "float99", id="unknown type"),
    pytest.param("output.shape", [3], id="another output"),
]
SETTINGS = [
    ({"MODEL_DIR": ""}, "MODEL_DIR is not set"),
    ({"BATCH_SIZE": "none"}, 'BATCH_SIZE is "none": expected a whole number from 1'),
    ({"LIMIT_TEXT_BYTES": "-1"}, 'LIMIT_TEXT_BYTES is "-1": expected a whole number from 1'),
    ({"MATRIX_ELEMENT": "a b"}, '"a b" is not an XML name without a prefix'),
    ({"INPUT_NAME": "a b"}, 'INPUT_NAME is "a b": expected up to 100 letters'),
    ({"AWS_REGION": "eu-west-2"}, "not in the European Union"),
    ({"BUCKET": "b", "S3_ENDPOINT": "nowhere"}, 'S3_ENDPOINT is "nowhere"'),
]


@pytest.fixture(scope="module")
def starts() -> Iterator[Starts]:
    with starting() as starts:
        yield starts


@pytest.fixture(scope="module")
def idle_mb(starts: Starts, bundle: Path) -> float:
    """The peak of a start that succeeds."""
    whole = starts.start(MODEL_DIR=str(bundle))
    assert (whole.error, whole.code) == (None, 0)
    return whole.peak_mb


@pytest.fixture
def copy(bundle: Path, tmp_path: Path) -> Path:
    return shutil.copytree(bundle, tmp_path / "bundle")


def check_refused(starts: Starts, bundle: Path, idle_mb: float, reason: str) -> None:
    """By our own error, which names the bundle, in little memory."""
    start = starts.start(MODEL_DIR=str(bundle))
    assert (start.error, start.code) == ("ModelRefusedError", 0), start
    assert re.search(reason, start.message), start.message
    assert str(bundle) in start.message
    assert MARKER not in start.message
    assert start.peak_mb <= idle_mb + _MOST_MORE_MB


@pytest.mark.parametrize(("damage", "reason"), FILES)
def test_a_damaged_file_is_refused(
    starts: Starts, copy: Path, idle_mb: float, damage: Damage, reason: str
) -> None:
    """At the start, and before that by the check of an image."""
    damage(copy)
    check_refused(starts, copy, idle_mb, reason)
    with pytest.raises(ModelRefusedError, match=ONNX.replace(".", r"\.")):
        verify(copy)


@pytest.mark.parametrize(("damage", "reason"), PASSPORTS)
def test_a_damaged_passport_is_refused(
    starts: Starts, copy: Path, idle_mb: float, damage: Damage, reason: str
) -> None:
    damage(copy)
    check_refused(starts, copy, idle_mb, reason)


@pytest.mark.parametrize(("place", "value"), STRANGE)
def test_a_golden_pair_that_checks_nothing_is_refused(
    starts: Starts, copy: Path, idle_mb: float, place: str, value: Any
) -> None:
    state(place, value)(copy)
    check_refused(starts, copy, idle_mb, "golden|dtype")


@pytest.mark.parametrize(("env", "reason"), SETTINGS, ids=lambda v: "" if type(v) is str else None)
def test_wrong_settings_are_refused(
    starts: Starts, bundle: Path, env: dict[str, str], reason: str
) -> None:
    start = starts.start(**{"MODEL_DIR": str(bundle)} | env)
    assert start.error == "ConfigurationError"
    assert reason in start.message


def test_a_flipped_bit_is_refused_at_the_start_or_changes_nothing_that_is_seen(
    starts: Starts, copy: Path, bundle: Path
) -> None:
    """The check of an image refuses every one of them."""
    content, rng = (bundle / ONNX).read_bytes(), random.Random(1)
    refused = 0
    for _ in range(_FLIPS):
        (copy / ONNX).write_bytes(content)
        flip(ONNX, rng.randrange(len(content)), rng.randrange(8))(copy)
        with pytest.raises(ModelRefusedError, match=r"model\.onnx: expected SHA-256"):
            verify(copy)
        start = starts.start(MODEL_DIR=str(copy))
        assert (start.error, start.code) in {("ModelRefusedError", 0), (None, 0)}
        refused += start.error is not None
    print(f"{refused} of {_FLIPS} flipped bits are refused at the start")
    assert 0 < refused < _FLIPS


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose network finds its weights in the HDF5 file, as one of 1 GB does."""
    folder = tmp_path_factory.mktemp("mapped")
    inputs = keras.Input((400, 1))
    x = keras.layers.Dense(500, activation="relu")(keras.layers.Flatten()(inputs))
    keras.Model(inputs, keras.layers.Dense(2)(x)).save(folder / H5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiling, "_MAPPED_FROM_BYTES", 1)
        patch.setattr(weights, "MAPPED_FROM_BYTES", 1)
        build(Order(folder / H5, folder / "bundle", "mapped"))
    assert json.loads((folder / "bundle" / PASSPORT).read_text())["compiled"]["mapped"]
    return folder / "bundle"


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        pytest.param(gone(H5), r"model\.h5: No such file", id="missing"),
        pytest.param(cut(H5, 0), r"model\.h5: expected [0-9,]+ bytes, got 0", id="empty"),
        pytest.param(cut(H5, 2_000), r"model\.h5: .*, got 2,000", id="truncated"),
        pytest.param(fill(H5, b"\x3f"), AWAY, id="swapped"),
    ],
)
def test_weights_beside_the_network_are_refused(
    starts: Starts, mapped: Path, tmp_path: Path, idle_mb: float, damage: Damage, reason: str
) -> None:
    copy = shutil.copytree(mapped, tmp_path / "bundle")
    assert starts.start(MODEL_DIR=str(copy)).error is None
    damage(copy)
    check_refused(starts, copy, idle_mb, reason)
    with pytest.raises(ModelRefusedError, match=r"model\.h5: "):
        verify(copy)


PREDICT = http_event("POST", "/predictions", xml(matrices(1)), {"content-type": "application/xml"})


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        pytest.param(shutil.rmtree, "no model bundle in .*passport.json: No such", id="no folder"),
        pytest.param(file_instead, "is a file, expected a bundle", id="a file"),
        pytest.param(gone(ONNX), "model.onnx: No such file", id="no network"),
        pytest.param(cut(ONNX, 75_000), "expected 150,135 bytes, got", id="half a network"),
        pytest.param(cut(PASSPORT, 20_000), "Invalid JSON: EOF", id="half a passport"),
        pytest.param(state("golden.output", [0.5, 0.4]), "away from the golden", id="golden"),
    ],
)
def test_lambda_shows_the_reason_and_predicts_nothing(
    copy: Path, damage: Damage, reason: str
) -> None:
    damage(copy)
    with Emulator({"MODEL_DIR": str(copy)}, timeout_s=20) as emulator:
        for _ in range(2):
            with pytest.raises(EmulatorError, match=reason):
                emulator.invoke(PREDICT)
        log = emulator.log()
    assert GOLDEN not in log


def test_lambda_starts_once_the_bundle_is_whole_again(copy: Path, bundle: Path) -> None:
    """Without another emulator: the next invocation tries the start again."""
    gone(ONNX)(copy)
    with Emulator({"MODEL_DIR": str(copy)}, timeout_s=20) as emulator:
        with pytest.raises(EmulatorError, match="No such file"):
            emulator.invoke(PREDICT)
        shutil.copy(bundle / ONNX, copy / ONNX)
        assert emulator.invoke(PREDICT)["statusCode"] == 200
