"""The addresses of the protocol, health and metadata."""

from fastapi.testclient import TestClient

from tests.tables.conformance.asks import INFER, MODEL, got, posted, request
from tests.tables.conformance.checks import (
    STRINGS,
    TRUE,
    Check,
    Part,
    Row,
    at,
    every,
    member,
    predicts,
    refused,
    show,
)

VERSION = f"{MODEL}/versions/1"
_GETS = ("/v2", "/v2/health/live", "/v2/health/ready", MODEL, f"{MODEL}/ready")


def _same(one: str, other: str) -> Check:
    def check(client: TestClient) -> None:
        answers = client.get(one), client.get(other)
        assert at(answers[0].json(), "name"), show(answers[0])
        assert answers[0].content == answers[1].content, [show(answer) for answer in answers]

    return check


def _one_verb(client: TestClient) -> None:
    verbs = dict.fromkeys(_GETS, "GET") | {INFER: "POST"}
    for path, right in verbs.items():
        for verb in {"GET", "POST", "PUT", "DELETE"} - {right}:
            answer = client.request(verb, path)
            assert answer.status_code == 405, show(answer)
            assert answer.headers.get("allow") == right, show(answer)
            assert isinstance(at(answer.json(), "error"), str), show(answer)


def _no_grpc(client: TestClient) -> None:
    answer = client.post(
        "/inference.GRPCInferenceService/ServerLive",
        content=bytes(5),
        headers={"content-type": "application/grpc"},
    )
    assert answer.status_code == 404, show(answer)


def _answers_the_version(client: TestClient) -> None:
    version = at(client.get(MODEL).json(), "versions.0")
    answer = client.post(INFER, json=request())
    assert at(answer.json(), "model_version") == version, show(answer)


ENDPOINTS = Part(
    "The endpoints",
    [
        Row(
            "server-metadata",
            "`GET /v2` says what the server is",
            "MUST",
            member(got("/v2"), "name", {"const": "verger"}),
        ),
        Row(
            "server-metadata-slash",
            "So does `GET /v2/`, as the protocol's OpenAPI document writes the address",
            "MUST",
            _same("/v2", "/v2/"),
        ),
        Row(
            "server-live",
            "`GET /v2/health/live` answers 200 while the server can take requests",
            "MUST",
            every(member(got("/v2/health/live"), "live", TRUE), predicts(posted(request()))),
            "as stated; it needs no header and no body, so that a probe of Kubernetes may ask",
        ),
        Row(
            "server-ready",
            "`GET /v2/health/ready` answers 200 while all models are ready to predict",
            "MUST",
            every(member(got("/v2/health/ready"), "ready", TRUE), predicts(posted(request()))),
            "as stated; it never says false, since nothing answers before the model has loaded "
            "and given its golden output",
        ),
        Row(
            "model-metadata",
            "`GET /v2/models/NAME` describes a model",
            "MUST",
            member(got(MODEL), "name", {"const": "demo"}),
        ),
        Row(
            "model-metadata-version",
            "`GET /v2/models/NAME/versions/VERSION` describes a version of it",
            "MAY",
            _same(MODEL, VERSION),
        ),
        Row(
            "model-ready",
            "`GET /v2/models/NAME/ready` says whether a model is ready to predict",
            "MUST",
            member(got(f"{MODEL}/ready"), "ready", TRUE),
        ),
        Row(
            "model-ready-version",
            "`GET /v2/models/NAME/versions/VERSION/ready` says it of a version",
            "MAY",
            _same(f"{MODEL}/ready", f"{VERSION}/ready"),
        ),
        Row(
            "infer",
            "`POST /v2/models/NAME/infer` predicts",
            "MUST",
            predicts(posted(request())),
        ),
        Row(
            "infer-version",
            "`POST /v2/models/NAME/versions/VERSION/infer` predicts with a version",
            "MAY",
            every(
                predicts(posted(request(), f"{VERSION}/infer")),
                refused(posted(request(), f"{MODEL}/versions/2/infer"), '"2"', status=404),
            ),
        ),
        Row(
            "version-absent",
            "Where the address has no version, the server chooses one or refuses",
            "MAY",
            _answers_the_version,
            "as stated: it takes the one that it has",
        ),
        Row(
            "version-unknown",
            "A version that there is not is an error",
            "MUST",
            every(
                refused(got(f"{MODEL}/versions/2"), '"2"', '"1"', status=404),
                refused(got(f"{MODEL}/versions/2/ready"), '"2"', '"1"', status=404),
            ),
            "as stated: 404, which names the version that there is",
        ),
        Row(
            "model-unknown",
            "A model that there is not is an error",
            "MUST",
            every(
                refused(got("/v2/models/other"), '"other"', '"demo"', status=404),
                refused(got("/v2/models/other/ready"), '"other"', '"demo"', status=404),
                refused(posted(request(), "/v2/models/other/infer"), '"other"', status=404),
            ),
            "as stated: 404, which names the model that there is",
        ),
        Row(
            "many-models",
            "A server may have several models, and several versions of each",
            "MAY",
            member(got(MODEL), "versions", STRINGS | {"maxItems": 1}),
            "differs: a service has one model in one version, which its bundle's passport names",
        ),
        Row(
            "verbs",
            "Each address has one verb: POST for inference, GET for all else",
            "MUST",
            _one_verb,
            "as stated; another verb is refused with 405, the error object and `Allow`",
        ),
        Row(
            "grpc",
            "The protocol may be offered over gRPC, too",
            "MAY",
            _no_grpc,
            "differs: it is not; API Gateway would not carry it",
        ),
    ],
)
HEALTH = Part(
    "Health",
    [
        Row(
            "live-live",
            "Server live answers an object with `live`, true or false",
            "MUST",
            member(got("/v2/health/live"), "", {"const": {"live": True}}),
        ),
        Row(
            "ready-live",
            "Server ready answers an object with `live`, true or false",
            "MUST",
            member(got("/v2/health/ready"), "", {"const": {"live": True, "ready": True}}),
            "as stated, and with `ready` beside it: the specification names the one, some clients "
            "read the other",
        ),
        Row(
            "model-ready-name",
            "Model ready has `name`, the model's",
            "MUST",
            member(got(f"{MODEL}/ready"), "name", {"const": "demo"}),
        ),
        Row(
            "model-ready-ready",
            "Model ready has `ready`, true or false, and no more",
            "MUST",
            member(got(f"{MODEL}/ready"), "", {"const": {"name": "demo", "ready": True}}),
        ),
    ],
)
