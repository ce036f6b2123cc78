"""make redrive: what was set aside comes back, and is predicted."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from local import redrive
from local.aws import Aws
from local.delivery import Context, deliver
from local.stage import Stage
from predict.batch.edge import create_handler
from predict.batch.job import create_job
from predict.batch.queue import SqsQueue
from predict.keys import Result
from predict.store import Store
from serving.errors import UnavailableError
from serving.model import open_model
from serving.settings import Settings
from tests.support.account import account, create_stack
from tests.support.batch import put
from tests.support.documents import matrices, xml


class _Unavailable(Store):
    """S3 that is out of reach."""

    def result(self, name: str) -> Result | None:
        raise UnavailableError(f"S3 does not answer for {name}")


@pytest.fixture
def failing() -> Iterator[Aws]:
    """A queue that gives up after the first try."""
    with Aws(visibility_s=1, max_receives=1) as aws:
        yield aws


def test_what_was_set_aside_comes_back(
    bundle: Path, failing: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 was out of reach; then it was not."""
    for name, value in failing.env.items():
        monkeypatch.setenv(name, value)
    settings = Settings.from_env({"MODEL_DIR": str(bundle)} | failing.env)
    assert settings.storage is not None
    queue, sqs = SqsQueue(settings.storage), failing.client("sqs")

    def drain(store: Store) -> None:
        job = create_job(open_model(bundle, threads=1), store, settings)
        assert settings.storage is not None
        handler = create_handler(job, queue, settings.storage)
        for _ in range(3):
            deliver(sqs, failing.queue_url, lambda event: handler(event, Context()), most=10)

    def dead() -> int:
        asked = sqs.get_queue_attributes(
            QueueUrl=failing.dead_letters_url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(asked["Attributes"]["ApproximateNumberOfMessages"])

    monkeypatch.setattr(queue, "bring_back", lambda *_: None)  # at once, by its visibility
    for i in range(3):
        put(failing, f"{i}.xml", xml(matrices(2)))
    drain(_Unavailable(settings.storage))
    assert dead() == 3
    assert redrive.redrive(sqs, failing.dead_letters_url, failing.queue_url) == 3
    assert dead() == 0
    store = Store(settings.storage)
    drain(store)
    assert [store.result(f"{i}.xml") is not None for i in range(3)] == [True] * 3
    assert dead() == 0


def test_a_stack_is_looked_at_and_brought_back(root: Path) -> None:
    """make redrive LOOK=1, then make redrive: as processes, with the stack of a stage."""
    with Aws() as aws, account(aws) as here:
        create_stack(aws, Stage.read("dev").stack)
        sqs = aws.client("sqs")
        urls = {url.rpartition("/")[2]: url for url in sqs.list_queues()["QueueUrls"]}
        dead, queue = (
            next(url for name, url in urls.items() if f"-{resource}-" in name)
            for resource in ("DeadLetters", "Queue")
        )
        body = '{"Records": [{"s3": {"object": {"key": "uploads/Ann+M%C3%BCller.xml"}}}]}'
        for message in (body, "hello"):
            sqs.send_message(QueueUrl=dead, MessageBody=message)

        def run(*words: str) -> str:
            command = [sys.executable, "-m", "local.redrive", "--stage", "dev", *words]
            done = subprocess.run(
                command, cwd=root, env=here.env(), capture_output=True, text=True, timeout=60
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        seen = run("--look")
        assert hashlib.sha256("Ann Müller.xml".encode()).hexdigest()[:12] in seen
        assert "no message of S3" in seen
        assert "verger-dev: 2 set aside" in seen
        assert "ller" not in seen
        asked = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["All"])["Attributes"]
        assert (
            asked["ApproximateNumberOfMessagesNotVisible"] == "2"
        )  # for a minute, and still there
        sqs.purge_queue(QueueUrl=dead)
        sqs.send_message(QueueUrl=dead, MessageBody=body)
        assert run() == "verger-dev: 1 brought back\n"
        [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
        assert message["Body"] == body


def test_redrive_says_what_is_wrong(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["redrive", "--stage", "live"])
    assert redrive.main() == 1
    assert "expected default, dev or prod" in capsys.readouterr().err
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # which remembers others
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setattr(sys, "argv", ["redrive", "--stage", "dev"])
    assert redrive.main() == 1
    assert "credentials" in capsys.readouterr().err
