"""Requests of the Open Inference Protocol for tests: the same matrices in every form."""

import gzip
import json
import zlib
from typing import Any

import httpx2
import numpy as np
from fastapi.testclient import TestClient
from numpy.typing import NDArray

from predict.api import create_app
from serving.model import Model
from serving.passport import Tensor
from serving.settings import Settings
from tests.support.datatypes import CODES

Sent = tuple[bytes, dict[str, str]]  # a body and its headers

INFER = "/v2/models/demo/infer"
LENGTH = "inference-header-content-length"
_ONE = np.array([[1.0, 2.0, 3.0]])


class Echo:
    """An engine whose outputs are its inputs."""

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        return batch


def echoing(
    model: Model, shape: tuple[int | None, ...], dtype: str = "float64", **env: str
) -> TestClient:
    """A client of a service whose model takes matrices of this shape, and gives them back."""
    tensor = Tensor(shape=shape, dtype=dtype)
    passport = model.passport.model_copy(update={"input": tensor, "output": tensor})
    settings = Settings.from_env({"MODEL_DIR": "none"} | env)
    app = create_app(Model(passport, Echo(), {}), settings)
    return TestClient(app, raise_server_exceptions=False)


def request(
    values: NDArray[Any], datatype: str = "FP32", tensor: Any = None, **more: Any
) -> dict[str, Any]:
    """A request for an array, whose values are in what `tensor` adds to the input."""
    stated = {"name": "input", "shape": list(values.shape), "datatype": datatype}
    return {"inputs": [stated | (tensor or {})]} | more


def flat(values: NDArray[Any], datatype: str = "FP32", **more: Any) -> Sent:
    """Values in JSON, in a row."""
    content = request(values, datatype, {"data": values.ravel().tolist()}, **more)
    return json.dumps(content).encode(), {}


def nested(values: NDArray[Any], datatype: str = "FP32", **more: Any) -> Sent:
    """Values in JSON, nested as their shape."""
    return json.dumps(request(values, datatype, {"data": values.tolist()}, **more)).encode(), {}


def binary(values: NDArray[Any], datatype: str = "FP32", **more: Any) -> Sent:
    """Values behind the JSON."""
    data = values.astype(CODES[datatype]).tobytes()
    parameters = {"parameters": {"binary_data_size": len(data)}}
    return behind(request(values, datatype, parameters, **more), data)


def behind(content: Any, data: bytes) -> Sent:
    """Bytes behind JSON."""
    header = json.dumps(content).encode()
    return header + data, {LENGTH: str(len(header))}


def raw(values: NDArray[Any], datatype: str = "FP32") -> Sent:
    """Values and nothing else."""
    return values.astype(CODES[datatype]).tobytes(), {LENGTH: "0"}


def text(data: str, shape: str = "[1, 3]", datatype: str = "FP64") -> Sent:
    """A request whose data and shape are written by hand."""
    content = f'{{"inputs": [{{"name": "input", "datatype": "{datatype}", "shape": {shape}, '
    return f'{content}"data": {data}}}]}}'.encode(), {}


def asked(**more: Any) -> Sent:
    """A good request of one matrix of three values, and more in it."""
    content = request(_ONE, "FP64", {"data": [1, 2, 3]}, **more)
    return json.dumps(content, ensure_ascii=False).encode(), {}


def told(**more: Any) -> Sent:
    """The same, and more in its input; what is None is left out."""
    content = request(_ONE, "FP64", {"data": [1, 2, 3]} | more)
    [given] = content["inputs"]
    content["inputs"] = [{key: value for key, value in given.items() if value is not None}]
    return json.dumps(content).encode(), {}


def packed(sent: Sent, encoding: str) -> Sent:
    """The same request, packed."""
    body, headers = sent
    content = gzip.compress(body, 1) if encoding == "gzip" else zlib.compress(body, 1)
    return content, headers | {"content-encoding": encoding}


def every_form(values: NDArray[Any]) -> dict[str, Sent]:
    """Each form of a request for an array of float32."""
    wanted = {"binary_data_output": True}
    forms = {
        "flat": flat(values),
        "nested": nested(values),
        "flat, FP64": flat(values, "FP64"),
        "flat, bytes wanted": flat(values, parameters=wanted),
        "bytes": binary(values),
        "bytes, FP64": binary(values, "FP64"),
        "bytes, bytes wanted": binary(values, parameters=wanted),
        "raw": raw(values),
    }
    some = ("nested", "bytes, FP64", "raw")
    both = [(name, encoding) for name in some for encoding in ("gzip", "deflate")]
    return forms | {f"{name}, {how}": packed(forms[name], how) for name, how in both}


def infer(client: TestClient, sent: Sent, path: str = INFER, **headers: str) -> httpx2.Response:
    """Send a request."""
    body, needed = sent
    return client.post(path, content=body, headers=needed | headers)


def output(answer: httpx2.Response) -> NDArray[Any]:
    """The output of an answer, in JSON or behind it."""
    assert answer.status_code == 200, answer.text[:300]
    return tensor_of(answer.content, answer.headers.get(LENGTH))


def tensor_of(body: bytes, length: str | None = None) -> NDArray[Any]:
    """The output in the body of an answer, whose JSON is so long, or all of it."""
    header, data = (body, b"") if length is None else (body[: int(length)], body[int(length) :])
    [found] = json.loads(header)["outputs"]
    code = CODES[found["datatype"]]
    if length is None:
        return np.array(found["data"], dtype=code).reshape(found["shape"])
    assert found["parameters"] == {"binary_data_size": len(data)}
    return np.frombuffer(data, dtype=code).reshape(found["shape"])


def error(answer: httpx2.Response, status: int = 400) -> str:
    """What a refusal says."""
    assert answer.status_code == status, answer.text[:300]
    assert answer.headers["content-type"] == "application/json"
    content: dict[str, str] = answer.json()
    assert set(content) == {"error"}
    return content["error"]
