"""The handler under AWS's own runtime emulator and runtime client."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from local.emulator import Emulator, EmulatorError, EventTooLargeError
from local.event import body_of, headers_of, http_event
from predict.answer import to_json
from serving.documents import Matrix
from serving.model import Model, open_model, predict_all
from tests.support.documents import every_form, matrices, npz, one, xml
from tests.support.processes import children, environment, runs

XML = {"content-type": "application/xml"}


@pytest.fixture(scope="module")
def emulator(bundle: Path) -> Iterator[Emulator]:
    with Emulator({"MODEL_DIR": str(bundle)}) as emulator:
        yield emulator


def test_lambda_predicts_the_sample(emulator: Emulator, root: Path, model: Model) -> None:
    sample = root / "models/demo/sample.xml"
    answer = emulator.invoke(
        http_event("POST", "/predictions", sample.read_bytes(), headers_of(sample))
    )
    assert answer["statusCode"] == 200
    content = json.loads(body_of(answer))
    assert content["model"]["sha256"] == model.passport.source.sha256
    # The demo model knows its own kind of signals.
    for prediction in content["predictions"]:
        assert prediction["id"] == ("regular", "irregular")[int(np.argmax(prediction["output"]))]


def test_lambda_predicts_32_matrices_in_every_form(emulator: Emulator, model: Model) -> None:
    given = matrices(32)
    expected = [p.output.tolist() for p in model.predict(given)]
    for name, (body, headers) in every_form(given).items():
        answer = emulator.invoke(http_event("POST", "/predictions", body, headers))
        content = json.loads(body_of(answer))
        assert [p["output"] for p in content["predictions"]] == expected, name


def test_lambda_answers_ecg_records_as_tensorflow_does(
    emulator: Emulator, ecg: Path, bundle: Path
) -> None:
    import keras

    signals = np.stack([loadmat(path)["ecg"] for path in sorted(ecg.glob("*.mat"))])
    document = xml([Matrix(str(i), signal) for i, signal in enumerate(signals)])
    answer = emulator.invoke(http_event("POST", "/predictions", document, XML))
    outputs = [p["output"] for p in json.loads(body_of(answer))["predictions"]]
    reference = keras.models.load_model(bundle / "model.h5", compile=False)
    expected = np.asarray(reference(signals.astype(np.float32), training=False))
    assert np.max(np.abs(np.array(outputs) - expected)) <= 1e-6


def test_lambda_refuses_and_goes_on(emulator: Emulator) -> None:
    bad = emulator.invoke(http_event("POST", "/predictions", one("1 2"), XML))
    assert bad["statusCode"] == 422
    assert emulator.invoke(http_event("GET", "/health/live"))["statusCode"] == 200


def test_lambda_keeps_the_model_across_invocations(emulator: Emulator) -> None:
    costs = [
        json.loads(body_of(emulator.invoke(http_event("GET", "/health/ready"))))["cold_start_ms"]
        for _ in range(2)
    ]
    assert costs[0] == costs[1]
    assert set(costs[0]) == {"import", "warm_up", "passport", "engine", "golden"}


def test_lambda_counts_an_event_that_is_not_http_as_an_error(emulator: Emulator) -> None:
    assert emulator.invoke({"Records": []})["errorType"] == "EventError"


def test_lambda_gives_the_largest_answer(tmp_path: Path) -> None:
    """At the limit of the answer it still fits what Lambda gives; one matrix more is a 413."""
    import keras

    from compiler.bundling import Order, build

    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    network.save(tmp_path / "model.h5")
    build(Order(tmp_path / "model.h5", tmp_path / "bundle", "small"))
    model = open_model(tmp_path / "bundle")
    values = np.random.default_rng(1).standard_normal((120_000, 1))
    # Letters that take six bytes each where Lambda sends them.
    given = [Matrix(f"é{i}", row) for i, row in enumerate(values)]
    predictions = list(predict_all(given, model, 32))
    sizes = [len(json.dumps(to_json(model, [p], 10**9).decode())) for p in predictions]
    empty = len(json.dumps(to_json(model, [], 10**9).decode()))
    most = int(np.searchsorted(np.cumsum(np.array(sizes) - empty + 1) + empty, 6_000_000))
    with Emulator({"MODEL_DIR": str(tmp_path / "bundle")}) as emulator:
        for count, status in ((most - 5, 200), (most + 5, 413)):
            event = http_event(
                "POST", "/predictions", npz(given[:count]), {"content-type": "application/x-npz"}
            )
            answer = emulator.invoke(event)
            assert answer["statusCode"] == status, count
    assert most > 50_000


def test_lambda_takes_the_largest_text_document(emulator: Emulator) -> None:
    """At the inline limit the event still fits what Lambda takes."""
    given = xml(matrices(58))
    document = given + b" " * (6_000_000 - len(given))
    answer = emulator.invoke(http_event("POST", "/predictions", document, XML))
    assert (answer["statusCode"], len(document)) == (200, 6_000_000)
    answer = emulator.invoke(http_event("POST", "/predictions", document + b" ", XML))
    assert answer["statusCode"] == 413
    assert "the limit is 6,000,000 bytes" in json.loads(body_of(answer))["detail"]


def test_emulator_does_not_send_what_lambda_would_not_take(emulator: Emulator) -> None:
    with pytest.raises(EventTooLargeError, match="Lambda takes 6,291,456"):
        emulator.invoke(http_event("POST", "/predictions", b" " * 6_300_000, XML))


@pytest.mark.parametrize(
    ("env", "reason"),
    [
        ({"AWS_REGION": "us-east-1"}, "not in the European Union"),
        ({"MODEL_DIR": "/nowhere"}, "no model bundle in /nowhere"),
    ],
)
def test_lambda_fails_the_cold_start_with_the_reason(
    bundle: Path, env: dict[str, str], reason: str
) -> None:
    with (
        Emulator({"MODEL_DIR": str(bundle)} | env) as emulator,
        pytest.raises(EmulatorError, match=reason),
    ):
        emulator.invoke(http_event("GET", "/health/live"))


def test_lambda_log_holds_no_value_of_a_document(bundle: Path) -> None:
    """Whether it is predicted, refused, or malformed."""
    marker = "0.7654321987"
    with Emulator({"MODEL_DIR": str(bundle)}) as emulator:
        for body in (f"{marker} " * 5000, f"{marker} " * 10, f"{marker},1 x{marker}", marker * 200):
            emulator.invoke(http_event("POST", "/predictions", one(body), XML))
        emulator.invoke(http_event("POST", "/predictions", f"<a>{marker}".encode(), XML))
        assert marker not in emulator.log()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_make_run_leaves_nothing_behind_when_it_is_ended(
    root: Path, bundle: Path, tmp_path: Path, number: int
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "local.run", "models/demo/sample.xml", "--bundle", str(bundle)],
        cwd=root,
        env=environment(TMPDIR=str(tmp_path)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    # The emulator, once it has started the function.
    while not (found := children(process.pid)) or not children(found[0]):
        time.sleep(0.01)
        assert process.poll() is None
    started = [*found, *children(found[0])]
    process.send_signal(number)
    assert process.wait(20) != 0
    assert list(tmp_path.iterdir()) == []
    deadline = time.monotonic() + 10
    while any(map(runs, started)):
        assert time.monotonic() < deadline, "left running"
        time.sleep(0.05)


def run(root: Path, bundle: Path, document: Path) -> subprocess.CompletedProcess[bytes]:
    """What make run does."""
    return subprocess.run(
        [sys.executable, "-m", "local.run", str(document), "--bundle", str(bundle)],
        cwd=root,
        capture_output=True,
        env=environment(),
    )


def test_make_run_prints_the_json(root: Path, bundle: Path, emulator: Emulator) -> None:
    sample = root / "models/demo/sample.xml"
    done = run(root, bundle, sample)
    answer = emulator.invoke(http_event("POST", "/predictions", sample.read_bytes(), XML))
    assert done.returncode == 0
    assert done.stdout == body_of(answer)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, b"No such file or directory"),
        (b"<a", b"refused with status 400"),
        (b"\xff\xfe<\x00a\x00/\x00>\x00", b"refused with status 422"),
        (b" " * 6_300_000, b"pack it (.xml.gz), convert it to .npz (make convert), or split it"),
    ],
)
def test_make_run_says_what_is_wrong(
    root: Path, bundle: Path, tmp_path: Path, content: bytes | None, reason: bytes
) -> None:
    document = tmp_path / "document.xml"
    if content is not None:
        document.write_bytes(content)
    done = run(root, bundle, document)
    assert done.returncode == 1
    assert reason in done.stderr
