"""The HTTP edge: statuses, problems, and the same answer whatever the form."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from predict.api import create_app
from predict.contract import PROBLEM_TYPE
from serving.engines.onnx import OnnxEngine
from serving.model import Model
from serving.settings import Limits, Settings
from tests.support.documents import every_form, matrices, one, xml

XML = {"content-type": "application/xml"}


def small(model: Model, settings: Settings, **limits: int) -> TestClient:
    """A client of a service with other limits."""
    app = create_app(model, Settings(settings.model_dir, limits=Limits(**limits)))
    return TestClient(app, raise_server_exceptions=False)


def test_predictions_are_the_same_in_every_form(client: TestClient) -> None:
    answers = {
        name: client.post("/predictions", content=body, headers=headers)
        for name, (body, headers) in every_form(matrices(32)).items()
    }
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(
        answers, 200
    )
    assert len({answer.content for answer in answers.values()}) == 1
    predictions = answers["npz"].json()["predictions"]
    assert [p["id"] for p in predictions] == [f"m{i}" for i in range(32)]


@pytest.mark.parametrize(
    ("stated", "sizes"), [(None, [16, 16]), ("8", [8, 8, 8, 8])], ids=["passport", "BATCH_SIZE"]
)
def test_batches_are_as_large_as_stated(
    model: Model, settings: Settings, stated: str | None, sizes: list[int]
) -> None:
    class Counting:
        def run(self, batch: Any) -> Any:
            found.append(len(batch))
            return engine.run(batch)

    engine = OnnxEngine(settings.model_dir / "model.onnx")
    found: list[int] = []
    env = {"MODEL_DIR": str(settings.model_dir)} | ({"BATCH_SIZE": stated} if stated else {})
    counted = Model(model.passport, Counting(), {})
    with TestClient(create_app(counted, Settings.from_env(env))) as client:
        answer = client.post("/predictions", content=xml(matrices(32)), headers=XML)
    assert (answer.status_code, found) == (200, sizes)


def test_predictions_are_what_the_model_gives(client: TestClient, model: Model) -> None:
    given = matrices(3)
    answer = client.post("/predictions", content=xml(given), headers=XML).json()
    for stated, expected in zip(answer["predictions"], model.predict(given), strict=True):
        assert stated["output"] == expected.output.tolist()
    assert answer["model"] == {
        "name": "demo",
        "version": model.passport.version,
        "sha256": model.passport.source.sha256,
        "engine": "onnx",
    }


@pytest.mark.parametrize(
    ("body", "status", "place"),
    [
        pytest.param(b"<a", 400, {"line": 1}, id="malformed"),
        pytest.param(b"<!DOCTYPE a><a/>", 400, {"line": 1}, id="DTD"),
        pytest.param(one("1 2", ' id="x"'), 422, {"matrix": "x", "line": 1}, id="short"),
        pytest.param(one("1e300 " * 5000), 422, {"matrix": "0", "line": 1}, id="float32"),
    ],
)
def test_predictions_refuse_with_a_problem(
    client: TestClient, body: bytes, status: int, place: dict[str, Any]
) -> None:
    answer = client.post("/predictions", content=body, headers=XML)
    problem = answer.json()
    assert answer.status_code == problem["status"] == status
    assert answer.headers["content-type"] == PROBLEM_TYPE
    assert set(problem) == {"type", "title", "status", "detail", *place}
    assert problem | place == problem


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({}, 'the Content-Type is ""'),
        ({"content-type": "application/jsonl"}, 'the Content-Type is "application/jsonl"'),
        (XML | {"content-encoding": "br"}, 'the Content-Encoding is "br"'),
    ],
)
def test_predictions_refuse_other_types(
    client: TestClient, headers: dict[str, str], detail: str
) -> None:
    answer = client.post("/predictions", content=b"x", headers=headers)
    assert answer.status_code == 415
    assert detail in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "content_type", "way_out"),
    [
        (b"<a>" + b" " * 2000, "application/xml", "Send it packed"),
        (b"PK" * 1000, "application/x-npz", "or smaller"),
    ],
)
def test_a_body_over_the_limit_is_told_the_way_out(
    model: Model, settings: Settings, body: bytes, content_type: str, way_out: str
) -> None:
    client = small(model, settings, text_bytes=1000, binary_bytes=1000)
    answer = client.post("/predictions", content=body, headers={"content-type": content_type})
    assert answer.status_code == 413
    assert way_out in answer.json()["detail"]


@pytest.mark.parametrize("announced", [True, False])
def test_predictions_refuse_a_long_body_and_say_the_way_out(
    model: Model, settings: Settings, announced: bool
) -> None:
    client = small(model, settings, text_bytes=1000)

    def pieces() -> Iterator[bytes]:  # sent in chunks, without Content-Length
        yield from (b" " * 600 for _ in range(3))

    answer = client.post(
        "/predictions", content=b" " * 1001 if announced else pieces(), headers=XML
    )
    assert answer.status_code == 413
    assert "the limit is 1,000 bytes" in answer.json()["detail"]
    assert "Content-Encoding: gzip" in answer.json()["detail"]


def test_predictions_refuse_an_answer_over_the_limit(model: Model, settings: Settings) -> None:
    client = small(model, settings, answer_bytes=100)
    answer = client.post("/predictions", content=xml(matrices(1)), headers=XML)
    assert answer.status_code == 413
    assert "send fewer at once" in answer.json()["detail"]


def test_an_unforeseen_error_gives_nothing_away(
    model: Model, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        spec = model.spec
        passport = model.passport
        start_ms = model.start_ms

        def predict(self, _: Any) -> Any:
            raise LookupError("secret 0.123456")

    client = TestClient(
        create_app(Broken(), settings),  # type: ignore[arg-type]
        raise_server_exceptions=False,
    )
    answer = client.post("/predictions", content=xml(matrices(1)), headers=XML)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "secret" not in caplog.text
    assert "LookupError at" in caplog.text


def test_health_limits_and_schema(client: TestClient, model: Model) -> None:
    assert client.get("/health/live").json() == {"status": "live"}
    ready = client.get("/health/ready").json()
    assert ready["status"] == "ready"
    assert set(ready["cold_start_ms"]) == {"passport", "engine", "golden"}
    limits = client.get("/limits").json()
    assert limits["input"] == {"shape": [5000, 1], "dtype": model.spec.dtype}
    assert limits["values_per_matrix"] == 5000
    schema = client.get("/schema.xsd")
    assert schema.headers["content-type"].startswith("application/xml")
    assert b"xs:schema" in schema.content


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("GET", "/predictions", 405), ("POST", "/predictions/", 404)],
)
def test_other_addresses_are_problems_too(
    client: TestClient, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path)
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == PROBLEM_TYPE


def test_numbers_keep_full_precision(client: TestClient, model: Model) -> None:
    given = matrices(1)
    text = client.post("/predictions", content=xml(given), headers=XML).text
    [output] = [p["output"] for p in json.loads(text)["predictions"]]
    assert np.array(output).tobytes() == model.predict(given)[0].output.tobytes()
