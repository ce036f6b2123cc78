"""Nothing of a document gets out but its answer: a marker, in every place of every path.

What is searched is all that the processes write, and what they send to the daemon of X-Ray.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.aws import BUCKET, Aws
from local.delivery import sqs_event
from local.emulator import Emulator
from local.event import body_of
from tests.predict.batch.test_deliveries import bridge_event
from tests.support import faulty, marked
from tests.support.batch import put
from tests.support.documents import one
from tests.support.emf import lines
from tests.support.markers import DIGITS, NEEDLES, found
from tests.support.xray import Daemon, daemon

NAME = f"ward 7/{DIGITS} ä+&.xml"
STATUSES = {200, 201, 400, 404, 405, 413, 415, 422}


@pytest.fixture(scope="module")
def queue() -> Iterator[Aws]:
    """A bucket whose queue nobody reads: the events are made here."""
    with Aws(smallest_part_bytes=1) as aws:
        put(aws, NAME, marked.documents()["text"].body)
        yield aws


@pytest.fixture(scope="module")
def xray() -> Iterator[Daemon]:
    with daemon() as listening:
        yield listening


def env_of(bundle: Path, queue: Aws, xray: Daemon, handler: str, **more: str) -> dict[str, str]:
    env = {"MODEL_DIR": str(bundle), "TRACED": handler, "POWERTOOLS_LOG_LEVEL": "DEBUG"}
    return env | {"AWS_LAMBDA_LOG_FORMAT": "JSON"} | queue.env | xray.env | more


def traced(env: dict[str, str]) -> Emulator:
    return Emulator(env, handler="tests.support.traced.handle")


def signed(queue: Aws) -> str:
    given = {"Bucket": BUCKET, "Key": f"uploads/{NAME}"}
    url: str = queue.client("s3").generate_presigned_url("get_object", Params=given)
    return url


def test_the_http_handler_lets_nothing_out(bundle: Path, queue: Aws, xray: Daemon) -> None:
    """At the loudest level of the log, with tracing on; answers may quote."""
    requests = (
        marked.documents()
        | marked.links(queue.endpoint, signed(queue))
        | marked.inference()
        | marked.addresses()
    )
    answers = {}
    with traced(env_of(bundle, queue, xray, "predict.handler.api")) as emulator:
        for name, request in requests.items():
            answers[name] = emulator.invoke(request.event)
        malformed = {name: emulator.invoke(event) for name, event in marked.malformed().items()}
        log = emulator.log()
    sent = xray.datagrams(30)
    statuses = {name: answer.get("statusCode") for name, answer in answers.items()}
    assert set(statuses.values()) == STATUSES, statuses
    assert sum(status == 200 for status in statuses.values()) >= 10, statuses
    assert {each.get("statusCode", each.get("errorType")) for each in malformed.values()} >= {
        400,
        "EventError",
    }
    told = lines(log)
    assert len(told) == len(requests) + len(malformed)
    assert [line["status"] for line in told[: len(requests)]] == list(statuses.values())
    assert any(found(body_of(answer).decode("latin-1")) for answer in answers.values())
    assert not found(log)
    assert not found("".join(sent))
    assert len(sent) >= 30


@pytest.mark.parametrize("name", ["text", "npz"])
def test_a_fault_in_the_engine_lets_nothing_out(
    bundle: Path, queue: Aws, xray: Daemon, name: str
) -> None:
    """Which logs, warns, and fails in threads and in finalizers, with values in each text."""
    env = env_of(bundle, queue, xray, f"{faulty.HANDLER}.api", QUEUE_URL="", FAULT="on")
    with traced(env) as emulator:
        answer = emulator.invoke(marked.documents()[name].event)
        log = emulator.log()
    assert answer["statusCode"] == 500
    assert json.loads(body_of(answer))["detail"] == "This is our fault; it was logged."
    assert not found(log + "".join(xray.datagrams(1)) + str(answer))
    [line] = lines(log)
    assert (line["status"], line["Failures"], len(line["errors"])) == (500, 1, 1)
    assert line["errors"][0].startswith("RuntimeError at ")
    for said in ("engine at faulty.py", "UserWarning at faulty.py", "thread: LookupError"):
        assert said in log
    assert "ignored: ValueError" in log


def delivery(*names: str, tries: int = 1, bodies: tuple[str, ...] = ()) -> Any:
    """What SQS brings of documents, and of what it has beside them."""
    return sqs_event(
        [
            {
                "MessageId": str(i),
                "ReceiptHandle": f"r{i} {DIGITS}",
                "Body": body,
                "Attributes": {"ApproximateReceiveCount": str(tries)},
            }
            for i, body in enumerate([*(bridge_event(f"uploads/{n}") for n in names), *bodies])
        ]
    )


def test_the_batch_handler_lets_nothing_out(bundle: Path, queue: Aws, xray: Daemon) -> None:
    """Predicted, refused, repeated, gone; and messages that no document is found by."""
    documents = {
        f"{NAME} {name}": request.body
        for name, request in marked.documents().items()
        if "content-type" in request.headers and b"url" not in request.body
    }
    for name, body in documents.items():
        put(queue, name, body)
    odd = (f"hello {DIGITS}", json.dumps({"Records": [DIGITS]}), bridge_event(f"else/{DIGITS}"))
    with traced(env_of(bundle, queue, xray, "predict.batch.handler.batch")) as emulator:
        for name in [*documents, NAME, NAME, f"{NAME} gone", DIGITS * 200]:
            emulator.invoke(delivery(name))
        failed = emulator.invoke(delivery(bodies=odd))["batchItemFailures"]
        none: list[Any] = [{"Records": [{"body": DIGITS}]}, {DIGITS: DIGITS}, DIGITS]
        errors = [emulator.invoke(event).get("errorType") for event in none]
        log = emulator.log()
    assert len(failed) == len(odd)
    assert "EventError" in errors
    told = [line["outcome"] for line in lines(log)]
    assert set(told) == {"predicted", "refused", "repeated", "gone", "failed"}
    assert told.count("predicted") >= 5
    assert not found(log)
    assert not found("".join(sent := xray.datagrams(20)))
    assert len(sent) >= 20


def test_a_document_that_is_set_aside_lets_nothing_out(
    bundle: Path, queue: Aws, xray: Daemon
) -> None:
    name = f"{NAME} set aside"
    put(queue, name, marked.documents()["npz"].body)
    with traced(env_of(bundle, queue, xray, f"{faulty.HANDLER}.batch")) as emulator:
        for tries in (1, 5):
            assert emulator.invoke(delivery(name, tries=tries))["batchItemFailures"]
        log = emulator.log()
    assert [(line["outcome"], line["receives"]) for line in lines(log)] == [
        ("failed", 1),
        ("failed", 5),
    ]
    assert "engine at faulty.py" in log
    assert not found(log + "".join(xray.datagrams(1)))


@pytest.mark.parametrize(
    ("leak", "document"),
    [(leak, "npz" if leak == "prints_bytes" else "text") for leak in faulty.LEAKS]
    + [("prints_base64", "npz"), ("prints_base64", "npy, single"), ("raises", "npy")],
)
def test_a_handler_that_leaks_is_caught(bundle: Path, leak: str, document: str) -> None:
    """Or the tests above would prove nothing."""
    given = {"prints_bytes": "npy"}.get(leak, document)
    event = marked.documents()[given].event
    if leak == "measures":
        event = marked.addresses()["look-up"].event
    env = {"MODEL_DIR": str(bundle)}
    with Emulator(env, handler=f"{faulty.HANDLER}.{leak}") as emulator:
        emulator.invoke(event)
        assert found(emulator.log())


@pytest.mark.parametrize("needle", NEEDLES)
def test_the_marker_is_found_in_every_form(needle: str) -> None:
    assert found(f"a line of a log: {needle}, and more")


def test_a_log_without_the_marker_is_clean() -> None:
    assert not found("8286a188-ba32-4475-8077-530cd35c09a9 7316495029 7.31 4fda 41fb418d")
    assert found(one(DIGITS).decode())
