"""Who may do what: the roles of the functions and of their deployments, right by right."""

import re
from typing import Any

import pytest

from tests.support.template import functions

OF_THE_ACCOUNT = "arn:AWS::Partition:{}:AWS::Region:AWS::AccountId"
GROUPS = f"{OF_THE_ACCOUNT.format('codedeploy')}:deploymentgroup:ServerlessDeploymentApplication"
# All that each function may do, and on what.
RIGHTS = {
    "PredictFunction": {
        "PredictLogs.Arn": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "Documents.Arn": {
            "s3:ListBucket",
            "s3:ListBucketVersions",
            "s3:ListBucketMultipartUploads",
        },
        "Documents.Arn/uploads/*": {
            "s3:PutObject",
            "s3:GetObject",
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
        },
        "Documents.Arn/progress/*": {"s3:GetObject", "s3:DeleteObject", "s3:DeleteObjectVersion"},
        "Documents.Arn/progress/*.erased": {"s3:PutObject"},
        "Documents.Arn/predictions/*": {
            "s3:AbortMultipartUpload",
            "s3:GetObject",
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
        },
    },
    "BatchFunction": {
        "BatchLogs.Arn": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "Documents.Arn": {"s3:ListBucket", "s3:ListBucketMultipartUploads"},
        "Documents.Arn/uploads/*": {"s3:GetObject"},
        "Documents.Arn/progress/*": {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"},
        "Documents.Arn/predictions/*": {
            "s3:GetObject",
            "s3:PutObject",
            "s3:AbortMultipartUpload",
            "s3:DeleteObject",
        },
        "Queue.Arn": {
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ChangeMessageVisibility",
            "sqs:SendMessage",
        },
    },
    "CheckFunction": {
        "CheckLogs.Arn": {"logs:CreateLogStream", "logs:PutLogEvents"},
        "PredictFunction.Arn:*": {"lambda:InvokeFunction"},
        "BatchFunction.Arn:*": {"lambda:InvokeFunction"},
        f"{GROUPS}/*": {"codedeploy:PutLifecycleEventHookExecutionStatus"},
    },
}
ALIAS = {"lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"}
# And what CodeDeploy may do.
DEPLOY_RIGHTS = {
    "CheckFunction.Arn": {"lambda:InvokeFunction"},
    "PredictFunction.Arn": ALIAS,
    "PredictFunction.Arn:live": ALIAS,
    "BatchFunction.Arn": ALIAS,
    "BatchFunction.Arn:live": ALIAS,
    f"{OF_THE_ACCOUNT.format('cloudwatch')}:alarm:*": {"cloudwatch:DescribeAlarms"},
}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def name_of(resource: dict[str, Any]) -> str:
    """{"Fn::Sub": "${Documents.Arn}/uploads/*"} → "Documents.Arn/uploads/*"."""
    [(kind, value)] = resource.items()
    if kind == "Fn::Sub":
        return re.sub(r"\$\{(.*?)\}", r"\1", value)
    return ".".join(listed(value))


def rights(statements: list[dict[str, Any]]) -> dict[str, set[str]]:
    """What statements allow: actions by resource."""
    allowed: dict[str, set[str]] = {}
    for statement in statements:
        assert statement.keys() == {"Effect", "Action", "Resource"}
        assert statement["Effect"] == "Allow"
        for resource in listed(statement["Resource"]):
            allowed.setdefault(name_of(resource), set()).update(listed(statement["Action"]))
    return allowed


@pytest.mark.parametrize("function", RIGHTS)
def test_function_may_do_its_work_and_no_more(template: dict[str, Any], function: str) -> None:
    role, attribute = functions(template)[function]["Properties"]["Role"]["Fn::GetAtt"]
    properties = template["Resources"][role]["Properties"]
    assert attribute == "Arn"
    assert properties.keys() == {"AssumeRolePolicyDocument", "Policies"}  # nothing managed
    [policy] = [each for each in properties["Policies"] if "Fn::If" not in each]
    assert rights(policy["PolicyDocument"]["Statement"]) == RIGHTS[function]


def test_functions_have_a_role_each(template: dict[str, Any]) -> None:
    trusted = {
        f["Properties"]["Role"]["Fn::GetAtt"][0]: "lambda" for f in functions(template).values()
    }
    assert len(trusted) == len(RIGHTS) == 3
    trusted["DeployRole"] = "codedeploy"
    roles = {n: r for n, r in template["Resources"].items() if r["Type"] == "AWS::IAM::Role"}
    assert roles.keys() == trusted.keys()
    for name, role in roles.items():
        assert role["Properties"]["AssumeRolePolicyDocument"]["Statement"] == [
            {
                "Effect": "Allow",
                "Principal": {"Service": f"{trusted[name]}.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ]


def test_codedeploy_moves_two_aliases_and_asks_no_more(template: dict[str, Any]) -> None:
    properties = template["Resources"]["DeployRole"]["Properties"]
    assert properties.keys() == {"AssumeRolePolicyDocument", "Policies"}
    [policy] = properties["Policies"]
    assert rights(policy["PolicyDocument"]["Statement"]) == DEPLOY_RIGHTS


def test_traces_are_sent_only_where_there_are_any(template: dict[str, Any]) -> None:
    """The one right on everything: X-Ray has no resources.

    It is the role's own, since Lambda looks for it when it makes the function.
    """
    for name in ("PredictFunction", "BatchFunction"):
        properties = functions(template)[name]["Properties"]
        assert properties["Tracing"] == {"Ref": "Tracing"}
        role = template["Resources"][properties["Role"]["Fn::GetAtt"][0]]["Properties"]
        [conditional] = [each["Fn::If"] for each in role["Policies"] if "Fn::If" in each]
        condition, policy, otherwise = conditional
        assert (condition, otherwise) == ("Traced", {"Ref": "AWS::NoValue"})
        assert policy["PolicyDocument"]["Statement"] == [
            {
                "Effect": "Allow",
                "Action": ["xray:PutTraceSegments", "xray:PutTelemetryRecords"],
                "Resource": "*",
            }
        ]


def test_no_right_is_on_everything() -> None:
    for by_resource in (*RIGHTS.values(), DEPLOY_RIGHTS):
        for resource, actions in by_resource.items():
            assert resource != "*"
            assert not any("*" in action for action in actions)


def test_the_key_is_used_only_where_it_is_given(template: dict[str, Any]) -> None:
    use = template["Resources"]["KeyUse"]
    assert use["Condition"] == "OwnKey"
    assert use["Properties"]["Roles"] == [{"Ref": "PredictRole"}, {"Ref": "BatchRole"}]
    assert rights(use["Properties"]["PolicyDocument"]["Statement"]) == {
        "KmsKeyArn": {"kms:Decrypt", "kms:GenerateDataKey"}
    }
