"""Requests of the protocol to the demo model, as what is answered to them."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from fastapi.testclient import TestClient
from httpx2 import Response
from numpy.typing import NDArray

from predict.api import create_app
from serving.model import Model
from serving.passport import read_passport
from serving.settings import Settings
from tests.tables.refusals import BUNDLE

Ask = Callable[[TestClient], Response]
Values = Sequence[float]

MODEL = "/v2/models/demo"
INFER = f"{MODEL}/infer"
LENGTH = "inference-header-content-length"
# Two matrices with answers of their own; exact as FP16, and so as everything wider.
VALUES = [i % 7 / 8 for i in range(5000)]
OTHER = [i % 5 / 4 for i in range(5000)]


def tensor(without: str = "", **members: Any) -> dict[str, Any]:
    """An input that the demo model takes, but for what is given; `without` a member of it."""
    whole = {"name": "input", "shape": [1, 5000, 1], "datatype": "FP32", "data": VALUES}
    return {name: value for name, value in (whole | members).items() if name != without}


def request(given: Mapping[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    """A request of one input."""
    return {"inputs": [tensor() if given is None else given]} | members


def with_input(**members: Any) -> Ask:
    """What is answered where the input has these members."""
    return posted(request(tensor(**members)))


def with_output(**members: Any) -> Ask:
    """What is answered where the output is wanted, with these members."""
    return posted(request(outputs=[{"name": "output"} | members]))


def got(path: str) -> Ask:
    """What is answered to GET."""
    return lambda client: client.get(path)


def posted(content: Any, path: str = INFER, **headers: str) -> Ask:
    """What is answered to an inference request: bytes as they are, all else as JSON."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda client: client.post(path, content=body, headers=names)


def joined(header: Any, data: bytes, **headers: str) -> Ask:
    """What is answered to JSON with bytes behind it."""
    text = json.dumps(header).encode()
    return posted(text + data, **({LENGTH: str(len(text))} | headers))


def as_bytes(values: Values, code: str = "<f4") -> bytes:
    """Values one behind the other."""
    return np.array(values).astype(code).tobytes()


def binary(
    data: bytes = as_bytes(VALUES), size: Any = None, without: str = "data", **members: Any
) -> Ask:
    """What is answered to a tensor that is sent as bytes; `size` is what the request says of it."""
    stated = {"binary_data_size": len(data) if size is None else size}
    return joined(request(tensor(without, parameters=stated, **members)), data)


class _Silent:
    """An engine that gives no outputs: a fault of the service."""

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        return batch[:0]


def unlike(**passport: Any) -> TestClient:
    """The service with another passport, and with an engine that is out of order."""
    model = Model(read_passport(BUNDLE).model_copy(update=passport), _Silent(), {})
    return TestClient(create_app(model, Settings.from_env({"MODEL_DIR": str(BUNDLE)})))
