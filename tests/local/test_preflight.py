"""make preflight: what it says of an account, of samconfig.toml and of this machine."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.aws import Aws
from tests.support.account import Account, account


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """An account of its own: functions and stacks of other tests are none of it."""
    with Aws() as aws:
        yield aws


@pytest.fixture
def here(aws: Aws) -> Iterator[Account]:
    with account(aws) as here:
        yield here


def preflight(
    root: Path, env: dict[str, str], stage: str = "dev", *words: str
) -> subprocess.CompletedProcess[str]:
    """What make preflight does."""
    return subprocess.run(
        [sys.executable, "-m", "local.preflight", "--stage", stage, *words],
        cwd=root,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )


def lines(done: subprocess.CompletedProcess[str]) -> dict[str, tuple[str, str]]:
    """What was said by what it is about: level, and words."""
    assert "Traceback" not in done.stderr, done.stderr
    found = {}
    for line in done.stdout.splitlines()[:-1]:
        level, _, rest = line.partition(" ")
        what, _, says = rest.strip().partition(": ")
        found[what] = (level, says)
    return found


def test_an_account_that_can_take_it(root: Path, here: Account) -> None:
    said = lines(preflight(root, here.env()))
    assert said["region"] == ("ok", "eu-west-3 is in the EU")
    assert said["parameters"][0] == "ok"
    assert said["credentials"][:1] == ("ok",)
    assert "account 123456789012" in said["credentials"][1]
    assert said["concurrency"] == ("ok", "1000 of 1000 executions at once are unreserved")
    assert said["memory"] == ("ok", "MemoryMb=3008: every account takes 3008")
    assert said["stack"] == ("ok", "verger-dev is new")
    assert said["bundle"] == ("ok", "demo 1: whole, engine onnx")
    for service in ("ecr", "codedeploy", "s3", "key", "authorizer"):
        assert said[service][0] == "ok", service
    assert {"docker"} <= said.keys()


def test_a_new_account_refuses_the_memory_of_prod(root: Path, here: Account) -> None:
    here.concurrency = (10, 10)
    done = preflight(root, here.env(), "prod")
    said = lines(done)
    assert done.returncode == 1
    assert said["memory"][0] == "stop"
    assert "new one (10 executions at once, 1000 are usual)" in said["memory"][1]
    assert "MemoryMb=3008 for now (STAGE=dev), and ask AWS Support" in said["memory"][1]
    assert said["concurrency"][0] == "warning"
    assert "BatchConcurrency=4 leaves 6 to the API" in said["concurrency"][1]
    assert "request-service-quota-increase" in said["concurrency"][1]
    last = done.stdout.splitlines()[-1]
    assert "nothing was changed, and nothing deployed" in last


def test_nothing_is_asked_without_credentials(root: Path, here: Account, tmp_path: Path) -> None:
    env = here.env(
        AWS_SHARED_CREDENTIALS_FILE=str(tmp_path / "none"),
        AWS_CONFIG_FILE=str(tmp_path / "none"),
        AWS_EC2_METADATA_DISABLED="true",
    )
    del env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]
    done = preflight(root, env)
    said = lines(done)
    assert done.returncode == 1
    assert said["credentials"] == (
        "stop",
        "none: set AWS_PROFILE, or run aws configure or aws sso login",
    )
    assert "memory" not in said


def test_an_account_that_does_not_answer(root: Path, here: Account) -> None:
    done = preflight(root, here.env(AWS_ENDPOINT_URL="http://127.0.0.1:9"))
    assert done.returncode == 1
    assert lines(done)["credentials"][0] == "stop"
    assert "does not answer" in lines(done)["credentials"][1]


def test_what_may_not_be_asked_is_said(root: Path, here: Account) -> None:
    """A right that a deployment needs is missed; a limit that nobody may see is not known."""
    here.denied = {"lambda", "codedeploy"}
    done = preflight(root, here.env())
    said = lines(done)
    assert said["limits"] == ("warning", "not known: you may not call GetAccountSettings")
    assert said["codedeploy"][0] == "stop"
    assert "you may not call ListApplications" in said["codedeploy"][1]
    assert done.returncode == 1


def configure(folder: Path, root: Path, region: str, overrides: str) -> Path:
    """A project with a stage of its own, in which nothing is built."""
    text = f"""
version = 0.1
[mine.global.parameters]
stack_name = "verger-mine"
region = "{region}"
[mine.deploy.parameters]
parameter_overrides = "{overrides}"
"""
    (folder / "samconfig.toml").write_text(text)
    shutil.copy(root / "template.yaml", folder)
    shutil.copytree(root / "models/demo/bundle", folder / "bundle")
    return folder


def test_a_key_is_looked_at(root: Path, here: Account, aws: Aws, tmp_path: Path) -> None:
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    gone = key[:-4] + "0000"
    env = here.env()

    def say(region: str, arn: str) -> tuple[str, str]:
        shutil.rmtree(tmp_path, ignore_errors=True)
        tmp_path.mkdir()
        folder = configure(tmp_path, root, region, f"KmsKeyArn={arn}")
        return lines(preflight(folder, env, "mine", "--bundle", "bundle"))["key"]

    assert say("eu-west-3", key) == ("ok", f"{key.rpartition('/')[2]} is enabled")
    assert say("eu-central-1", key) == (
        "stop",
        "KmsKeyArn is in eu-west-3: expected a key in eu-central-1",
    )
    assert say("eu-west-3", gone) == ("stop", "there is no such key: see KmsKeyArn")
    kms.disable_key(KeyId=key.rpartition("/")[2])
    assert say("eu-west-3", key)[0] == "stop"
    assert "Disabled" in say("eu-west-3", key)[1]


def test_a_function_that_is_here_shows_what_the_account_takes(
    root: Path, here: Account, aws: Aws, tmp_path: Path
) -> None:
    folder = configure(tmp_path, root, "eu-west-3", "MemoryMb=6144")
    env = here.env()
    before = lines(preflight(folder, env, "mine", "--bundle", "bundle"))["memory"]
    assert before[0] == "warning"
    assert "no API says whether the account takes MemoryMb=6144" in before[1]
    role = aws.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    code = {"ImageUri": "123456789012.dkr.ecr.eu-west-3.amazonaws.com/other:latest"}
    functions = aws.client("lambda")
    functions.create_function(
        FunctionName="other", PackageType="Image", Code=code, Role=role, MemorySize=10240
    )
    after = lines(preflight(folder, env, "mine", "--bundle", "bundle"))["memory"]
    assert after == ("ok", "MemoryMb=6144: a function of 10240 MB is here already")
    functions.delete_function(FunctionName="other")


def test_a_bundle_that_is_not_whole_is_named(root: Path, here: Account, tmp_path: Path) -> None:
    folder = configure(tmp_path, root, "eu-west-3", "")
    with (folder / "bundle/model.onnx").open("ab") as file:
        file.write(b"x")
    done = preflight(folder, here.env(), "mine", "--bundle", "bundle")
    assert lines(done)["bundle"][0] == "stop"
    assert "expected SHA-256" in lines(done)["bundle"][1]
    outside = preflight(folder, here.env(), "mine", "--bundle", str(root / "models/demo/bundle"))
    assert "is outside of the project" in lines(outside)["bundle"][1]
    nothing = preflight(folder, here.env(), "mine", "--bundle", "nowhere")
    assert "no model bundle in nowhere" in lines(nothing)["bundle"][1]


def test_a_stage_that_is_not_there(root: Path, here: Account) -> None:
    done = preflight(root, here.env(), "live")
    assert done.returncode == 1
    assert done.stderr == "STAGE is live: expected default, dev or prod\n"
