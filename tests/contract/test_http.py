"""The OpenAPI document is what the API answers; the events are what the handler takes."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator

from local.event import EVENTS, load_event
from predict.contract import DOCUMENT_TYPES
from predict.gateway import create_handler
from tests.support.documents import matrices, one, xml

XML = {"content-type": "application/xml"}


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
        "/health/live",
        "/health/ready",
        "/limits",
        "/schema.xsd",
    }
    body = openapi["paths"]["/predictions"]["post"]["requestBody"]
    assert tuple(body["content"]) == DOCUMENT_TYPES


@pytest.mark.parametrize("path", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_events_are_named_and_taken(path: Path, root: Path, app: FastAPI) -> None:
    function, edge, *case = path.stem.split("_")
    assert (root / "functions" / function).is_dir()
    assert edge in {"http", "s3"}
    assert case
    answer = create_handler(app)(load_event(path.stem), None)
    assert answer["statusCode"] == 422
    assert json.loads(answer["body"])["detail"] == "no matrix in the document: no element <matrix>"
