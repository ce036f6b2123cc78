"""The routes: what there is, and what there is not."""

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from predict.api import create_app
from predict.contract import PROBLEM_TYPE
from serving import __version__
from serving.model import Model
from serving.settings import Settings
from tests.predict.v2.conftest import Echoes
from tests.support.datatypes import CODES
from tests.support.inference import INFER, binary, error, infer, output, raw

MODEL = {
    "name": "demo",
    "versions": ["1"],
    "platform": "onnx_onnxv1",
    "inputs": [{"name": "input", "datatype": "FP32", "shape": [-1, 5000, 1]}],
    "outputs": [{"name": "output", "datatype": "FP32", "shape": [-1, 2]}],
}
SERVER = {"name": "verger", "version": __version__, "extensions": ["binary_tensor_data"]}
VERSIONED = "/v2/models/demo/versions/1/infer"


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/v2", SERVER),
        ("/v2/", SERVER),
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"live": True, "ready": True}),
        ("/v2/models/demo", MODEL),
        ("/v2/models/demo/versions/1", MODEL),
        ("/v2/models/demo/ready", {"name": "demo", "ready": True}),
        ("/v2/models/demo/versions/1/ready", {"name": "demo", "ready": True}),
    ],
)
def test_routes_answer(client: TestClient, path: str, content: Any) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()) == (200, content)
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", [INFER, VERSIONED])
def test_inference_answers_with_and_without_the_version(client: TestClient, path: str) -> None:
    answer = infer(client, binary(np.zeros((2, 5000, 1))), path)
    content = answer.json()
    assert output(answer).shape == (2, 2)
    assert answer.headers["content-type"] == "application/json"
    assert set(content) == {"model_name", "model_version", "outputs"}
    assert (content["model_name"], content["model_version"]) == ("demo", "1")
    assert set(content["outputs"][0]) == {"name", "datatype", "shape", "data"}


@pytest.mark.parametrize(
    ("method", "path", "reason"),
    [
        pytest.param("GET", "/v2/models/other", 'no model "other"', id="model"),
        pytest.param("GET", "/v2/models/other/ready", '"demo"', id="model, ready"),
        pytest.param("POST", "/v2/models/other/infer", '"demo"', id="model, infer"),
        pytest.param("GET", "/v2/models/DEMO", "DEMO", id="model in capitals"),
        pytest.param("GET", "/v2/models/other/versions/1", "other", id="model, version"),
        pytest.param("GET", "/v2/models/demo/versions/2", 'no version "2"', id="version"),
        pytest.param("GET", "/v2/models/demo/versions/01", '"01"', id="version, as a number"),
        pytest.param("GET", "/v2/models/demo/versions/2/ready", '"1"', id="version, ready"),
        pytest.param("POST", "/v2/models/demo/versions/2/infer", '"1"', id="version, infer"),
        pytest.param("GET", f"/v2/models/{'x' * 5000}", 'x"', id="long model"),
        pytest.param("GET", f"/v2/models/demo/versions/{'x' * 5000}", 'x"', id="long version"),
        pytest.param("GET", "/v2/models/%ED%A0%80", "no model", id="model is not text"),
        pytest.param("GET", "/v2/models", "Not Found", id="no model"),
        pytest.param("GET", "/v2/models/", "Not Found", id="empty model"),
        pytest.param("GET", "/v2/models/demo/", "Not Found", id="slash"),
        pytest.param("POST", f"{INFER}/", "Not Found", id="slash, infer"),
        pytest.param("GET", "/v2/models/demo/versions", "Not Found", id="no version"),
        pytest.param("GET", "/v2/models/demo/stats", "Not Found", id="extension"),
        pytest.param("POST", "/v2/repository/index", "Not Found", id="other extension"),
        pytest.param("GET", "/v2/nothing", "Not Found", id="nothing"),
        pytest.param("GET", "/v2//", "Not Found", id="two slashes"),
        pytest.param("GET", "/v2/health", "Not Found", id="half an address"),
    ],
)
def test_what_is_not_there_is_a_404(
    client: TestClient, method: str, path: str, reason: str
) -> None:
    answer = client.request(method, path)
    assert reason in error(answer, 404)
    assert len(answer.content) < 6000


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/v2", "GET"),
        ("PUT", "/v2/", "GET"),
        ("POST", "/v2/health/live", "GET"),
        ("DELETE", "/v2/models/demo", "GET"),
        ("POST", "/v2/models/demo/ready", "GET"),
        ("GET", INFER, "POST"),
        ("OPTIONS", INFER, "POST"),
        ("PATCH", VERSIONED, "POST"),
    ],
)
def test_other_methods_are_a_405(client: TestClient, method: str, path: str, allowed: str) -> None:
    answer = client.request(method, path)
    assert method in error(answer, 405)
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/v2x", "/V2", "/v1", "/v"])
def test_other_addresses_stay_problems(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM_TYPE)


def test_an_unknown_model_is_told_before_the_body_is_read(client: TestClient) -> None:
    answer = client.post("/v2/models/other/infer", content=b"[" * 7_000_000)
    assert "other" in error(answer, 404)


def test_tensors_are_called_as_set(echo: Echoes) -> None:
    client = echo((3,), INPUT_NAME="serving_default:x/0", OUTPUT_NAME="scores")
    described = client.get("/v2/models/demo").json()
    assert described["inputs"][0]["name"] == "serving_default:x/0"
    assert described["outputs"][0]["name"] == "scores"
    refused = infer(client, binary(np.zeros((1, 3))))
    assert 'expected "serving_default:x/0", got "input"' in error(refused)
    sent = {"inputs": [{"name": "serving_default:x/0", "datatype": "FP64", "shape": [1, 3]}]}
    sent["inputs"][0]["data"] = [1, 2, 3]
    for wanted, status in (("scores", 200), ("output", 400)):
        answer = client.post(INFER, json=sent | {"outputs": [{"name": wanted}]})
        assert answer.status_code == status
    assert client.post(INFER, json=sent).json()["outputs"][0]["name"] == "scores"


@pytest.mark.parametrize(
    ("dtype", "datatype"),
    [
        ("bool", "BOOL"),
        ("uint8", "UINT8"),
        ("int8", "INT8"),
        ("uint16", "UINT16"),
        ("int16", "INT16"),
        ("uint32", "UINT32"),
        ("int32", "INT32"),
        ("uint64", "UINT64"),
        ("int64", "INT64"),
        ("float16", "FP16"),
        ("float32", "FP32"),
        ("float64", "FP64"),
    ],
)
def test_the_model_names_its_datatype_and_answers_in_it(
    echo: Echoes, dtype: str, datatype: str
) -> None:
    client = echo((None, 2), dtype)
    described = client.get("/v2/models/demo").json()
    tensor = {"datatype": datatype, "shape": [-1, -1, 2]}
    assert described["inputs"] == [{"name": "input"} | tensor]
    assert described["outputs"] == [{"name": "output"} | tensor]
    ones = np.ones((1, 3, 2))
    for sent in (raw(ones, datatype), binary(ones, datatype)):
        answer = output(infer(client, sent))
        assert (answer.dtype, answer.shape) == (np.dtype(CODES[datatype]), (1, 3, 2))
        assert (answer == 1).all()


def test_platforms_have_names(model: Model, settings: Settings) -> None:
    passport = model.passport.model_copy(update={"engine": "tensorflow"})
    served = Model(passport, None, {})  # type: ignore[arg-type]
    client = TestClient(create_app(served, settings))
    assert client.get("/v2/models/demo").json()["platform"] == "keras_hdf5"


def test_an_unforeseen_error_gives_nothing_away(
    model: Model, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        spec = model.spec
        passport = model.passport
        start_ms = model.start_ms

        def predict(self, _: Any) -> Any:
            raise LookupError("secret 0.123456")

    app = create_app(Broken(), settings)  # type: ignore[arg-type]
    client = TestClient(app, raise_server_exceptions=False)
    answer = infer(client, raw(np.zeros((1, 5000, 1))))
    assert error(answer, 500) == "This is our fault; it was logged."
    assert "secret" not in caplog.text
    assert "LookupError at" in caplog.text
