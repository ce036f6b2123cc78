"""The batch handler under AWS's own runtime emulator and runtime client."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.aws import Aws
from local.delivery import deliver
from local.emulator import Emulator, EmulatorError
from local.event import body_of, http_event
from predict.answer import to_json
from predict.store import Store
from serving.model import predict_all
from serving.settings import Storage
from tests.support.batch import left, problem, put, result
from tests.support.documents import every_form, matrices, one, xml
from tests.support.models import heavy

BATCH, XML = "predict.batch.handler.batch", {"content-type": "application/xml"}


@pytest.fixture(scope="module")
def queue() -> Iterator[Aws]:
    """A bucket whose queue is ours alone."""
    with Aws(smallest_part_bytes=1) as aws:
        yield aws


@pytest.fixture(scope="module")
def results(queue: Aws, store: Store) -> Store:
    """The same bucket, as a test looks at it; `store` is there for its credentials."""
    return Store(Storage(store.storage.bucket, store.storage.region, queue.endpoint))


@pytest.fixture(scope="module")
def emulator(bundle: Path, queue: Aws) -> Iterator[Emulator]:
    with Emulator({"MODEL_DIR": str(bundle)} | queue.env, handler=BATCH) as emulator:
        yield emulator


def drain(queue: Aws, invoke: Callable[[Any], Any]) -> int:
    """Deliver what is in the queue; how many invocations that took."""
    sqs, invocations = queue.client("sqs"), 0
    while deliver(sqs, queue.queue_url, invoke, wait_s=0):
        invocations += 1
    return invocations


def test_lambda_predicts_what_s3_announces(
    emulator: Emulator, bundle: Path, queue: Aws, results: Store, name: str
) -> None:
    """By the bytes of the inline path, in every form."""
    forms = every_form(matrices(20))
    for form, (body, _) in forms.items():
        put(queue, f"{name} {form}", body)
    drain(queue, emulator.invoke)
    with Emulator({"MODEL_DIR": str(bundle)}) as inline:
        for form, (body, headers) in forms.items():
            expected = body_of(inline.invoke(http_event("POST", "/predictions", body, headers)))
            assert result(results, f"{name} {form}") == expected
            assert not left(queue, f"{name} {form}")


def test_lambda_gives_a_bad_document_its_problem(
    emulator: Emulator, queue: Aws, results: Store, name: str
) -> None:
    put(queue, name, one("1 2", ' id="a7"'))
    drain(queue, emulator.invoke)
    assert problem(results, name)["matrix"] == "a7"


def test_a_document_of_several_invocations_has_the_bytes_of_one(
    tmp_path: Path, queue: Aws, results: Store, name: str
) -> None:
    """By the clock: a model that takes about 20 ms a matrix, and invocations of two seconds."""
    model = heavy(tmp_path)
    given = matrices(700, (400, 1))
    put(queue, name, xml(given))
    env = {"MODEL_DIR": str(tmp_path / "bundle"), "HAND_OVER_S": "3"} | queue.env
    seen = []
    with Emulator(env, handler=BATCH, timeout_s=5) as emulator:

        def invoke(event: Any) -> Any:
            answer = emulator.invoke(event)
            seen.append((answer, results.result(name) is not None))
            return answer

        invocations = drain(queue, invoke)
    assert invocations >= 3
    assert all(answer == {"batchItemFailures": []} for answer, _ in seen)
    assert [whole for _, whole in seen] == [False] * (invocations - 1) + [True]
    expected = to_json(model, predict_all(given, model, model.passport.batch_size), 10**9)
    assert result(results, name) == expected
    assert not left(queue, name)


@pytest.mark.parametrize(
    ("env", "reason"),
    [
        ({"BUCKET": ""}, "BUCKET and QUEUE_URL are not set"),
        ({"QUEUE_URL": ""}, "BUCKET and QUEUE_URL are not set"),
        ({"AWS_REGION": "us-east-1"}, "not in the European Union"),
        ({"S3_ENDPOINT": "localhost"}, 'S3_ENDPOINT is "localhost": expected http://HOST:PORT'),
    ],
)
def test_lambda_fails_the_cold_start_with_the_reason(
    bundle: Path, queue: Aws, env: dict[str, str], reason: str
) -> None:
    with (
        Emulator({"MODEL_DIR": str(bundle)} | queue.env | env, handler=BATCH) as emulator,
        pytest.raises(EmulatorError, match=reason),
    ):
        emulator.invoke({"Records": []})


def test_lambda_logs_what_became_of_a_document(bundle: Path, queue: Aws, name: str) -> None:
    """By the hash of its name, and without a value of it."""
    put(queue, name, one("0.7654321987 1"))
    env = {"MODEL_DIR": str(bundle), "AWS_LAMBDA_LOG_FORMAT": "JSON"} | queue.env
    with Emulator(env, handler=BATCH) as emulator:
        drain(queue, emulator.invoke)
        log = emulator.log()
    assert "refused" in log
    assert "0.7654321987" not in log
    assert name not in log
    assert hashlib.sha256(name.encode()).hexdigest()[:12] in log
