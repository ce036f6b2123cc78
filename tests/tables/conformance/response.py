"""The inference response, and errors."""

import logging

from fastapi.testclient import TestClient

from tests.tables.conformance.asks import (
    INFER,
    OTHER,
    VALUES,
    binary,
    got,
    posted,
    request,
    tensor,
    unlike,
    with_input,
)
from tests.tables.conformance.checks import (
    JSON,
    Part,
    Row,
    every,
    header,
    lacks,
    member,
    predicts,
    refused,
    show,
    split,
)

_BATCH = tensor(shape=[2, 5000, 1], data=VALUES + OTHER)
_FAILING = {
    got("/v2/other"): 404,
    got("/v2/models/other"): 404,
    got("/v2/models/demo/versions/2/ready"): 404,
    got(INFER): 405,
    posted(b"{"): 400,
    posted(b" " * 6_000_001): 400,
    posted(request(), content_encoding="br"): 400,
    binary(bytes(3), size=3): 400,
}


def _error_alone(client: TestClient) -> None:
    for ask, status in _FAILING.items():
        refused(ask, status=status)(client)
        answer = ask(client)
        assert list(split(answer)[0]) == ["error"], show(answer)


def _fault(client: TestClient) -> None:
    refused(posted(b"{"), "the request")(client)
    logging.disable()  # the fault is not news
    try:
        refused(posted(request()), "our fault", status=500)(unlike())
    finally:
        logging.disable(logging.NOTSET)


def _length(client: TestClient) -> None:
    ask = posted(request(), accept_encoding="identity")
    answer = ask(client)
    header(ask, "content-length", str(len(answer.content)))(client)
    header(ask, "content-type", JSON)(client)


RESPONSE = Part(
    "The inference response",
    [
        Row(
            "response-headers",
            "Success is 200 with one JSON object: application/json, and Content-Length its length",
            "MUST",
            _length,
        ),
        Row(
            "response-model-name",
            "`model_name` is a string: the model that predicted",
            "MUST",
            member(posted(request()), "model_name", {"const": "demo"}),
        ),
        Row(
            "response-model-version",
            "`model_version` is a string, where a server has versions",
            "SHOULD",
            member(posted(request()), "model_version", {"const": "1"}),
            "as stated: always there",
        ),
        Row(
            "response-id",
            "`id` is the request's",
            "MUST",
            every(
                member(posted(request(id="42")), "id", {"const": "42"}),
                member(posted(request(id="ä\n€𝄞")), "id", {"const": "ä\n€𝄞"}),
            ),
        ),
        Row(
            "response-no-id",
            "`id` is not there where the request has none",
            "SHOULD",
            lacks(posted(request()), "", "id"),
        ),
        Row(
            "response-parameters",
            "`parameters` is optional, for the response and for an output",
            "MAY",
            every(
                lacks(posted(request()), "", "parameters"),
                lacks(posted(request()), "outputs.0", "parameters"),
            ),
            "as stated: there are none, but `binary_data_size`",
        ),
        Row(
            "response-outputs",
            "`outputs` is a list of tensors",
            "MUST",
            member(
                posted(request()),
                "outputs",
                {"type": "array", "minItems": 1, "maxItems": 1, "items": {"type": "object"}},
            ),
        ),
        Row(
            "response-output-name",
            "An output has `name`, as the metadata says it",
            "MUST",
            member(posted(request()), "outputs.0.name", {"const": "output"}),
        ),
        Row(
            "response-output-shape",
            "An output has `shape`, of the whole batch",
            "MUST",
            every(
                member(posted(request()), "outputs.0.shape", {"const": [1, 2]}),
                member(posted(request(_BATCH)), "outputs.0.shape", {"const": [2, 2]}),
            ),
        ),
        Row(
            "response-output-datatype",
            "An output has `datatype`, one of the protocol's",
            "MUST",
            member(posted(request()), "outputs.0.datatype", {"const": "FP32"}),
            "as stated: the model's, whatever the input was sent in",
        ),
        Row(
            "response-output-data",
            "An output has `data`: the values of the whole batch, in row-major order",
            "MUST",
            every(
                member(posted(request()), "outputs.0.data", {"type": "array"}),
                predicts(posted(request(_BATCH)), VALUES, OTHER),
            ),
            "as stated: flat",
        ),
    ],
)
ERRORS = Part(
    "Errors",
    [
        Row(
            "error-status",
            "A request that fails has an HTTP status of an error, typically 400",
            "MUST",
            every(
                refused(posted(b"{"), "the request", status=400),
                refused(posted(b""), "the request", status=400),
                refused(with_input(shape=[1, 2, 3]), "shape", status=400),
                refused(got("/v2/models/other"), "other", status=404),
            ),
            "as stated: 400, or 404 for what there is not, 405 for another verb, 500 or 503 for "
            "a fault of the service",
        ),
        Row(
            "error-object",
            "Its body is an object with `error`, a string",
            "MUST",
            _error_alone,
            "as stated, under /v2; the service's other addresses answer problem+json (RFC 9457)",
        ),
        Row(
            "error-descriptive",
            "The text describes the error",
            "MUST",
            every(
                refused(with_input(data=[*VALUES[:4999], "x"]), 'matrix "0"', "value 4999"),
                refused(with_input(data=VALUES[:4999]), "expected 5,000 values, got 4,999"),
            ),
            "as stated: it names the place, and what was expected there",
        ),
        Row(
            "error-of-the-server",
            "The same where the fault is the server's",
            "MUST",
            _fault,
            "as stated: 500, with a text that gives nothing away of what failed",
        ),
    ],
)
