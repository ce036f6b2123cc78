"""The check before traffic, against the functions under Lambda's runtime emulator."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from botocore.config import Config

from local.emulator import Emulator, EmulatorError
from predict.check.check import Check, Versions, create_handler
from serving.passport import read_passport
from serving.settings import Names
from tests.support.hook import BATCH, HOOK, PREDICT, Event, Invoke, hook

CHECK, BATCH_HANDLER = "predict.check.handler.check", "predict.batch.handler.batch"
# The queue is never asked: nothing is to be brought back.
QUEUE = {"BUCKET": "documents", "QUEUE_URL": "http://127.0.0.1:9/queue"}
Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def functions(bundle: Path) -> Iterator[dict[str, Invoke]]:
    """Good versions of both."""
    env = {"MODEL_DIR": str(bundle)}
    with Emulator(env) as predict, Emulator(env | QUEUE, handler=BATCH_HANDLER) as batch:
        yield {PREDICT: predict.invoke, BATCH: batch.invoke}


def run(functions: Mapping[str, Invoke], bundle: Path) -> list[dict[str, str]]:
    """What CodeDeploy is told by a check that knows this bundle."""
    once = Config(retries={"total_max_attempts": 1})
    with hook(functions) as server, pytest.MonkeyPatch.context() as patch:
        for name, value in server.env.items():
            patch.setenv(name, value)
        lambdas = boto3.client("lambda", region_name="eu-west-3", config=once)
        check = Check(lambdas, Versions(PREDICT, BATCH), bundle, Names())
        handle = create_handler(check, boto3.client("codedeploy", region_name="eu-west-3"))
        answer = handle(HOOK, None)
    [told] = server.told
    assert told["status"] == answer["status"]
    assert told["deploymentId"] == HOOK["DeploymentId"]
    assert told["lifecycleEventHookExecutionId"] == HOOK["LifecycleEventHookExecutionId"]
    return server.told


def changed(bundle: Path, folder: Path, change: Change) -> Path:
    """A bundle with another passport."""
    copy = folder / "bundle"
    shutil.copytree(bundle, copy)
    passport = json.loads((copy / "passport.json").read_text())
    change(passport)
    (copy / "passport.json").write_text(json.dumps(passport))
    return copy


def invoke_check(functions: Mapping[str, Invoke], bundle: Path) -> tuple[Event, str, list[Any]]:
    """The whole, as Lambda runs it: its answer, its log, and what CodeDeploy is told."""
    with (
        hook(functions) as server,
        Emulator({"MODEL_DIR": str(bundle)} | server.env, handler=CHECK) as emulator,
    ):
        answer = emulator.invoke(HOOK)
        return answer, emulator.log(), server.told


def test_a_good_version_gets_traffic(functions: dict[str, Invoke], bundle: Path) -> None:
    answer, _, told = invoke_check(functions, bundle)
    assert answer == {"status": "Succeeded"}
    assert told == [
        {
            "deploymentId": HOOK["DeploymentId"],
            "lifecycleEventHookExecutionId": HOOK["LifecycleEventHookExecutionId"],
            "status": "Succeeded",
        }
    ]


def move(passport: dict[str, Any]) -> None:
    passport["golden"]["output"] = [value + 0.5 for value in passport["golden"]["output"]]


def test_a_wrong_answer_gets_none_and_the_log_says_why(
    functions: dict[str, Invoke], bundle: Path, tmp_path: Path
) -> None:
    answer, log, told = invoke_check(functions, wrong := changed(bundle, tmp_path, move))
    assert answer == {"status": "Failed"}
    assert [one["status"] for one in told] == ["Failed"]
    assert "away from the golden output; tolerated" in log
    for golden in (read_passport(bundle).golden, read_passport(wrong).golden):
        for value in np.concatenate([np.ravel(golden.output), np.ravel(golden.input)[:50]]):
            # A rounder one, as 0.02, is found in any duration.
            if len(text := f"{abs(value):.6g}") >= 6:
                assert text not in log


def shorten(passport: dict[str, Any]) -> None:
    passport["golden"]["output"] = passport["golden"]["output"][:-1]


def rename(passport: dict[str, Any]) -> None:
    passport["source"]["sha256"] = "0" * 64


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(move, "away from the golden output", id="values"),
        pytest.param(shorten, "the answer is inf away", id="shape"),
        pytest.param(rename, f"expected the model {'0' * 64}", id="another model"),
    ],
)
def test_another_answer_is_refused(
    functions: dict[str, Invoke],
    bundle: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    change: Change,
    reason: str,
) -> None:
    [told] = run(functions, changed(bundle, tmp_path, change))
    assert told["status"] == "Failed"
    assert reason in caplog.text


def test_the_check_without_a_bundle_of_its_own_says_failed(
    functions: dict[str, Invoke], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    [told] = run(functions, tmp_path)
    assert told["status"] == "Failed"
    assert "no model bundle in" in caplog.text


@pytest.mark.parametrize("version", [PREDICT, BATCH], ids=["predict", "batch"])
@pytest.mark.parametrize(
    ("handler", "env"),
    [
        pytest.param("predict.handler.nothing", {}, id="handler missing"),
        pytest.param("predict.nowhere.api", {}, id="module missing"),
        pytest.param("predict.handler.api", {"MODEL_DIR": "/nowhere"}, id="bundle missing"),
        pytest.param("predict.handler.settings", {}, id="handler that raises"),
        pytest.param("os._exit", {}, id="process that dies"),
    ],
)
def test_a_version_that_fails_gets_no_traffic(
    functions: dict[str, Invoke],
    bundle: Path,
    caplog: pytest.LogCaptureFixture,
    version: str,
    handler: str,
    env: dict[str, str],
) -> None:
    with Emulator({"MODEL_DIR": str(bundle)} | env, handler=handler, timeout_s=20) as emulator:
        [told] = run({**functions, version: emulator.invoke}, bundle)
    assert told["status"] == "Failed"
    assert f"{version} failed: " in caplog.text


def answers(content: Any) -> Invoke:
    return lambda _: content


def dies(_: Event) -> Any:
    raise EmulatorError("out of memory")


MODEL = {"sha256": "SHA256"}


def ok(body: Any) -> dict[str, Any]:
    return {"statusCode": 200, "body": json.dumps(body)}


@pytest.mark.parametrize(
    ("version", "invoke", "reason"),
    [
        (PREDICT, dies, "failed: Runtime.ExitError"),
        (PREDICT, answers({"statusCode": 503, "body": "{}"}), "expected status 200, got 503"),
        (PREDICT, answers(None), "expected status 200, got None"),
        (PREDICT, answers({"statusCode": 200, "body": "<html>"}), "the answer is no JSON"),
        (PREDICT, answers({"statusCode": 200}), "the answer is no JSON"),
        (PREDICT, answers(ok([])), "the answer names no model"),
        (PREDICT, answers(ok({"model": MODEL})), "POST /predictions: expected one prediction"),
        (PREDICT, answers(ok({"model": MODEL, "predictions": []})), "expected one prediction"),
        (
            PREDICT,
            answers(ok({"model": MODEL, "predictions": [{"output": ["a"]}]})),
            "expected one prediction",
        ),
        (
            PREDICT,
            answers(ok({"model": MODEL, "predictions": [{"output": [None]}]})),
            "the answer is inf away",
        ),
        (BATCH, dies, "failed: Runtime.ExitError"),
        (
            BATCH,
            answers({"batchItemFailures": [{"itemIdentifier": "check"}]}),
            "the batch does not",
        ),
        (BATCH, answers({}), "the batch does not take the message"),
    ],
)
def test_nonsense_gets_no_traffic(
    functions: dict[str, Invoke],
    bundle: Path,
    caplog: pytest.LogCaptureFixture,
    version: str,
    invoke: Invoke,
    reason: str,
) -> None:
    def told_the_model(event: Event) -> Any:
        text = json.dumps(invoke(event))
        return json.loads(text.replace("SHA256", read_passport(bundle).source.sha256))

    [told] = run({**functions, version: told_the_model}, bundle)
    assert told["status"] == "Failed"
    assert reason in caplog.text


def test_a_version_that_is_not_there_gets_no_traffic(
    functions: dict[str, Invoke], bundle: Path, caplog: pytest.LogCaptureFixture
) -> None:
    [told] = run({PREDICT: functions[PREDICT]}, bundle)
    assert told["status"] == "Failed"
    assert f"{BATCH} could not be asked" in caplog.text


def test_a_fault_of_the_check_itself_is_told_as_failed(
    bundle: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception that nobody foresaw: without a word, CodeDeploy would wait for an hour."""

    class Nothing:
        def invoke(self, **_: Any) -> Mapping[str, Any]:
            return {}

    told: list[str] = []

    class Deployments:
        def put_lifecycle_event_hook_execution_status(self, **request: str) -> None:
            told.append(request["status"])

    check = Check(Nothing(), Versions(PREDICT, BATCH), bundle, Names())
    assert create_handler(check, Deployments())(HOOK, None) == {"status": "Failed"}
    assert told == ["Failed"]
    assert "failed: KeyError at " in caplog.text


def test_the_check_does_not_start_without_versions(bundle: Path) -> None:
    env = {"MODEL_DIR": str(bundle), "PREDICT_VERSION": PREDICT, "BATCH_VERSION": ""}
    with Emulator(env, handler=CHECK) as emulator, pytest.raises(EmulatorError, match="VERSION"):
        emulator.invoke(HOOK)
