"""A submission: what is uploaded, how a job starts and under what ceiling, what is told of it."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.cost import DRIVER, WORKER, paid_minutes
from cluster.cost import estimate as estimated
from emr.submit import main
from local.aws import Aws
from tests.jobs.network_bundle import write_bundle
from tests.support.emr import APPLICATION, BILLED, DENIED, JOB
from tests.support.submission import (
    BUCKET,
    BUNDLE,
    IMAGES,
    OUT,
    OUTPUTS,
    REGION,
    Here,
    create_stack,
    prepared,
)
from tests.support.template import read


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    with Aws() as running:
        yield running


@pytest.fixture
def here(aws: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Here]:
    bundle = write_bundle(tmp_path / "bundle")
    monkeypatch.setattr("tests.support.submission.BUNDLE", bundle)
    with prepared(aws, monkeypatch, tmp_path) as here:
        yield here


def settings(started: dict[str, Any]) -> dict[str, str]:
    """--conf of a request, by name."""
    words = shlex.split(started["jobDriver"]["sparkSubmit"]["sparkSubmitParameters"])
    assert set(words[::2]) == {"--conf"}
    return dict(word.split("=", 1) for word in words[1::2])


def test_job_is_uploaded_started_and_followed(
    here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    here.emr.states[:0] = [{"state": state} for state in ("SUBMITTED", "RUNNING", "RUNNING")]
    assert here.submit() == 0
    [started] = here.emr.started
    driver = started["jobDriver"]["sparkSubmit"]
    uploaded = here.uploaded()
    assert driver["entryPoint"].removeprefix(f"s3://{BUCKET}/") in uploaded
    found = settings(started)
    for name, ending in (("spark.archives", "#environment"), ("spark.submit.pyFiles", "")):
        assert found[name].removeprefix(f"s3://{BUCKET}/").removesuffix(ending) in uploaded
    arguments = dict(zip(*[iter(driver["entryPointArguments"][1:])] * 2, strict=True))
    assert (arguments["--images"], arguments["--out"]) == (IMAGES, OUT)
    bundle = arguments["--weights"].removeprefix(f"s3://{BUCKET}/")
    assert {f"{bundle}/{path.name}" for path in BUNDLE.iterdir()} <= set(uploaded)
    told = capsys.readouterr().err
    assert re.findall("^SUBMITTED|^RUNNING|^SUCCESS", told, re.MULTILINE) == [
        "SUBMITTED",
        "RUNNING",
        "SUCCESS",
    ]
    assert "3 images" in told
    assert "3.60 vCPU-hours, 8.00 GB-hours: €0.24" in told
    assert "http" not in told


def test_ceiling_is_what_the_budget_pays(here: Here) -> None:
    """So many workers, for no longer than they are paid, and once."""
    assert here.submit("--budget-eur=2", workers="4") == 0
    [started] = here.emr.started
    expected = estimated(3, model="mobilenet_v2", region=REGION, workers=4)
    assert started["executionTimeoutMinutes"] == paid_minutes(expected, 2.0) > 0
    assert started["retryPolicy"] == {"maxAttempts": 1}
    found = settings(started)
    assert found["spark.dynamicAllocation.maxExecutors"] == "4"
    sizes = {"driver": DRIVER, "executor": WORKER}
    for name, machine in sizes.items():
        memory = [found[f"spark.{name}.{kind}"] for kind in ("memory", "memoryOverhead")]
        assert sum(int(text.removesuffix("g")) for text in memory) == machine.gb
        assert int(found[f"spark.{name}.cores"]) == machine.vcpus


def test_environment_is_the_archive_and_the_region_is_told(here: Here) -> None:
    assert here.submit() == 0
    found = settings(here.emr.started[0])
    launcher = "./environment/bin/python"
    for name in (
        "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON",
        "spark.emr-serverless.driverEnv.PYSPARK_PYTHON",
        "spark.executorEnv.PYSPARK_PYTHON",
    ):
        assert found[name] == launcher
    for name in ("spark.emr-serverless.driverEnv.AWS_REGION", "spark.executorEnv.AWS_REGION"):
        assert found[name] == REGION


@pytest.mark.parametrize("key", [None, "arn:aws:kms:eu-west-3:123456789012:key/0a1b"])
def test_logs_go_to_the_bucket_by_its_key(here: Here, key: str | None) -> None:
    create_stack(here.aws, "keyed", OUTPUTS | ({} if key is None else {"Key": key}))
    assert here.submit(stack="keyed") == 0
    told = here.emr.started[0]["configurationOverrides"]["monitoringConfiguration"]
    wanted = {"logUri": f"s3://{BUCKET}/logs/"} | ({} if key is None else {"encryptionKeyArn": key})
    assert told["s3MonitoringConfiguration"] == wanted
    assert told["managedPersistenceMonitoringConfiguration"] == {"enabled": False}
    here.aws.client("cloudformation").delete_stack(StackName="keyed")


def test_what_is_there_is_not_uploaded_again(
    here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here.submit() == 0
    before = here.uploaded()
    assert "there already" not in capsys.readouterr().err
    assert here.submit() == 0
    assert here.uploaded() == before
    assert "to upload" not in capsys.readouterr().err


def test_half_of_a_file_is_uploaded_again(here: Here) -> None:
    assert here.submit() == 0
    [code] = [key for key in here.uploaded() if key.endswith("code.zip")]
    here.s3.put_object(Bucket=BUCKET, Key=code, Body=b"half")
    assert here.submit() == 0
    assert here.s3.head_object(Bucket=BUCKET, Key=code)["ContentLength"] > 4


def test_dry_run_changes_nothing(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    """And prints exactly what would be asked for."""
    assert here.submit("--dry-run") == 0
    said = capsys.readouterr()
    assert here.uploaded() == {}
    assert here.emr.started == []
    assert "nothing on AWS was changed" in said.err
    assert here.submit() == 0
    token = here.emr.started[0].pop("clientToken")
    assert token
    sent = json.loads(said.out)
    assert sent.pop("applicationId") == APPLICATION  # in the path of the request
    assert sent == here.emr.started[0]


def test_more_arguments_reach_the_job(here: Here) -> None:
    assert here.submit("--", "--variance", "0.95") == 0
    arguments = here.emr.started[0]["jobDriver"]["sparkSubmit"]["entryPointArguments"]
    assert arguments[-2:] == ["--variance", "0.95"]


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_job_that_ends_badly_is_told(
    here: Here, state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    details = "Job failed, please check complete logs: exit code 1"
    here.emr.states = [
        {"state": state, "stateDetails": details, "billedResourceUtilization": BILLED}
    ]
    assert here.submit() == 1
    told = capsys.readouterr().err
    assert f"{state}: {details}" in told
    assert f"s3://{BUCKET}/logs/applications/{APPLICATION}/jobs/{JOB}/" in told
    assert "€0.24" in told


def test_bill_that_does_not_come_is_not_waited_for(
    here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    here.emr.states = [{"state": "SUCCESS"}]
    assert here.submit() == 0
    assert "AWS has not said yet" in capsys.readouterr().err
    assert sum(here.waited_s) <= 60


def test_states_are_asked_for_ever_more_rarely(here: Here) -> None:
    here.emr.states[:0] = [{"state": "RUNNING"}] * 12
    assert here.submit() == 0
    assert here.waited_s[0] == 5
    assert here.waited_s == sorted(here.waited_s)
    assert here.waited_s[-1] == 60


def test_stopping_to_look_leaves_the_job_alone(
    here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    here.emr.states[:0] = [{"state": "RUNNING"}] * 2

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    words = ["--region", REGION, "--follow", JOB]
    assert main(words, interrupt) == 130
    told = capsys.readouterr().err
    assert f"runs on: FOLLOW={JOB} looks again, CANCEL={JOB} stops it" in told
    assert here.emr.cancelled == []
    assert main(words, here.waited_s.append) == 0


def test_job_runs_on_when_the_credentials_expire(
    here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    """AWS does not say then how it goes; that is no refusal, and no end."""
    here.emr.states = [{"state": "RUNNING"}, {"state": DENIED}]
    assert here.submit() == 1
    told = capsys.readouterr().err
    assert "cannot look any more" in told
    assert f"CANCEL={JOB} stops it" in told
    assert "refused" not in told
    assert here.emr.cancelled == []


def test_job_is_cancelled(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--region", REGION, "--cancel", JOB]) == 0
    assert here.emr.cancelled == [JOB]
    assert main(["--region", REGION, "--cancel", "00other"]) == 1
    assert "refused: job 00other" in capsys.readouterr().err


def test_stack_has_the_outputs_that_are_read(root: Path) -> None:
    template = read(root / "jobs")
    assert {*OUTPUTS, "Key"} <= set(template["Outputs"])
    assert template["Outputs"]["Application"]["Value"] == {"Ref": "Application"}
