"""The image as Lambda would run it: read-only, without rights, in 6 GB; and through sam local."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import keras
import numpy as np
import pytest

from compiler.bundling import Order, build
from local import image
from local.emulator import Emulator
from local.engine import EngineError
from local.event import body_of, headers_of, http_event
from serving.documents import Matrix
from serving.model import Model, open_model
from tests.container.functions import container, docker, invoke
from tests.support.documents import every_form, matrices, one, xml
from tests.support.processes import environment

XML = {"content-type": "application/xml"}


def test_api_answers_the_same_bytes_as_make_run(url: str, root: Path, bundle: Path) -> None:
    sample = root / "models/demo/sample.xml"
    run = subprocess.run(
        [sys.executable, "-m", "local.run", str(sample), "--bundle", str(bundle)],
        capture_output=True,
        env=environment(),
        check=True,
    )
    answer = httpx2.post(f"{url}/predictions", content=sample.read_bytes(), headers=XML)
    assert answer.status_code == 200
    assert answer.content == run.stdout


def test_api_answers_the_same_in_every_form(url: str) -> None:
    """Six decimals: sam local sends all bodies in base64, and 32 matrices must fit 6 MB so."""
    answers = {
        name: httpx2.post(f"{url}/predictions", content=body, headers=headers, timeout=60)
        for name, (body, headers) in every_form(matrices(32, decimals=6)).items()
    }
    assert {a.status_code for a in answers.values()} == {200}
    assert len({a.content for a in answers.values()}) == 1


def test_api_answers_problems(url: str) -> None:
    answer = httpx2.post(f"{url}/predictions", content=one("1 2", ' id="a7"'), headers=XML)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["matrix"] == "a7"


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/limits", "/openapi.json"])
def test_api_answers_everything_else(url: str, path: str) -> None:
    assert httpx2.get(url + path).status_code == 200


def test_image_has_no_tensorflow_and_all_bytecode(fast_image: str) -> None:
    listed = docker(
        "run", "--rm", "--entrypoint", "python3", fast_image, "-c",
        "import os, json, importlib.util as u\n"
        "print(json.dumps([bool(u.find_spec('tensorflow')), bool(u.find_spec('keras')), "
        "os.path.isdir('/opt/python/serving/__pycache__'), "
        "os.path.isdir('/opt/packages/fastapi/__pycache__')]))",
    )  # fmt: skip
    assert json.loads(listed) == [False, False, True, True]


def test_image_runs_without_rights(fast_image: str, root: Path, bundle: Path) -> None:
    sample = root / "models/demo/sample.xml"
    event = http_event("POST", "/predictions", sample.read_bytes(), headers_of(sample))
    with container(fast_image) as address, Emulator({"MODEL_DIR": str(bundle)}) as emulator:
        assert body_of(invoke(address, event)) == body_of(emulator.invoke(event))


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-2", "eu-central-2"])
def test_image_refuses_to_start_outside_of_the_eu(fast_image: str, region: str) -> None:
    with container(fast_image, "--env", f"AWS_REGION={region}") as address:
        answer = invoke(address, http_event("GET", "/health/live"))
    assert "not in the European Union" in answer["refused"]


def float64_bundle(folder: Path) -> Path:
    """A model that only TensorFlow runs."""
    inputs = keras.Input((40, 1), dtype="float64")
    x = keras.layers.Conv1D(3, 5, dtype="float64")(inputs)
    source = folder / "model.h5"
    keras.Model(inputs, keras.layers.Dense(2, dtype="float64")(x)).save(source)
    build(Order(source, folder / "bundle", "float64"))
    return folder / "bundle"


def test_second_image_serves_what_only_tensorflow_runs(root: Path) -> None:
    folder = root / "bundles" / "test-float64"  # where a build can reach it
    folder.mkdir(parents=True, exist_ok=True)
    try:
        bundle = float64_bundle(folder)
        name = image.build("auto", str(bundle), "tensorflow")
        model: Model = open_model(bundle)
        assert model.passport.engine == "tensorflow"
        values = np.random.default_rng(1).standard_normal((40, 1))
        given = [Matrix("a", values)]
        with container(name) as address:
            answer = invoke(address, http_event("POST", "/predictions", xml(given), XML))
        [prediction] = json.loads(body_of(answer))["predictions"]
        expected = model.predict(given)[0].output
        assert np.max(np.abs(np.array(prediction["output"]) - expected)) <= 1e-12
    finally:
        shutil.rmtree(folder)


def test_a_damaged_bundle_does_not_enter_an_image(fast_image: str, root: Path) -> None:
    assert fast_image
    folder = root / "bundles" / "test-damaged"
    try:
        shutil.copytree(root / "models/demo/bundle", folder)
        with (folder / "model.onnx").open("ab") as file:
            file.write(b"x")
        with pytest.raises(EngineError, match="expected SHA-256"):
            image.build("auto", str(folder), "fast")
    finally:
        shutil.rmtree(folder)


def test_engines_of_two_clones_keep_apart(fast_image: str, tmp_path: Path) -> None:
    """Both started one: neither gives its containers the other's addresses."""
    assert fast_image

    def ours(*options: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "local.engine", *options],
            cwd=tmp_path,
            env=environment() | {"DOCKER_HOST": "unix:///nowhere"},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    subnet = ["network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}"]
    bridges = Path("/sys/class/net")
    before = set(bridges.glob("verger*"))
    try:
        theirs = docker("--host", ours(), *subnet)
        assert len(set(bridges.glob("verger*")) - before) == 1
        assert theirs != docker(*subnet)
    finally:
        ours("--stop")
    assert set(bridges.glob("verger*")) == before


def test_one_interrupt_of_the_terminal_ends_make_local(
    fast_image: str, root: Path, tmp_path: Path
) -> None:
    """It reaches the whole group; sam must still get to remove its container."""
    assert fast_image
    before = set(docker("ps", "--quiet").split())
    log = tmp_path / "log"
    with log.open("wb") as file:
        group = subprocess.Popen(
            [sys.executable, "-m", "local.api", "--port", "8137"],
            cwd=root,
            env=environment(),
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    deadline = time.monotonic() + 120
    # The API and the functions.
    while log.read_bytes().count(b"Running on") < 2 and time.monotonic() < deadline:
        assert group.poll() is None, log.read_text()
        time.sleep(0.2)
    assert set(docker("ps", "--quiet").split()) > before
    os.killpg(group.pid, signal.SIGINT)
    assert group.wait(60) == 0
    assert "Aborted" not in log.read_text()
    # Those that sam loses as well.
    assert set(docker("ps", "--quiet").split()) == before
