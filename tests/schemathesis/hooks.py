"""Loaded by schemathesis: what no schema can say of a request that is legal, and the way by S3.

The number of values is a product of the shape, the names are the model's, a URL must be signed.
Requests that are meant to be refused are left as they were made.
"""

import io
import json
import os
from typing import Any
from urllib.request import urlopen

import schemathesis

from client.service import Form
from client.upload import send
from tests.schemathesis.documents import Documents

_LENGTH = "Inference-Header-Content-Length"
_URL = os.environ["VERGER_URL"]
_LINK = os.environ["VERGER_LINK"]


def _get(path: str) -> Any:
    with urlopen(f"{_URL}{path}") as answer:
        return json.load(answer)


_limits = _get("/limits")
_documents = Documents(_limits["input"]["shape"])
_document = _documents.one()
_model = _get(f"/v2/models/{_get('/health/ready')['model']['name']}")
_input, _output = _model["inputs"][0]["name"], _model["outputs"][0]["name"]


def fill(_context: Any, case: Any, _kwargs: Any) -> None:
    """Make a request legal that is meant to be legal."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    if case.operation.label == "POST /predictions" and case.media_type == "application/json":
        case.body = {"url": _LINK}
    elif case.operation.label.endswith("/infer"):
        _fill_inference(case)


def _fill_inference(case: Any) -> None:
    if case.media_type != "application/json":
        case.body = _documents.raw()
        case.headers[_LENGTH] = "0"
        return
    case.headers.pop(_LENGTH, None)
    body = dict(case.body)
    [given] = body["inputs"]
    parameters = dict(given.get("parameters") or {})
    parameters.pop("binary_data_size", None)
    body["inputs"] = [given | _documents.tensor(_input) | {"parameters": parameters}]
    if body.get("id"):
        body["id"] = body["id"][: _limits["id_characters"]]
    if body.get("outputs"):
        body["outputs"] = [body["outputs"][0] | {"name": _output}]
    case.body = body


def upload(_context: Any, case: Any, response: Any) -> None:
    """An upload is there once the document was sent to where the answer says."""
    if case.operation.label == "POST /uploads" and response.status_code == 201:
        begun = response.json()
        asked = begun["upload"]
        fields = tuple(asked["fields"].items())
        form = Form(begun["id"], asked["url"], fields, asked["file_field"], asked["max_bytes"])
        send(form, io.BytesIO(_document), len(_document), lambda _: None)


schemathesis.hook("before_call")(fill)
schemathesis.hook("after_call")(upload)
for media_type, strategy in _documents.by_type.items():
    schemathesis.openapi.media_type(media_type, strategy)
