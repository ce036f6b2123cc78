"""Triton's extension binary_tensor_data: tensors as bytes, behind the JSON."""

import json

import numpy as np
from fastapi.testclient import TestClient

from tests.tables.conformance.asks import (
    LENGTH,
    OTHER,
    VALUES,
    Ask,
    as_bytes,
    binary,
    got,
    joined,
    posted,
    request,
    tensor,
)
from tests.tables.conformance.checks import (
    BINARY,
    JSON,
    STRINGS,
    Check,
    Part,
    Row,
    at,
    every,
    expected,
    header,
    lacks,
    member,
    output,
    predicts,
    refused,
    show,
    split,
)

_ROW = as_bytes(VALUES)
_SIZE = {"binary_data_size": 20_000}


def _wanting(everything: object = None, this: object = None) -> Ask:
    """With `binary_data_output` of the request, and with `binary_data` of the output."""
    parameters = {} if everything is None else {"binary_data_output": everything}
    of_output = {} if this is None else {"binary_data": this}
    outputs = [{"name": "output", "parameters": of_output}]
    return posted(request(parameters=parameters, outputs=outputs))


_BOTH = _wanting(this=True)


def _as_bytes(ask: Ask) -> Check:
    return every(header(ask, "content-type", BINARY), predicts(ask))


def _as_json(ask: Ask) -> Check:
    return every(
        header(ask, "content-type", JSON), member(ask, "outputs.0.data", {}), predicts(ask)
    )


def _lengths(client: TestClient) -> None:
    answer = posted(request(parameters={"binary_data_output": True}), accept_encoding="identity")(
        client
    )
    assert answer.headers.get("content-length") == str(len(answer.content)), show(answer)
    content, data = split(answer)
    assert answer.content == json.dumps(content, separators=(",", ":")).encode() + data
    assert len(data) == at(content, "outputs.0.parameters.binary_data_size"), show(answer)


def _little_endian(client: TestClient) -> None:
    predicts(binary(_ROW))(client)
    turned = output(binary(as_bytes(VALUES, ">f4"))(client))
    assert turned != expected(client, VALUES), "the order of the bytes makes no difference"
    answer = _BOTH(client)
    _, data = split(answer)
    assert np.frombuffer(data, "<f4").tolist() == expected(client, VALUES), show(answer)


EXTENSION = Part(
    "Binary tensor data",
    [
        Row(
            "binary-advertised",
            "The server's `extensions` have binary_tensor_data",
            "MUST",
            member(
                got("/v2"), "extensions", STRINGS | {"contains": {"const": "binary_tensor_data"}}
            ),
        ),
        Row(
            "binary-little-endian",
            "Values are little-endian, in requests and in responses",
            "MUST",
            _little_endian,
        ),
        Row(
            "binary-row-major",
            "Values are in row-major order, without gaps",
            "MUST",
            every(
                predicts(binary(_ROW + as_bytes(OTHER), shape=[2, 5000, 1]), VALUES, OTHER),
                predicts(binary(as_bytes(OTHER) + _ROW, shape=[2, 5000, 1]), OTHER, VALUES),
            ),
        ),
        Row(
            "binary-bool",
            "A BOOL is one byte: 1 for true, 0 for false",
            "MUST",
            every(
                predicts(binary(bytes([1, 0] * 2500), datatype="BOOL"), [1, 0] * 2500),
                refused(binary(bytes([2, 0] * 2500), datatype="BOOL"), "value 0", "BOOL of 2"),
            ),
            "as stated; another byte is refused",
        ),
        Row(
            "binary-behind-json",
            "The bytes come behind the JSON; Inference-Header-Content-Length says where",
            "MUST",
            every(
                predicts(binary()),
                refused(
                    joined(request(tensor("data", parameters=_SIZE)), _ROW, **{LENGTH: "5"}),
                    "the request",
                ),
            ),
        ),
        Row(
            "binary-header-needed",
            "A request with bytes needs that header",
            "MUST",
            refused(posted(request(tensor("data", parameters=_SIZE))), "no header"),
        ),
        Row(
            "binary-header-without-bytes",
            "The header may be there where there are no bytes",
            "MAY",
            every(
                predicts(joined(request(), b"")),
                refused(joined(request(), b"a"), "bytes after the JSON"),
            ),
        ),
        Row(
            "binary-header-value",
            "The header is the length of the JSON, in bytes",
            "MUST",
            every(
                refused(joined(request(), b"", **{LENGTH: "1e9"}), "1e9"),
                refused(joined(request(), b"", **{LENGTH: "-1"}), "-1"),
                refused(joined(request(), b"", **{LENGTH: "99999999"}), "is 99999999"),
            ),
        ),
        Row(
            "binary-size",
            "`binary_data_size` of an input is an integer: how many bytes it has",
            "MUST",
            every(
                predicts(binary(size=20_000)),
                refused(binary(size=19_996), "binary_data_size is 19996", "make 20000"),
                refused(binary(size="20000"), "binary_data_size"),
                refused(binary(size=20_000.0), "binary_data_size"),
                refused(binary(_ROW[:-4], size=20_000), "20,000 bytes", "got 19,996"),
                refused(binary(_ROW + b"a", size=20_000), "bytes after the end"),
            ),
            "as stated; it must be what shape and datatype make",
        ),
        Row(
            "binary-instead-of-data",
            "An input has `data` or `binary_data_size`",
            "MUST",
            every(
                refused(binary(without=""), "both data and binary_data_size"),
                refused(posted(request(tensor("data"))), "neither data nor binary_data_size"),
            ),
        ),
        Row(
            "binary-data",
            "`binary_data` of an output is true where it is wanted as bytes",
            "MUST",
            every(
                _as_bytes(_wanting(this=True)),
                _as_json(_wanting(this=False)),
                refused(_wanting(this=1), "outputs[0].parameters.binary_data", "true or false"),
            ),
        ),
        Row(
            "binary-data-absent",
            "Without it, and without `binary_data_output`, the output comes as JSON",
            "MUST",
            every(_as_json(_wanting()), _as_json(posted(request())), _as_json(binary())),
        ),
        Row(
            "binary-data-output",
            "`binary_data_output` of a request is true where all outputs are wanted as bytes",
            "MUST",
            every(
                _as_bytes(posted(request(parameters={"binary_data_output": True}))),
                _as_bytes(_wanting(everything=True)),
                _as_json(_wanting(everything=False)),
                refused(_wanting(everything="true"), "binary_data_output", "true or false"),
            ),
        ),
        Row(
            "binary-data-overrides",
            "`binary_data` of an output goes before `binary_data_output`, both ways",
            "MUST",
            every(
                _as_json(_wanting(everything=True, this=False)),
                _as_bytes(_wanting(everything=False, this=True)),
            ),
        ),
        Row(
            "binary-response-header",
            "A response with bytes has the header, one without needs none",
            "MUST",
            every(
                _as_bytes(_BOTH),
                member(_BOTH, "model_name", {"const": "demo"}),
                header(posted(request()), LENGTH, None),
            ),
        ),
        Row(
            "binary-response-lengths",
            "Content-Length is of JSON and bytes together",
            "MUST",
            _lengths,
        ),
        Row(
            "binary-response-size",
            "An output as bytes has `binary_data_size` and no `data`",
            "MUST",
            every(
                member(_BOTH, "outputs.0.parameters", {"const": {"binary_data_size": 8}}),
                lacks(_BOTH, "outputs.0", "data"),
            ),
        ),
        Row(
            "binary-types",
            "Bodies with bytes are application/octet-stream",
            "MUST",
            every(
                header(_BOTH, "content-type", BINARY),
                predicts(joined(request(), b"", content_type=BINARY)),
                predicts(joined(request(), b"", content_type=JSON)),
                predicts(joined(request(), b"", content_type="text/plain")),
            ),
            "as stated, in responses; a request's type is not looked at",
        ),
    ],
)
