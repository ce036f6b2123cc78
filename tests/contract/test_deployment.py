"""What a deployment does: who gets in, how a new version gets traffic, and what turns it back."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from local.delivery import Context
from predict.gateway import create_handler
from tests.support.template import Template, choose, functions

HEALTH = {f"{prefix}/health/{end}" for prefix in ("", "/v2") for end in ("live", "ready")}
VERSIONED = ("PredictFunction", "BatchFunction")
ALIAS = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${PredictFunction.Arn}:live/invocations"  # noqa: E501


def body(transformed: Template, *holding: str) -> dict[str, Any]:
    """The API's OpenAPI document where these conditions hold."""
    document: dict[str, Any] = transformed["Resources"]["Api"]["Properties"]["Body"]
    chosen: dict[str, Any] = choose(document, set(holding))
    return chosen


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (path, method): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


@pytest.mark.parametrize(
    ("holding", "security"),
    [
        pytest.param([], [{"AWS_IAM": []}], id="no issuer"),
        pytest.param(["Tokens"], [{"Token": []}], id="issuer"),
        pytest.param(
            ["Tokens", "Scoped"], [{"Token": [{"Ref": "JwtScope"}]}], id="issuer and scope"
        ),
    ],
)
def test_health_alone_is_open(
    transformed: Template, holding: list[str], security: list[dict[str, Any]]
) -> None:
    document = body(transformed, *holding)
    found = operations(document)
    assert found.keys() == {(path, "get") for path in HEALTH} | {
        ("/{proxy+}", "x-amazon-apigateway-any-method")
    }
    for (path, _), operation in found.items():
        assert operation["security"] == ([] if path in HEALTH else security), path
    # What a route asks for is declared, and nothing else is.
    [required] = security
    assert document["components"]["securitySchemes"].keys() == required.keys()


def test_routes_lead_to_the_alias(transformed: Template) -> None:
    for operation in operations(body(transformed)).values():
        assert operation["x-amazon-apigateway-integration"] == {
            "type": "aws_proxy",
            "httpMethod": "POST",
            "payloadFormatVersion": "2.0",
            "uri": {"Fn::Sub": ALIAS},
        }
    [alias] = [r for n, r in transformed["Resources"].items() if n == "PredictFunctionAliaslive"]
    assert alias["Properties"]["Name"] == "live"


def test_without_an_issuer_requests_are_signed(transformed: Template) -> None:
    """As SAM itself writes it for an API whose authorizer is IAM."""
    [scheme] = body(transformed)["components"]["securitySchemes"].values()
    assert scheme == {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "awsSigv4",
    }


def test_with_an_issuer_requests_carry_tokens(transformed: Template) -> None:
    [scheme] = body(transformed, "Tokens")["components"]["securitySchemes"].values()
    assert scheme == {
        "type": "oauth2",
        "x-amazon-apigateway-authorizer": {
            "type": "jwt",
            "identitySource": "$request.header.Authorization",
            "jwtConfiguration": {
                "issuer": {"Ref": "JwtIssuer"},
                "audience": {"Fn::Split": [",", {"Ref": "JwtAudience"}]},
            },
        },
    }


def test_the_api_and_the_schedule_alone_start_the_service(transformed: Template) -> None:
    """At the alias, and each from where it is alone."""
    found = {
        n: r for n, r in transformed["Resources"].items() if r["Type"] == "AWS::Lambda::Permission"
    }
    assert found.keys() == {"ApiPermission", "WarmUpPermission"}
    for permission in found.values():
        assert permission["Properties"]["FunctionName"] == {"Ref": "PredictFunctionAliaslive"}
        assert permission["Properties"]["Action"] == "lambda:InvokeFunction"
    api, schedule = (p["Properties"] for p in found.values())
    assert api["Principal"] == "apigateway.amazonaws.com"
    assert api["SourceArn"]["Fn::Sub"].endswith(":${AWS::AccountId}:${Api}/*/*/*")
    assert schedule["Principal"] == "events.amazonaws.com"
    assert schedule["SourceArn"] == {"Fn::GetAtt": ["WarmUp", "Arn"]}
    assert found["WarmUpPermission"]["Condition"] == "WarmedUp"


def test_requests_are_throttled_and_told_without_who_and_what(transformed: Template) -> None:
    stage = transformed["Resources"]["ApiApiGatewayDefaultStage"]["Properties"]
    assert stage["DefaultRouteSettings"] == {
        "ThrottlingBurstLimit": {"Ref": "ThrottleBurst"},
        "ThrottlingRateLimit": {"Ref": "ThrottleRate"},
    }
    told = stage["AccessLogSettings"]
    assert told["DestinationArn"]["Fn::Sub"].endswith(":log-group:${AccessLogs}")
    assert "\n" not in told["Format"]
    variables = {part.split('"')[0] for part in told["Format"].split('"$context.')[1:]}
    assert variables == {
        "requestId",
        "requestTimeEpoch",
        "routeKey",
        "status",
        "responseLatency",
        "integrationLatency",
        "integrationStatus",
        "responseLength",
        "integrationErrorMessage",
        "authorizer.error",
    }


@pytest.mark.parametrize("name", VERSIONED)
def test_new_version_is_checked_watched_and_turned_back(transformed: Template, name: str) -> None:
    resources = transformed["Resources"]
    [version] = [n for n in resources if n.startswith(f"{name}Version")]
    alias, group = resources[f"{name}Aliaslive"], resources[f"{name}DeploymentGroup"]["Properties"]
    assert alias["Properties"]["FunctionVersion"] == {"Fn::GetAtt": [version, "Version"]}
    assert alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"] == {
        "ApplicationName": {"Ref": "ServerlessDeploymentApplication"},
        "DeploymentGroupName": {"Ref": f"{name}DeploymentGroup"},
        "BeforeAllowTrafficHook": {"Ref": "CheckFunction"},
    }
    assert group["ServiceRoleArn"] == {"Fn::GetAtt": ["DeployRole", "Arn"]}
    assert set(group["AutoRollbackConfiguration"]["Events"]) >= {
        "DEPLOYMENT_FAILURE",
        "DEPLOYMENT_STOP_ON_ALARM",
    }
    assert group["DeploymentConfigName"] == {
        "Fn::Sub": [
            "CodeDeployDefault.Lambda${ConfigName}",
            {"ConfigName": transformed["Parameters"]["Deployment"]["Default"]},
        ]
    }
    # Each alarm looks at this version and no other: else it fires for the one that is left.
    alarms = [alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]]
    assert group["AlarmConfiguration"]["Enabled"] is True
    found = {resources[alarm]["Properties"]["MetricName"] for alarm in alarms}
    assert found == {"Failures", "Errors"}  # our own count, and what dies before it counts
    for alarm in alarms:
        watched = {d["Name"]: d["Value"] for d in resources[alarm]["Properties"]["Dimensions"]}
        of_version = watched.get("version", watched.get("ExecutedVersion"))
        assert of_version == {"Fn::GetAtt": [version, "Version"]}, alarm


def test_the_check_knows_the_versions_that_come(transformed: Template) -> None:
    variables = transformed["Resources"]["CheckFunction"]["Properties"]["Environment"]["Variables"]
    for variable, name in zip(("PREDICT_VERSION", "BATCH_VERSION"), VERSIONED, strict=True):
        assert variables[variable]["Ref"].startswith(f"{name}Version")


def test_documents_of_the_queue_come_to_the_alias(transformed: Template) -> None:
    mapping = transformed["Resources"]["BatchFunctionDocument"]["Properties"]
    assert mapping["FunctionName"] == {"Ref": "BatchFunctionAliaslive"}


@pytest.mark.parametrize(
    ("holding", "provisioned"),
    [
        pytest.param(set(), None, id="none"),
        pytest.param(
            {"Provisioned"},
            {"ProvisionedConcurrentExecutions": {"Ref": "ProvisionedConcurrency"}},
            id="some",
        ),
    ],
)
def test_functions_are_kept_started_where_it_is_asked(
    transformed: Template, holding: set[str], provisioned: Any
) -> None:
    alias = choose(transformed["Resources"]["PredictFunctionAliaslive"]["Properties"], holding)
    assert alias.get("ProvisionedConcurrencyConfig") == provisioned


def test_warm_up_is_a_request_that_the_service_answers(template: Template, app: FastAPI) -> None:
    rule = template["Resources"]["WarmUp"]
    [target] = rule["Properties"]["Targets"]
    assert rule["Condition"] == "WarmedUp"
    assert target["Arn"] == {"Ref": "PredictFunction.Alias"}
    answer = create_handler(app)(json.loads(target["Input"]), Context())
    assert (answer["statusCode"], json.loads(answer["body"])) == (200, {"status": "live"})
    # "rate(1 minutes)" is refused by EventBridge.
    assert 1 not in template["Parameters"]["WarmUpMinutes"]["AllowedValues"]


@pytest.mark.parametrize(
    ("rule", "given", "allowed"),
    [
        pytest.param("JwtIsWhole", {}, True, id="IAM"),
        pytest.param("JwtIsWhole", {"JwtIssuer": "i", "JwtAudience": "a"}, True, id="JWT"),
        pytest.param(
            "JwtIsWhole", {"JwtIssuer": "i", "JwtAudience": "a", "JwtScope": "s"}, True, id="scope"
        ),
        pytest.param("JwtIsWhole", {"JwtIssuer": "i"}, False, id="no audience"),
        pytest.param("JwtIsWhole", {"JwtAudience": "a"}, False, id="no issuer"),
        pytest.param("JwtIsWhole", {"JwtScope": "s"}, False, id="scope of nothing"),
        pytest.param("BudgetHasReader", {}, True, id="no budget"),
        pytest.param(
            "BudgetHasReader", {"MonthlyBudgetUsd": "5", "AlarmEmail": "a@b"}, True, id="reader"
        ),
        pytest.param("BudgetHasReader", {"MonthlyBudgetUsd": "5"}, False, id="no reader"),
    ],
)
def test_what_makes_no_sense_is_refused(
    template: Template, rule: str, given: dict[str, str], allowed: bool
) -> None:
    defaults = {name: str(p["Default"]) for name, p in template["Parameters"].items()}

    def value(node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        [(name, inner)] = node.items()
        if name == "Ref":
            return (defaults | given)[inner]
        found = [value(one) for one in inner]
        if name == "Fn::Equals":
            return found[0] == found[1]
        assert name in {"Fn::And", "Fn::Or", "Fn::Not"}
        return {"Fn::And": all(found), "Fn::Or": any(found), "Fn::Not": not found[0]}[name]

    assertions = template["Rules"][rule]["Assertions"]
    assert all(value(assertion["Assert"]) for assertion in assertions) is allowed


def test_stages_set_parameters_that_there_are(root: Path, template: Template) -> None:
    """With values that these take; nobody's address is among them."""
    for stage in tomllib.loads((root / "samconfig.toml").read_text()).values():
        deploy = stage["deploy"]["parameters"] if isinstance(stage, dict) else {}
        for setting in deploy.get("parameter_overrides", "").split():
            name, value = setting.split("=")
            parameter = template["Parameters"][name]
            allowed = parameter.get("AllowedValues", [value])
            assert value in [str(one) for one in allowed], setting
            assert "@" not in value
    assert set(functions(template)) == {*VERSIONED, "CheckFunction"}
