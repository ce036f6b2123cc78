"""The same matrices in every form of a request, and the outputs from any form of an answer.

All forms carry the same numbers, which FP32 holds. Text has them as the protocol's clients write
them, with all digits of a double; npz has doubles, as `make convert` writes it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bench.documents import NPZ, XML
from serving.documents import Matrix
from tests.support.documents import matrices, npz, xml

INLINE, PACKED, JSON, BINARY, RAW = "XML", "npz", "OIP JSON", "OIP binary", "OIP raw"
_HEADER_BYTES = "inference-header-content-length"
_BYTES = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Form:
    """A request; the names of its headers in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


def forms(count: int, model: str) -> dict[str, Form]:
    """The requests that predict so many matrices, by the name of their form."""
    given = list(_rounded(count))
    values = np.stack([matrix.values for matrix in given]).astype("<f4")
    tensor = {"name": "input", "shape": list(values.shape), "datatype": "FP32"}
    data = values.tobytes()
    text = _to_json({"inputs": [tensor | {"data": values.ravel().tolist()}]})
    sized = tensor | {"parameters": {"binary_data_size": len(data)}}
    header = _to_json({"parameters": {"binary_data_output": True}, "inputs": [sized]})
    infer = f"/v2/models/{model}/infer"
    binary = {"content-type": _BYTES, _HEADER_BYTES: str(len(header))}
    return {
        INLINE: Form("/predictions", {"content-type": XML}, xml(given)),
        PACKED: Form("/predictions", {"content-type": NPZ}, npz(given)),
        JSON: Form(infer, {"content-type": "application/json"}, text),
        BINARY: Form(infer, binary, header + data),
        RAW: Form(infer, binary | {_HEADER_BYTES: "0"}, data),
    }


def outputs(answer: bytes) -> dict[str, list[float]]:
    """What was predicted, by position, whichever form the answer has."""
    # Latin-1, so that a character is a byte: what follows on the JSON is the tensor.
    content, end = json.JSONDecoder().raw_decode(answer.decode("latin-1"))
    if "predictions" in content:
        rows = [prediction["output"] for prediction in content["predictions"]]
    else:
        [output] = content["outputs"]
        values = output["data"] if "data" in output else np.frombuffer(answer[end:], "<f4")
        rows = np.reshape(values, output["shape"]).tolist()
    return {str(position): row for position, row in enumerate(rows)}


def _rounded(count: int) -> Iterator[Matrix]:
    for matrix in matrices(count):
        yield Matrix(matrix.id, matrix.values.astype(np.float32).astype(np.float64))


def _to_json(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()
