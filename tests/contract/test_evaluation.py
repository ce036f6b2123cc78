"""What the rules see of a template is what CloudFormation makes of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from tests.contract.rules.choices import choices, evaluation
from tests.contract.rules.deployments import deployments
from tests.contract.rules.evaluation import Evaluation
from tests.support.template import deploy, read

TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Key": {"Type": "String", "Default": "", "AllowedPattern": ".*"},
        "Days": {"Type": "Number", "Default": 7, "MinValue": 1, "MaxValue": 30},
        "Mail": {"Type": "String", "Default": "", "AllowedPattern": ".*"},
    },
    "Conditions": {
        "Keyed": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Key"}, ""]}]},
        "Week": {"Fn::Equals": [{"Ref": "Days"}, "7"]},
        "Both": {"Fn::And": [{"Condition": "Keyed"}, {"Condition": "Week"}]},
        "Any": {"Fn::Or": [{"Condition": "Keyed"}, {"Condition": "Week"}]},
    },
    "Mappings": {"Seconds": {"7": {"All": 604800}}},
    "Rules": {
        "KeyNeedsMail": {
            "RuleCondition": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Key"}, ""]}]},
            "Assertions": [{"Assert": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Mail"}, ""]}]}}],
        }
    },
    "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Condition": "Keyed"}},
}


@pytest.mark.parametrize(
    ("node", "value"),
    [
        pytest.param({"Ref": "Days"}, 7, id="parameter"),
        pytest.param({"Ref": "AWS::Region"}, "eu-west-3", id="region"),
        pytest.param({"Ref": "Queue"}, {"Ref": "Queue"}, id="resource"),
        pytest.param({"Fn::GetAtt": ["Queue", "Arn"]}, {"Fn::GetAtt": ["Queue", "Arn"]}, id="ARN"),
        pytest.param({"a": {"Ref": "AWS::NoValue"}, "b": 1}, {"b": 1}, id="no property"),
        pytest.param([{"Ref": "AWS::NoValue"}, 1], [1], id="no item"),
        pytest.param({"Fn::If": ["Week", 1, 2]}, 1, id="condition that holds"),
        pytest.param({"Fn::If": ["Both", 1, 2]}, 2, id="condition that does not"),
        pytest.param({"Fn::If": ["Any", [{"Ref": "Days"}], []]}, [7], id="inside of a choice"),
        pytest.param({"x": {"Fn::If": ["Keyed", 1, {"Ref": "AWS::NoValue"}]}}, {}, id="neither"),
        pytest.param({"Fn::FindInMap": ["Seconds", {"Ref": "Days"}, "All"]}, 604800, id="lookup"),
        pytest.param(
            {"Fn::FindInMap": ["Seconds", "8", "All"]},
            {"Fn::FindInMap": ["Seconds", "8", "All"]},
            id="lookup in vain",
        ),
        pytest.param({"Fn::Sub": "${Days} days"}, "7 days", id="text"),
        pytest.param({"Fn::Sub": "${Queue.Arn}/*"}, {"Fn::Sub": "${Queue.Arn}/*"}, id="text later"),
        pytest.param({"Fn::Sub": ["${a}b", {"a": {"Ref": "Days"}}]}, "7b", id="text of its own"),
        pytest.param({"Fn::Sub": "${!Literal}"}, "${!Literal}", id="text as it is"),
        pytest.param({"Fn::Join": ["-", ["a", {"Ref": "Days"}]]}, "a-7", id="joined"),
        pytest.param({"Fn::Select": ["1", {"Fn::Split": ["/", "a/b"]}]}, "b", id="selected"),
    ],
)
def test_node_is_resolved(node: Any, value: Any) -> None:
    defaults = {name: one["Default"] for name, one in TEMPLATE["Parameters"].items()}
    assert Evaluation(TEMPLATE, defaults).resolve(node) == value


def test_choices_keep_the_templates_own_rules() -> None:
    """A key is tried with a mail, as it is refused without; the rest one by one and in pairs."""
    tried = [{**choice} for choice in choices(TEMPLATE)]
    assert tried[0] == {}
    assert {"Key": "given", "Mail": "given"} in tried
    assert all("Mail" in choice for choice in tried if "Key" in choice)
    assert {"Days": 30} in tried
    assert {"Days": 1} in tried


def test_resource_is_there_where_its_condition_holds() -> None:
    there = [bool(one.resources) for one in deployments(TEMPLATE)]
    assert there == ["Key" in one.chosen for one in deployments(TEMPLATE)]
    assert set(there) == {True, False}


def texts(node: Any) -> Any:
    """Numbers as text: a number becomes one where it is used, says CloudFormation's reference."""
    return json.loads(json.dumps(node), parse_int=str)


@mock_aws
@pytest.mark.parametrize("key", ["", "arn:aws:kms:eu-west-3:123456789012:key/0a1b2c3d"])
def test_another_evaluator_agrees(root: Path, key: str) -> None:
    """moto's, on what refers to no other resource."""
    template = read(root)
    stack = deploy(template, "eu-west-3", {"KmsKeyArn": key})
    bucket = template["Resources"]["Documents"]["Properties"]
    for part in ("BucketEncryption", "LifecycleConfiguration", "OwnershipControls", "Tags"):
        ours = evaluation(template, {"KmsKeyArn": key}).resolve(bucket[part])
        assert texts(ours) == texts(stack.properties["Documents"][part]), part
