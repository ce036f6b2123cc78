"""make redrive: what was set aside comes back, and is predicted."""

import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from local import redrive
from local.aws import Aws
from local.delivery import Context, deliver
from predict.batch.edge import create_handler
from predict.batch.job import create_job
from predict.batch.queue import SqsQueue
from predict.keys import Result
from predict.store import Store
from serving.errors import UnavailableError
from serving.model import open_model
from serving.settings import Settings
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
