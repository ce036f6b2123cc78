"""What is not submitted: nothing is started then, nothing uploaded, and one line says why."""

import math
import re
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from cluster.cost import estimate
from emr.request import LONGEST_MINUTES, minutes_for
from local.aws import Aws
from serving.errors import ConfigurationError
from tests.jobs.network_bundle import write_bundle
from tests.support.submission import BUCKET, Here, create_stack, prepared

DEMO = "models/demo/bundle"


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


@pytest.mark.parametrize("more", [["--no-such"], ["stray"], ["--variance", "2"], ["--var", "0.9"]])
def test_what_the_job_would_refuse_is_not_submitted(
    here: Here, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        here.submit("--", *more)
    assert "main.py fruits: error" in capsys.readouterr().err
    assert here.emr.started == []


@pytest.mark.parametrize(
    ("arguments", "changed", "told"),
    [
        pytest.param([], {"region": "us-east-1"}, "us-east-1, which is not in", id="region"),
        pytest.param([], {"region": "eu-west-2"}, "eu-west-2, which is not in", id="London"),
        pytest.param([], {"stack": "none"}, "stack none in eu-west-3: .*none", id="stack"),
        pytest.param([], {"images": "s3://far-away/images"}, "far-away is in us-east-1", id="far"),
        pytest.param([], {"images": "s3://not-there-x"}, "no bucket not-there-x", id="no bucket"),
        pytest.param([], {"images": "/fruits"}, "s3:// URL, got /fruits", id="a folder"),
        pytest.param([], {"images": None}, "--images is to be", id="nothing"),
        pytest.param([], {"images": f"s3://{BUCKET}/images/x"}, "there are no images", id="empty"),
        pytest.param([], {"images": f"s3://{BUCKET}/other"}, "may read .*/images/", id="no right"),
        pytest.param([], {"out": f"s3://{BUCKET}/images/o"}, "may write below", id="no right out"),
        pytest.param([], {"out": f"s3://{BUCKET}/runs/"}, "may write below", id="out of all"),
        pytest.param(["--budget-eur=0.01"], {}, "estimated €0.*budget €0.01", id="budget"),
        pytest.param(["--budget-eur=nan"], {}, "expected more than €0", id="no budget"),
        pytest.param([], {"workers": "0"}, "no estimate .* on 0 workers", id="no workers"),
        pytest.param([], {"workers": "9"}, "9 workers asked for.* allows 8", id="workers"),
        pytest.param([], {"bundle": "docs"}, "no model bundle in docs", id="bundle"),
        pytest.param([], {"bundle": DEMO}, "demo/bundle: takes inputs of", id="no network"),
        pytest.param(["--model=resnet50"], {}, "resnet50 has 2048 features", id="other network"),
        pytest.param(["--size=64"], {}, r"not images of \(64, 64, 3\)", id="other size"),
        pytest.param(
            ["--budget-eur=9999", "--size=500000"],
            {"workers": "1"},
            "estimated .* minutes, but a job is stopped after 720: .* more workers",
            id="longer than a job",
        ),
    ],
)
def test_submission_is_refused(
    here: Here,
    arguments: list[str],
    changed: dict[str, str | None],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing is started, nothing uploaded, and one line says why; in a dry run as well."""
    boto3.client("s3", "us-east-1").create_bucket(Bucket="far-away")
    for dry in ([], ["--dry-run"]):
        assert here.submit(*arguments, *dry, **changed) == 1
        last = capsys.readouterr().err.splitlines()[-1]
        assert re.match(f"refused: .*{told}", last), last
    assert here.emr.started == []
    assert here.uploaded() == {}


@pytest.mark.parametrize(
    ("more", "named"),
    [
        pytest.param(["--images", "s3://other/"], "--images", id="images"),
        pytest.param(["--images=s3://other/"], "--images", id="with ="),
        pytest.param(["--im", "s3://other/"], "--images", id="abbreviated"),
        pytest.param(["--im=s3://other/"], "--images", id="abbreviated, with ="),
        pytest.param(["--out", "s3://other/"], "--out", id="out"),
        pytest.param(["--model", "resnet50"], "--model", id="model"),
        pytest.param(["--weights", "imagenet"], "--weights", id="weights"),
        pytest.param(["--size", "224"], "--size", id="size"),
        pytest.param(["--workers", "1"], "--workers", id="workers"),
        pytest.param(["--budget-eur", "9999"], "--budget-eur", id="budget"),
        pytest.param(["--variance", "0.9", "--bud=9999"], "--budget-eur", id="behind another"),
    ],
)
def test_what_was_checked_is_not_given_again(
    here: Here, more: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The job would take the last one, at which nobody looked."""
    assert here.submit("--", *more) == 1
    told = f"refused: {named} is given before --, where it is checked, not after it\n"
    assert capsys.readouterr().err == told
    assert here.emr.started == []
    assert here.uploaded() == {}


def test_run_is_refused_that_would_be_stopped_before_its_end() -> None:
    """Its budget pays for less than a minute of what it takes: minutes are rounded down."""
    found = estimate(90_000, model="mobilenet_v2", region="eu-west-3")
    minutes = math.ceil(found.hours * 60)
    told = rf"estimated {found.hours * 60:.1f} minutes, but .* after {minutes - 1}, which is what "
    with pytest.raises(ConfigurationError, match=f"{told}.* larger budget"):
        minutes_for(found, found.eur + 1e-6)
    assert minutes_for(found, 1000.0) == LONGEST_MINUTES


def test_without_credentials_it_is_refused(
    here: Here, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert here.submit() == 1
    assert "refused: no AWS credentials were found" in capsys.readouterr().err


def test_without_a_region_it_is_refused(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    assert here.submit(region=None) == 1
    assert "refused: no region" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("application", "told"),
    [
        pytest.param({"state": "TERMINATED"}, "was deleted", id="deleted"),
        pytest.param({"releaseLabel": "emr-7.0.0"}, "is of emr-7.0.0", id="another release"),
    ],
)
def test_application_is_looked_at(
    here: Here, application: dict[str, str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    here.emr.application |= application
    assert here.submit() == 1
    assert told in capsys.readouterr().err


def test_stack_of_another_template_is_refused(
    here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    create_stack(here.aws, "other", {"Bucket": BUCKET})
    assert here.submit(stack="other") == 1
    assert "no output Application, JobRole, Images" in capsys.readouterr().err
    here.aws.client("cloudformation").delete_stack(StackName="other")
