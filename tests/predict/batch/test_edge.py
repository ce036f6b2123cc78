"""The Lambda edge of the queue: who fails, who does not, and what comes back when."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Any

import pytest

from local.aws import Aws
from local.delivery import Context, deliver, sqs_event
from predict.batch.deadline import Deadline
from predict.batch.edge import create_handler
from predict.batch.job import Job, Outcome, create_job
from predict.batch.notes import Progress
from predict.batch.queue import SqsQueue
from predict.events import Handler
from predict.keys import Note
from predict.store import Store
from predict.telemetry.facts import Facts
from serving.errors import UnavailableError
from serving.model import open_model
from serving.settings import Settings
from tests.predict.batch.test_deliveries import bridge_event, s3_event
from tests.support.batch import problem, put
from tests.support.documents import matrices, one, xml

SMALL = xml(matrices(2))


class Queue:
    """Remembers what is asked of it."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.brought_back: list[tuple[str, int]] = []

    def send_again(self, body: str) -> None:
        self.sent.append(body)

    def bring_back(self, receipt: str, after_s: int) -> None:
        self.brought_back.append((receipt, after_s))


class Ending(Context):
    """An invocation that ends after it was asked 60 times how long it has."""

    looks = 60

    def get_remaining_time_in_millis(self) -> int:
        self.looks -= 1
        return 300_000 if self.looks > 0 else 0


@pytest.fixture(scope="module")
def job(bundle: Path, store: Store, stored: Settings) -> Job:
    return create_job(open_model(bundle, threads=1), store, stored)


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def handler(job: Job, queue: Queue, stored: Settings) -> Handler:
    assert stored.storage is not None
    return create_handler(job, queue, stored.storage)


def event(*bodies: str, tries: int = 1) -> dict[str, Any]:
    return sqs_event(
        [
            {
                "MessageId": str(i),
                "ReceiptHandle": f"r{i}",
                "Body": body,
                "Attributes": {"ApproximateReceiveCount": str(tries)},
            }
            for i, body in enumerate(bodies)
        ]
    )


def failed(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_a_bad_document_blocks_nobody(
    handler: Handler, store: Store, aws: Aws, queue: Queue, name: str
) -> None:
    for i, content in enumerate((SMALL, one("1"), SMALL)):
        put(aws, f"{name}{i}", content)
    bodies = [bridge_event(f"uploads/{name}{i}") for i in range(3)]
    assert failed(handler(event(*bodies), Context())) == []
    for i, status in enumerate((200, 422, 200)):
        found = store.result(f"{name}{i}")
        assert found is not None
        assert found.status == status
    assert (queue.sent, queue.brought_back) == ([], [])


def test_what_no_document_is_found_by_fails_and_nothing_else(
    handler: Handler, aws: Aws, queue: Queue, name: str
) -> None:
    put(aws, name, SMALL)
    test = '{"Event": "s3:TestEvent"}'
    bodies = ["hello", test, bridge_event(f"uploads/{name}"), bridge_event("elsewhere/a")]
    assert failed(handler(event(*bodies), Context())) == ["0", "3"]
    assert queue.brought_back == []


def test_a_message_may_announce_several_documents(
    handler: Handler, store: Store, aws: Aws, name: str
) -> None:
    both = [json.loads(s3_event(f"uploads/{n}"))["Records"][0] for n in ("several-1", "several-2")]
    for n in ("several-1", "several-2"):
        put(aws, n, SMALL)
    assert failed(handler(event(json.dumps({"Records": both})), Context())) == []
    assert store.result("several-1")
    assert store.result("several-2")
    assert name


def test_a_passing_fault_is_tried_again_soon_and_set_aside_in_the_end(
    job: Job, stored: Settings, aws: Aws, queue: Queue, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise UnavailableError("S3 is slow today")

    monkeypatch.setattr(Store, "read", fail)
    assert stored.storage is not None
    handler = create_handler(job, queue, replace(stored.storage, max_receives=3))
    put(aws, name, SMALL)
    for tries in (1, 2, 3):
        assert failed(handler(event(bridge_event(f"uploads/{name}"), tries=tries), Context())) == [
            "0"
        ]
        note = Progress.from_json(job.store.note(name, Note.PROGRESS))
        assert (note is not None and note.is_set_aside) is (tries == 3)
    assert queue.brought_back == [("r0", 15), ("r0", 30), ("r0", 60)]


@pytest.mark.parametrize(
    ("options", "status", "detail"),
    [
        ({"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "theirs"}, 422, "a key that this"),
        ({"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "ours"}, None, ""),
        ({}, None, ""),
    ],
)
def test_who_is_at_fault_for_a_document_that_may_not_be_read(
    job: Job,
    store: Store,
    stored: Settings,
    aws: Aws,
    queue: Queue,
    name: str,
    options: dict[str, str],
    status: int | None,
    detail: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The sender who named a key of their own; else our role, and the document waits."""
    assert stored.storage is not None
    put(aws, name, SMALL, **options)
    ours = store.source(name)
    assert ours is not None
    mine = Store(replace(stored.storage, kms_key=ours.kms_key if "ours" in str(options) else None))
    monkeypatch.setattr(mine._s3, "get_object", _denied(mine._s3, name))
    handler = create_handler(replace(job, store=mine), queue, stored.storage)
    answer = handler(event(bridge_event(f"uploads/{name}")), Context())
    if status is None:
        assert failed(answer) == ["0"]
        assert store.result(name) is None
    else:
        assert failed(answer) == []
        assert problem(store, name)["status"] == status
        assert detail in problem(store, name)["detail"]


def _denied(s3: Any, name: str) -> Any:
    """What S3 says where the key of the object is not ours to use."""
    from botocore.exceptions import ClientError

    real = s3.get_object

    def get_object(**asked: Any) -> Any:
        if asked["Key"] == f"uploads/{name}":
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")
        return real(**asked)

    return get_object


def test_a_long_document_is_continued_by_a_message_of_its_own(
    job: Job, stored: Settings, aws: Aws, queue: Queue, name: str
) -> None:
    assert stored.storage is not None
    handler = create_handler(job, queue, stored.storage)
    put(aws, name, xml(matrices(100)))
    body = bridge_event(f"uploads/{name}")
    assert failed(handler(event(body), Ending())) == []
    assert queue.sent == [body]
    assert job.store.result(name) is None
    assert failed(handler(event(*queue.sent), Context())) == []
    assert job.store.result(name) is not None


def test_a_message_that_is_continued_is_sent_once(
    job: Job, stored: Settings, aws: Aws, queue: Queue, name: str
) -> None:
    """With the documents behind the long one; it does not fail beside that."""

    assert stored.storage is not None
    handler = create_handler(job, queue, stored.storage)
    put(aws, "long", xml(matrices(100)))
    put(aws, "behind", SMALL)
    records = [json.loads(s3_event(f"uploads/{n}"))["Records"][0] for n in ("long", "behind")]
    body = json.dumps({"Records": records})
    assert failed(handler(event(body), Ending())) == []
    assert queue.sent == [body]
    assert failed(handler(event(body), Context())) == []
    assert job.store.result("long")
    assert job.store.result("behind")
    assert name


def test_the_last_try_says_until_when(
    job: Job, stored: Settings, aws: Aws, queue: Queue, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function may die without a word."""
    noted = []
    real = Job.run

    def run(job: Job, name: str, deadline: Deadline) -> Outcome:
        noted.append(Progress.from_json(job.store.note(name, Note.PROGRESS)))
        return real(job, name, deadline)

    monkeypatch.setattr(Job, "run", run)
    assert stored.storage is not None
    handler = create_handler(job, queue, stored.storage)
    put(aws, name, SMALL)
    handler(event(bridge_event(f"uploads/{name}"), tries=5), Context(300))
    [progress] = noted
    assert progress is not None
    assert progress.until is not None
    assert 290 < progress.until - time() < 301
    assert job.store.note(name, Note.PROGRESS) is None


def test_nothing_that_is_told_holds_a_name_or_a_value(
    job: Job, queue: Queue, stored: Settings, aws: Aws, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "predict")
    assert stored.storage is not None
    told: list[Facts] = []
    handler = create_handler(job, queue, stored.storage, told.append)
    put(aws, "patient-4711.xml", one("0.7654321 0.1"))
    handler(event(bridge_event("uploads/patient-4711.xml"), "hello 4711"), Context())
    assert [facts.outcome for facts in told] == ["refused", "failed"]
    logged = [str(vars(record)) for record in caplog.records if record.name.startswith("predict")]
    assert logged == []
    assert "4711" not in str(told)
    assert "0.7654321" not in str(told)


@pytest.fixture
def quick() -> Iterator[Aws]:
    """A queue of our own, whose messages come back at once."""
    with Aws(visibility_s=1, max_receives=2) as aws:
        yield aws


def test_through_a_real_queue(bundle: Path, quick: Aws) -> None:
    """Uploaded, announced by S3 itself, predicted; what fails ends among the dead letters."""
    settings = Settings.from_env({"MODEL_DIR": str(bundle)} | quick.env)
    assert settings.storage is not None
    store = Store(settings.storage)
    job = create_job(open_model(bundle, threads=1), store, settings)
    handler = create_handler(job, SqsQueue(settings.storage), settings.storage)
    sqs = quick.client("sqs")
    put(quick, "lab night/a+b.xml", SMALL)
    sqs.send_message(QueueUrl=quick.queue_url, MessageBody="hello")
    for _ in range(12):
        deliver(sqs, quick.queue_url, lambda e: handler(e, Context()))
    assert store.result("lab night/a+b.xml") is not None
    [dead] = sqs.receive_message(QueueUrl=quick.dead_letters_url)["Messages"]
    assert dead["Body"] == "hello"
