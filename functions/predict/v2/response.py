"""From predictions to the bytes of an inference response."""

import gzip
import json
import re
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predict.answer import too_long
from predict.v2.contract import HEADER_BYTES
from predict.v2.request import BINARY_SIZE, InferRequest
from predict.v2.tensors import DATATYPES, datatype_of
from serving.errors import InvalidInputError
from serving.model import Model, Prediction
from serving.settings import Limits

BINARY_TYPE = "application/octet-stream"
_WORTH_PACKING_BYTES = 1_000
# At zlib's fastest level its first two bytes could be text, and Mangum tells binary by that.
_LEVEL = 6
_NEVER = re.compile(r"q=0(\.0*)?")
_encode = json.JSONEncoder(separators=(",", ":")).encode

Headers = dict[str, str]


def to_body(
    model: Model,
    output_name: str,
    request: InferRequest,
    predictions: Iterable[Prediction],
    limits: Limits,
) -> tuple[bytes, Headers]:
    """The response and its headers; the output in the model's datatype, row-major.

    Raises:
        RequestTooLargeError: the answer is longer than Lambda sends; found as soon as it is.
    """
    datatype = datatype_of(model.passport.output.dtype)
    convert = _to_bytes if request.binary_output else _to_text
    limit_bytes = limits.binary_bytes if request.binary_output else limits.answer_bytes
    pieces: list[bytes] = []
    size_bytes = 1_000
    shape: tuple[int, ...] = ()
    for count, prediction in enumerate(predictions, 1):
        pieces.append(convert(prediction, datatype))
        shape = prediction.output.shape
        size_bytes += len(pieces[-1]) + 1
        if size_bytes > limit_bytes:
            raise too_long(limit_bytes, count)
    output = {"name": output_name, "datatype": datatype, "shape": [len(pieces), *shape]}
    if not request.binary_output:
        header = _header(model, request, output | {"data": []})
        return header.removesuffix(b"]}]}") + b",".join(pieces) + b"]}]}", {}
    data = b"".join(pieces)
    header = _header(model, request, output | {"parameters": {BINARY_SIZE: len(data)}})
    return header + data, {HEADER_BYTES: str(len(header)), "content-type": BINARY_TYPE}


def pack(body: bytes, accepted: str) -> tuple[bytes, Headers]:
    """The response as the request's Accept-Encoding wants it, where it is worth it."""
    wanted = [[word.strip() for word in part.split(";")] for part in accepted.lower().split(",")]
    encodings = [name for name, *more in wanted if not any(map(_NEVER.fullmatch, more))]
    if len(body) < _WORTH_PACKING_BYTES:
        return body, {}
    if "gzip" in encodings:
        return gzip.compress(body, _LEVEL, mtime=0), {"content-encoding": "gzip"}
    if "deflate" in encodings:
        return zlib.compress(body, _LEVEL), {"content-encoding": "deflate"}
    return body, {}


def _header(model: Model, request: InferRequest, output: dict[str, Any]) -> bytes:
    passport = model.passport
    content: dict[str, Any] = {"model_name": passport.name, "model_version": passport.version}
    if request.id is not None:
        content["id"] = request.id
    content["outputs"] = [output]
    return _encode(content).encode()


def _to_text(prediction: Prediction, datatype: str) -> bytes:
    return _encode(_stated(prediction, datatype).ravel().tolist())[1:-1].encode()


def _to_bytes(prediction: Prediction, datatype: str) -> bytes:
    return _stated(prediction, datatype).tobytes()


def _stated(prediction: Prediction, datatype: str) -> NDArray[Any]:
    with np.errstate(invalid="ignore"):
        stated: NDArray[Any] = prediction.output.astype(DATATYPES[datatype])
        if stated.dtype.kind in "iu" and (stated.astype(np.float64) != prediction.output).any():
            problem = f"the model's answer is beyond {datatype}"
            raise InvalidInputError(problem, matrix=prediction.id)
    return stated
