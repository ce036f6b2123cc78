"""What preflight thinks of parameters and limits, without an account."""

from pathlib import Path
from typing import Any

import pytest

from local.account import check_concurrency, check_memory
from local.premises import (
    Finding,
    Level,
    Parameters,
    check_files,
    judge_image,
    read_parameters,
    values_of,
)
from local.stage import Stage, StageError
from serving.settings import EU_REGIONS

ISSUER = "https://login.example.eu/realm"


@pytest.fixture(scope="module")
def declared(root: Path) -> Parameters:
    return read_parameters(root / "template.yaml")


@pytest.mark.parametrize("name", ["default", "dev", "prod"])
def test_the_stages_that_we_ship_fit_the_template(declared: Parameters, name: str) -> None:
    found = list(check_files(Stage.read(name), declared))
    assert [finding for finding in found if finding.level is not Level.OK] == []


def say(declared: Parameters, region: str = "eu-west-3", **given: str) -> list[Finding]:
    found = check_files(Stage("mine", "verger-mine", region, given), declared)
    return [finding for finding in found if finding.level is not Level.OK]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"Memory": "6144"}, "parameters: the template has no Memory"),
        ({"MemoryMb": "100"}, "parameters: MemoryMb is 100: expected a number from 512 to 10240"),
        ({"MemoryMb": "lots"}, "parameters: MemoryMb is lots: expected a number"),
        ({"InputDays": "5"}, "parameters: InputDays is 5: expected one of 4, 7, 14, 30"),
        ({"KmsKeyArn": "alias/mine"}, "expected the ARN of a key (not of an alias), or nothing"),
        ({"InputName": ""}, "parameters: InputName is : expected what matches"),
        ({"JwtIssuer": ISSUER}, "authorizer: JwtIssuer and JwtAudience go together"),
        ({"JwtAudience": "verger"}, "authorizer: JwtIssuer and JwtAudience go together"),
        ({"JwtScope": "predict"}, "authorizer: JwtScope is of a token"),
        ({"JwtIssuer": "https://issuer", "JwtAudience": "v"}, "expected https://HOST/PATH"),
        ({"JwtIssuer": f"{ISSUER}?a=b", "JwtAudience": "v"}, "expected https://HOST/PATH"),
        ({"MonthlyBudgetUsd": "50"}, "budget: MonthlyBudgetUsd needs somebody to tell"),
    ],
)
def test_parameters_that_cannot_be(
    declared: Parameters, given: dict[str, str], reason: str
) -> None:
    found = say(declared, **given)
    assert found
    assert all(finding.level is Level.STOP for finding in found)
    assert any(reason in str(finding) for finding in found), [str(f) for f in found]


def test_parameters_that_can(declared: Parameters) -> None:
    assert say(declared, JwtIssuer=ISSUER, JwtAudience="verger", JwtScope="predict") == []
    assert say(declared, MonthlyBudgetUsd="50", AlarmEmail="ops@example.eu") == []
    values = values_of(Stage("mine", "x", "eu-west-3", {"MemoryMb": "512"}), declared)
    assert values["MemoryMb"] == "512"
    assert values["BatchConcurrency"] == "4"


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-2", "eu-central-2"])
def test_regions_outside_of_the_eu(declared: Parameters, region: str) -> None:
    [finding] = say(declared, region)
    assert finding.what == "region"
    assert all(known in finding.says for known in EU_REGIONS)


@pytest.mark.parametrize(
    ("total", "free", "batch", "waiting", "expected"),
    [
        pytest.param(1000, 1000, 4, 0, {"concurrency": "ok"}, id="usual"),
        pytest.param(10, 10, 4, 0, {"concurrency": "warning"}, id="new account"),
        pytest.param(10, 10, 10, 0, {"concurrency": "stop"}, id="nothing left for the API"),
        pytest.param(1000, 5, 4, 0, {"concurrency": "warning"}, id="reserved by others"),
        pytest.param(1000, 4, 4, 0, {"concurrency": "stop"}, id="all reserved by others"),
        pytest.param(
            10, 10, 4, 1, {"provisioned": "stop", "concurrency": "warning"}, id="new, provisioned"
        ),
        pytest.param(1000, 1000, 4, 900, {"provisioned": "ok", "concurrency": "ok"}, id="most"),
        pytest.param(
            1000, 1000, 4, 901, {"provisioned": "stop", "concurrency": "ok"}, id="one too many"
        ),
    ],
)
def test_what_runs_at_once_fits_or_not(
    total: int, free: int, batch: int, waiting: int, expected: dict[str, Any]
) -> None:
    values = {"BatchConcurrency": str(batch), "ProvisionedConcurrency": str(waiting)}
    found = {f.what: f.level.value for f in check_concurrency(total, free, values, "eu-west-3")}
    assert found == expected


@pytest.mark.parametrize(
    ("wanted", "largest", "total", "level"),
    [(3008, 0, 10, "ok"), (3009, 0, 10, "stop"), (6144, 0, 1000, "warning"),
     (6144, 3008, 1000, "warning"), (6144, 3009, 10, "ok")],
)  # fmt: skip
def test_memory(wanted: int, largest: int, total: int, level: str) -> None:
    assert check_memory(wanted, largest, total).level == level


def test_an_image_that_lambda_does_not_take() -> None:
    assert judge_image("x", 448_000_000).level is Level.OK
    large = judge_image("x", 10 * 1024**3 + 1)
    assert large.level is Level.STOP
    assert "x has 10.7 GB, Lambda takes 10" in large.says


def test_a_stage_is_read_in_both_of_sams_forms(tmp_path: Path) -> None:
    path = tmp_path / "samconfig.toml"
    head = '[a.global.parameters]\nstack_name = "s"\nregion = "eu-west-1"\n[a.deploy.parameters]\n'
    for text in ('"MemoryMb=512 InputName=a:b"', '["MemoryMb=512", "InputName=a:b"]'):
        path.write_text(f"{head}parameter_overrides = {text}\n")
        stage = Stage.read("a", path)
        assert stage.given == {"MemoryMb": "512", "InputName": "a:b"}
    with pytest.raises(StageError, match="STAGE is b: expected"):
        Stage.read("b", path)
