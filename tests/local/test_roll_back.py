"""make roll-back: the alias goes to a version that is named, on an account that moto plays."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.aws import Aws
from local.stage import Stage
from tests.support.account import Account, account, create_stack, deploy_version


@pytest.fixture
def aws() -> Iterator[Aws]:
    with Aws() as aws:
        yield aws


@pytest.fixture
def here(aws: Aws) -> Iterator[Account]:
    with account(aws) as here:
        yield here


@pytest.fixture
def names(aws: Aws) -> dict[str, str]:
    """The functions of a stack that was deployed three times."""
    stack = Stage.read("dev").stack
    create_stack(aws, stack)
    found = {}
    for resource in ("PredictFunction", "BatchFunction"):
        detail = aws.client("cloudformation").describe_stack_resource(
            StackName=stack, LogicalResourceId=resource
        )
        found[resource] = detail["StackResourceDetail"]["PhysicalResourceId"]
        for number in (1, 2, 3):
            deploy_version(aws, found[resource], number)
    return found


def roll_back(root: Path, here: Account, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local.roll_back", "--stage", "dev", *words],
        cwd=root,
        env=here.env(),
        capture_output=True,
        text=True,
        timeout=60,
    )


def serves(aws: Aws, function: str) -> str:
    """The version that requests go to."""
    alias = aws.client("lambda").get_alias(FunctionName=function, Name="live")
    return str(alias["FunctionVersion"])


def test_both_functions_go_back(root: Path, here: Account, aws: Aws, names: dict[str, str]) -> None:
    assert {serves(aws, name) for name in names.values()} == {"3"}
    done = roll_back(root, here, "--predict", "1", "--batch", "2")
    assert done.returncode == 0, done.stderr
    assert "verger-dev: predict went from version 3 to 1" in done.stdout
    assert "verger-dev: batch went from version 3 to 2" in done.stdout
    assert serves(aws, names["PredictFunction"]) == "1"
    assert serves(aws, names["BatchFunction"]) == "2"


def test_versions_are_listed_and_nothing_is_guessed(
    root: Path, here: Account, aws: Aws, names: dict[str, str]
) -> None:
    done = roll_back(root, here)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("  ")]
    assert [row[0] for row in rows] == ["3", "2", "1"] * 2
    assert [row[0] for row in rows if row[-1] == "serves"] == ["3", "3"]
    assert "nothing was moved" in done.stdout
    assert {serves(aws, name) for name in names.values()} == {"3"}


def test_both_functions_stay_where_one_cannot_move(
    root: Path, here: Account, aws: Aws, names: dict[str, str]
) -> None:
    done = roll_back(root, here, "--predict", "2", "--batch", "9")
    assert done.returncode == 1
    assert "there is no version 9; there are: 1, 2, 3" in done.stderr
    assert {serves(aws, name) for name in names.values()} == {"3"}


def test_a_deployment_that_is_under_way_is_stopped_by_its_own_means(
    root: Path, here: Account, aws: Aws, names: dict[str, str]
) -> None:
    aws.client("lambda").update_alias(
        FunctionName=names["PredictFunction"],
        Name="live",
        FunctionVersion="2",
        RoutingConfig={"AdditionalVersionWeights": {"3": 0.1}},
    )
    done = roll_back(root, here, "--predict", "1")
    assert done.returncode == 1
    assert "aws deploy stop-deployment --auto-rollback-enabled" in done.stderr
    assert serves(aws, names["PredictFunction"]) == "2"


def test_roll_back_says_what_is_wrong(root: Path, here: Account) -> None:
    done = roll_back(root, here)
    assert done.returncode == 1
    assert "Stack with id verger-dev does not exist" in done.stderr
    assert "Traceback" not in done.stderr
