"""Triton's raw binary request, and packing."""

import gzip
import json
import zlib
from collections.abc import Callable

from tests.tables.conformance.asks import (
    LENGTH,
    OTHER,
    VALUES,
    Ask,
    as_bytes,
    posted,
    request,
    tensor,
)
from tests.tables.conformance.checks import (
    BINARY,
    Check,
    Part,
    Row,
    every,
    header,
    member,
    predicts,
    refused,
)

_ROW = as_bytes(VALUES)
_SIZE = {"binary_data_size": len(_ROW)}
_MANY = bytes(20_000 * 120)  # their answer is worth packing: 120 * 8 bytes, and its header


def _raw(data: bytes, **headers: str) -> Ask:
    return posted(data, **({LENGTH: "0"} | headers))


def _packed(encoding: str, pack: Callable[[bytes], bytes]) -> Check:
    """Request and response; the header counts what is unpacked."""
    text = json.dumps(request(tensor("data", parameters=_SIZE))).encode()
    sent = posted(pack(text + _ROW), content_encoding=encoding, **{LENGTH: str(len(text))})
    big = _raw(_MANY, accept_encoding=encoding)
    return every(
        predicts(sent),
        predicts(posted(pack(json.dumps(request()).encode()), content_encoding=encoding)),
        header(big, "content-encoding", encoding),
        predicts(big, *[[0.0] * 5000] * 120),
        header(_raw(_MANY, accept_encoding="identity"), "content-encoding", None),
    )


RAW = Part(
    "The raw binary request",
    [
        Row(
            "raw-header",
            "Where Inference-Header-Content-Length is 0, the body is the tensor alone",
            "MUST",
            every(predicts(_raw(_ROW)), refused(posted(_ROW), "the request")),
            "as stated: in the model's datatype",
        ),
        Row(
            "raw-output",
            "All outputs come as bytes, behind JSON",
            "MUST",
            every(
                header(_raw(_ROW), "content-type", BINARY),
                member(_raw(_ROW), "outputs.0.parameters", {"const": {"binary_data_size": 8}}),
            ),
        ),
        Row(
            "raw-batch",
            "The body is a batch of one",
            "MUST",
            every(
                member(_raw(_ROW), "outputs.0.shape", {"const": [1, 2]}),
                predicts(_raw(_ROW + as_bytes(OTHER)), VALUES, OTHER),
            ),
            "differs: a batch of as many as the body has; of one, where a dimension is open",
        ),
        Row(
            "raw-size",
            "The shape follows from the number of bytes",
            "MUST",
            every(
                predicts(_raw(_ROW)),
                refused(_raw(_ROW[:-4]), "19,996 bytes", "5000 values of FP32"),
                refused(_raw(_ROW[:-1]), "19,999 bytes", "FP32"),
                refused(_raw(b""), "0 bytes", "FP32"),
            ),
            "as stated; a number that fits no shape is refused",
        ),
    ],
)
PACKING = Part(
    "Packing, as Triton's client has it",
    [
        Row(
            "packed-gzip",
            "A request may be packed with gzip, and ask for a response that is",
            "MAY",
            _packed("gzip", gzip.compress),
            "as stated; a response of less than 1,000 bytes is not packed",
        ),
        Row(
            "packed-deflate",
            "The same with deflate, a zlib stream",
            "MAY",
            _packed("deflate", zlib.compress),
            "as stated; a response of less than 1,000 bytes is not packed",
        ),
    ],
)
