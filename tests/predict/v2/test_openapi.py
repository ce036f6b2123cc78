"""The OpenAPI document describes requests and responses as they are."""

import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator

from tests.support.inference import asked, binary, flat, infer, nested, packed, raw

ONE = np.zeros((1, 5000, 1))
MODEL = "/v2/models/{name}"
VERSION = "/v2/models/{name}/versions/{version}"


@pytest.fixture(scope="module")
def openapi(client: TestClient) -> Any:
    return client.get("/openapi.json").json()


def filled(path: str, name: str = "demo") -> str:
    return path.format(name=name, version="1")


def validate(openapi: Any, method: str, path: str, answer: Any) -> None:
    """An answer against the schema for its status and type, in the document as its root."""
    described = openapi["paths"][path][method]["responses"][str(answer.status_code)]
    media_type = answer.headers["content-type"]
    schema = described["content"][media_type]["schema"]
    if media_type == "application/json":
        Draft202012Validator(openapi | schema).validate(answer.json())
        assert "detail" not in answer.json()


@pytest.mark.parametrize(
    "path",
    ["/v2", "/v2/health/live", "/v2/health/ready"]
    + [f"{start}{end}" for start in (MODEL, VERSION) for end in ("", "/ready")],
)
def test_what_is_got_is_described(client: TestClient, openapi: Any, path: str) -> None:
    answer = client.get(filled(path))
    assert answer.status_code == 200
    validate(openapi, "get", path, answer)
    if "{name}" in path:
        refused = client.get(filled(path, "other"))
        assert refused.status_code == 404
        validate(openapi, "get", path, refused)


@pytest.mark.parametrize("path", [f"{MODEL}/infer", f"{VERSION}/infer"])
@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(flat(ONE, id="a"), 200, id="JSON"),
        pytest.param(binary(ONE), 200, id="bytes"),
        pytest.param(binary(ONE, parameters={"binary_data_output": True}), 200, id="all bytes"),
        pytest.param(packed(raw(ONE), "gzip"), 200, id="raw"),
        pytest.param(flat(ONE[0]), 400, id="another shape"),
        pytest.param((b"{", {}), 400, id="no JSON"),
    ],
)
def test_inference_is_described(
    client: TestClient, openapi: Any, path: str, sent: Any, status: int
) -> None:
    answer = infer(client, sent, filled(path))
    assert answer.status_code == status
    validate(openapi, "post", path, answer)
    refused = infer(client, sent, filled(path, "other"))
    assert refused.status_code == 404
    validate(openapi, "post", path, refused)


def json_of(sent: Any) -> Any:
    body, headers = sent
    return json.loads(body[: int(next(iter(headers.values()), len(body)))])


REQUESTS = [
    flat(ONE),
    nested(ONE, id="a"),
    binary(ONE, outputs=[{"name": "output", "parameters": {"binary_data": True}}]),
    asked(parameters={"a": "b", "c": 1, "d": 1.5, "e": True}, outputs=[]),
    asked(id=None, parameters=None, outputs=None),
]
WRONG: list[Any] = [
    {},
    [],
    {"inputs": []},
    {"inputs": [{"name": "input", "datatype": "FP32"}]},
    {"inputs": [{"name": "input", "datatype": "FP32", "shape": ["1"]}]},
    {"inputs": [{"name": "input", "datatype": "FP32", "shape": [1], "data": 5}]},
    json_of(asked()) | {"id": 5},
    json_of(asked()) | {"parameters": {"a": []}},
    json_of(asked()) | {"outputs": [{}]},
    {"inputs": json_of(asked())["inputs"] * 2},
]


@pytest.mark.parametrize("path", [f"{MODEL}/infer", f"{VERSION}/infer"])
def test_requests_are_described(openapi: Any, path: str) -> None:
    content = openapi["paths"][path]["post"]["requestBody"]["content"]
    assert set(content) == {"application/json", "application/octet-stream"}
    validator = Draft202012Validator(openapi | content["application/json"]["schema"])
    for sent in REQUESTS:
        validator.validate(json_of(sent))
    for wrong in WRONG:
        assert not validator.is_valid(wrong), wrong


def test_what_the_description_refuses_is_refused(three: TestClient) -> None:
    for wrong in WRONG:
        assert infer(three, (json.dumps(wrong).encode(), {})).status_code == 400


def test_every_reference_leads_somewhere(openapi: Any) -> None:
    """A reference is one into the whole document, wherever in it it stands."""
    broken = []
    for reference in references(openapi):
        node = openapi
        for part in reference.removeprefix("#/").split("/"):
            node = node.get(part, {})
        if not node:
            broken.append(reference)
    assert broken == []


def references(node: Any) -> set[str]:
    """What a document refers to."""
    if isinstance(node, list):
        return {found for part in node for found in references(part)}
    if not isinstance(node, dict):
        return set()
    here = {node["$ref"]} if "$ref" in node else set()
    return here | {found for part in node.values() for found in references(part)}
