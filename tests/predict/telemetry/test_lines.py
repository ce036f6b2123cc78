"""What is told of each invocation, as CloudWatch reads it: metrics, dimensions and fields."""

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI

from local.aws import Aws
from local.delivery import Context
from local.event import http_event
from predict.api import create_app
from predict.batch.edge import create_handler as create_batch_handler
from predict.batch.job import Job, create_job
from predict.gateway import create_handler
from predict.store import Store
from predict.telemetry.facts import Facts
from predict.telemetry.invocations import EventError, observe
from predict.telemetry.lines import Reporter, write
from predict.telemetry.start import Function
from serving.model import Model, open_model
from serving.settings import Settings
from tests.predict.batch.test_deliveries import bridge_event
from tests.predict.batch.test_edge import Ending, Queue, event
from tests.support.batch import put
from tests.support.documents import matrices, one, xml
from tests.support.emf import Line, lines, metrics

FUNCTION = Function("prod-predict", "Verger", "7")
XML, JSON = {"content-type": "application/xml"}, {"content-type": "application/json"}
START = {"ColdStartMs": 800.0, "ColdStartEngineMs": 70.5}


class Told:
    """A reporter, and what it wrote."""

    def __init__(self, start: dict[str, float] | None = None) -> None:
        self._text = ""
        self.report = Reporter(FUNCTION, start or {}, self._write).report

    def _write(self, line: str) -> None:
        self._text += line

    @property
    def lines(self) -> list[Line]:
        return lines(self._text)


def invoke(app: FastAPI, event: Any) -> Line:
    """One invocation, and the line that tells it."""
    told = Told()
    observe(create_handler(app), told.report)(event, SimpleNamespace(aws_request_id="r-1"))
    [line] = told.lines
    return line


def test_a_prediction_is_told_in_one_line(app: FastAPI) -> None:
    document = xml(matrices(3))
    line = invoke(app, http_event("POST", "/predictions", document, XML))
    assert metrics(line) == {
        ("Requests", "prod-predict"): (1, "Count"),
        ("Predictions", "prod-predict"): (1, "Count"),
        ("Matrices", "prod-predict"): (3, "Count"),
        ("Failures", "prod-predict"): (0, "Count"),
        ("Failures", "prod-predict", "7"): (0, "Count"),
        ("DurationMs", "prod-predict"): (line["duration_ms"], "Milliseconds"),
    }
    assert line["request_id"] == "r-1"
    assert line["api_request_id"] == "JKJaXmPLvHcESHA="
    assert (line["route"], line["status"]) == ("POST /predictions", 200)
    assert (line["matrices"], line["document_bytes"]) == (3, len(document))
    assert line["answer_bytes"] > 100
    assert line["duration_ms"] > 0
    assert not {"reason", "errors", "outcome", "Refusals"} & line.keys()


@pytest.mark.parametrize(
    ("request_of", "route", "status", "reason"),
    [
        pytest.param(("POST", "/predictions", b"<a", XML), "POST /predictions", 400, "malformed"),
        pytest.param(
            ("POST", "/predictions", one("1 2"), XML), "POST /predictions", 422, "invalid"
        ),
        pytest.param(("POST", "/predictions", b"x"), "POST /predictions", 415, "unsupported"),
        pytest.param(
            ("POST", "/predictions", b" " * 6_000_001, XML), "POST /predictions", 413, "too-large"
        ),
        pytest.param(("GET", "/nowhere/at/all"), "GET (none)", 404, "http"),
        pytest.param(("PUT", "/predictions"), "PUT /predictions", 405, "http"),
        pytest.param(
            ("POST", "/v2/models/other/infer"), "POST /v2/models/{name}/infer", 404, "not-found"
        ),
        pytest.param(
            ("POST", "/v2/models/demo/infer", b"{}", JSON),
            "POST /v2/models/{name}/infer",
            400,
            "invalid",
        ),
    ],
    ids=str,
)
def test_a_refusal_is_told_by_its_reason(
    app: FastAPI, request_of: tuple[Any, ...], route: str, status: int, reason: str
) -> None:
    line = invoke(app, http_event(*request_of))
    assert (line["route"], line["status"], line["reason"]) == (route, status, reason)
    found = metrics(line)
    assert found["Refusals", "prod-predict", reason] == (1, "Count")
    assert found["Predictions", "prod-predict"] == (0, "Count")
    assert found["Failures", "prod-predict"] == (0, "Count")


def test_an_answer_without_a_prediction_is_none(app: FastAPI) -> None:
    line = invoke(app, http_event("GET", "/health/live"))
    assert (line["status"], line["Requests"], line["Predictions"]) == (200, 1, 0)


def test_a_fault_is_told_by_type_and_place(model: Model, settings: Settings) -> None:
    class Broken:
        spec = model.spec
        passport = model.passport
        start_ms = model.start_ms

        def predict(self, _: Any) -> Any:
            raise LookupError("secret 0.123456")

    app = create_app(Broken(), settings)  # type: ignore[arg-type]
    line = invoke(app, http_event("POST", "/predictions", xml(matrices(1)), XML))
    found = metrics(line)
    assert found["Failures", "prod-predict"] == (1, "Count")
    assert found["Failures", "prod-predict", "7"] == (1, "Count")
    assert "reason" not in line
    [error] = line["errors"]
    assert error.startswith(f"LookupError at {__file__}:")
    assert "secret" not in str(line)


def test_an_event_that_is_none_fails_without_its_words(app: FastAPI) -> None:
    told = Told()
    handler = observe(create_handler(app), told.report)
    event = {"requestContext": {"requestId": "JKJaXmPLvHcESHA="}, "secret": "secret"}
    with pytest.raises(EventError) as caught:
        handler(event, None)
    assert str(caught.value).startswith("the event cannot be handled: RuntimeError at ")
    [line] = told.lines
    assert (line["outcome"], line["Failures"]) == ("failed", 1)
    assert line["api_request_id"] == "JKJaXmPLvHcESHA="
    assert "secret" not in str(line) + str(caught.value)
    assert caught.value.__suppress_context__


def test_the_first_line_tells_the_cold_start_and_no_other(app: FastAPI) -> None:
    told = Told(START)
    handler = observe(create_handler(app), told.report)
    for _ in range(3):
        handler(http_event("GET", "/health/live"), None)
    assert [line["cold_start"] for line in told.lines] == [True, False, False]
    assert [START.keys() & line.keys() for line in told.lines] == [START.keys(), set(), set()]
    assert metrics(told.lines[0])["ColdStartMs", "prod-predict"] == (800.0, "Milliseconds")


def test_the_line_leaves_in_one_piece(capsys: pytest.CaptureFixture[str]) -> None:
    Reporter(FUNCTION, {}, write).report(Facts(route="GET /", status=200))
    out = capsys.readouterr().out
    assert out.endswith("}\n")
    assert json.loads(out)["route"] == "GET /"


@pytest.fixture(scope="module")
def job(bundle: Path, store: Store, stored: Settings) -> Job:
    return create_job(open_model(bundle, threads=1), store, stored)


def deliver(job: Job, stored: Settings, *bodies: str, tries: int = 1, **more: Any) -> list[Line]:
    """One invocation of the batch handler, and what it tells."""
    assert stored.storage is not None
    told = Told()
    handler = create_batch_handler(job, Queue(), stored.storage, told.report)
    handler(event(*bodies, tries=tries), more.get("context", Context()))
    return told.lines


@pytest.mark.parametrize(
    ("document", "outcome", "count", "reason"),
    [
        (xml(matrices(3)), "predicted", 3, None),
        (one("1 2"), "refused", 0, "invalid"),
        (b"<a", "refused", 0, "malformed"),
        (None, "gone", 0, None),
    ],
    ids=["good", "short", "no end", "gone"],
)
def test_a_document_is_told_by_the_hash_of_its_name(
    job: Job,
    stored: Settings,
    aws: Aws,
    name: str,
    document: bytes | None,
    outcome: str,
    count: int,
    reason: str | None,
) -> None:
    if document is not None:
        put(aws, name, document)
    [line] = deliver(job, stored, bridge_event(f"uploads/{name}"), tries=2)
    assert (line["outcome"], line["matrices"], line.get("reason")) == (outcome, count, reason)
    assert line["document"] == hashlib.sha256(name.encode()).hexdigest()[:12]
    assert line["receives"] == 2
    assert line.get("document_bytes") == (None if document is None else len(document))
    assert ("answer_bytes" in line) == (document is not None)
    found = metrics(line)
    assert found["Predictions", "prod-predict"] == (int(outcome == "predicted"), "Count")
    assert found["Failures", "prod-predict"] == (0, "Count")
    assert ("Refusals", "prod-predict", str(reason)) in found or reason is None
    assert name not in str(line)


def test_a_document_of_several_invocations_is_counted_once(
    job: Job, stored: Settings, aws: Aws, name: str
) -> None:
    put(aws, name, xml(matrices(80)))
    told = []
    for context in (Ending(300), Context()):
        told += deliver(job, stored, bridge_event(f"uploads/{name}"), context=context)
    assert [line["outcome"] for line in told] == ["continued", "predicted"]
    assert all(line["matrices"] > 0 for line in told)
    assert sum(line["Matrices"] for line in told) == 80


def test_what_no_document_is_found_by_is_a_failure(job: Job, stored: Settings) -> None:
    test = '{"Event": "s3:TestEvent"}'
    [line] = deliver(job, stored, "secret words", test)
    assert (line["outcome"], line["Failures"], line["Requests"]) == ("failed", 1, 1)
    assert line["errors"][0].startswith("DeliveryError at ")
    assert "secret" not in str(line)
