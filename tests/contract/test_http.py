"""The OpenAPI document is what the API answers; the events are what the handler takes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator

from local.aws import Aws
from local.delivery import Context
from local.event import EVENTS, load_event
from predict.api import create_app
from predict.batch.edge import create_handler as create_batch_handler
from predict.batch.job import create_job
from predict.batch.queue import SqsQueue
from predict.contract import DOCUMENT_TYPES, LINK_TYPE
from predict.gateway import create_handler
from predict.store import Store
from serving.model import Model
from serving.settings import Settings
from tests.support.batch import FOREVER, problem, put
from tests.support.documents import matrices, one, xml

XML = {"content-type": "application/xml"}


@pytest.fixture(scope="module")
def client(model: Model, stored: Settings, store: Store) -> Iterator[TestClient]:
    """With a bucket: all routes."""
    app = create_app(model, stored, lambda: store)
    with TestClient(app, follow_redirects=False) as client:
        yield client


@pytest.fixture(scope="module")
def openapi(client: TestClient) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/openapi.json").json()
    return document


def validate(openapi: dict[str, Any], method: str, path: str, answer: Any) -> None:
    """An answer against the schema that the document gives for its status and type."""
    described = openapi["paths"][path][method]["responses"][str(answer.status_code)]
    media_type = answer.headers["content-type"].partition(";")[0]
    schema = described["content"][media_type]["schema"]
    if media_type.endswith("json"):
        whole = schema | {"components": openapi["components"]}
        Draft202012Validator(whole).validate(answer.json())


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/limits", "/schema.xsd"])
def test_openapi_describes_what_is_got(
    client: TestClient, openapi: dict[str, Any], path: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    validate(openapi, "get", path, answer)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (xml(matrices(2)), XML, 200),
        (b"<a", XML, 400),
        (one("1"), XML, 422),
        (b"x" * 6_000_001, XML, 413),
        (b"x", {}, 415),
    ],
)
def test_openapi_describes_predictions(
    client: TestClient, openapi: dict[str, Any], body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = client.post("/predictions", content=body, headers=headers)
    assert answer.status_code == status
    validate(openapi, "post", "/predictions", answer)


def test_openapi_lists_the_routes_and_the_types(openapi: dict[str, Any]) -> None:
    assert set(openapi["paths"]) == {
        "/predictions",
        "/predictions/{id}",
        "/uploads",
        "/health/live",
        "/health/ready",
        "/limits",
        "/schema.xsd",
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
    } | {
        f"/v2/models/{{name}}{version}{end}"
        for version in ("", "/versions/{version}")
        for end in ("", "/ready", "/infer")
    }
    body = openapi["paths"]["/predictions"]["post"]["requestBody"]
    assert tuple(body["content"]) == (*DOCUMENT_TYPES, LINK_TYPE)


def test_openapi_describes_large_documents(
    client: TestClient,
    openapi: dict[str, Any],
    model: Model,
    store: Store,
    stored: Settings,
    aws: Aws,
) -> None:
    begun = client.post("/uploads")
    validate(openapi, "post", "/uploads", begun)
    name, path = begun.json()["id"], "/predictions/{id}"
    seen = []
    for content in (None, xml(matrices(2)), one("1"), b"<a"):
        if content is not None:
            put(aws, name, content)
        for _ in range(2):  # before and after it was predicted
            answer = client.get(f"/predictions/{name}")
            validate(openapi, "get", path, answer)
            seen.append(answer.status_code)
            create_job(model, store, stored).run(name, FOREVER)
    assert seen == [404, 404, 202, 200, 202, 422, 202, 400]
    assert client.delete(f"/predictions/{name}").status_code == 204
    assert "204" in openapi["paths"][path]["delete"]["responses"]


def test_events_are_named(root: Path) -> None:
    for path in EVENTS.glob("*.json"):
        function, edge, *case = path.stem.split("_")
        assert (root / "functions" / function).is_dir()
        assert edge in {"http", "s3"}
        assert case


def test_http_event_is_taken(app: FastAPI) -> None:
    answer = create_handler(app)(load_event("predict_http_document"), None)
    assert answer["statusCode"] == 422
    assert json.loads(answer["body"])["detail"] == "no matrix in the document: no element <matrix>"


def test_s3_event_is_taken(model: Model, store: Store, stored: Settings, aws: Aws) -> None:
    assert stored.storage is not None
    job = create_job(model, store, stored)
    handler = create_batch_handler(job, SqsQueue(stored.storage), stored.storage)
    put(aws, "night shift/Messübung+1.xml", b"<matrices/>")
    assert handler(load_event("predict_s3_document"), Context()) == {"batchItemFailures": []}
    assert problem(store, "night shift/Messübung+1.xml")["status"] == 422
