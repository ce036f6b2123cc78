"""template.yaml for tests: read, resolved as far as plain Python goes, deployed with moto."""

import json
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml

Template = dict[str, Any]

# What moto's CloudFormation creates, and what it leaves out, wholly or in part.
DEPLOYED = {
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
}
RESOLVED = (
    "AlarmKey",
    "AlarmMail",
    "AlarmTopic",
    "AlarmTopicPolicy",
    "Budget",
    "DeadLetters",
    "DeadLettersAlarm",
    "DeadLettersPolicy",
    "Documents",
    "DocumentsPolicy",
    "QueueAgeAlarm",
    "QueuePolicy",
)
# What the template refers to and SAM makes: one application for all deployments of the stack.
GENERATED = {"ServerlessDeploymentApplication"}


class _Loader(yaml.SafeLoader):
    """Reads !Ref, !Sub and the like as CloudFormation's long form."""


def _intrinsic(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt":
        value = value.split(".", 1)
    return {suffix if suffix == "Ref" else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)


def read(root: Path) -> Template:
    """The template in CloudFormation's long form."""
    content: Template = yaml.load((root / "template.yaml").read_text(), _Loader)
    return content


def function(template: Template, name: str) -> dict[str, Any]:
    """A function with what all functions have (Globals)."""
    resource: dict[str, Any] = template["Resources"][name]
    shared: dict[str, Any] = template["Globals"]["Function"]
    properties = {**shared, **resource["Properties"]}
    for key in shared.keys() & resource["Properties"].keys():
        assert key == "Environment"
        both = (shared[key]["Variables"], resource["Properties"][key]["Variables"])
        properties[key] = {"Variables": both[0] | both[1]}
    return {**resource, "Properties": properties}


def functions(template: Template) -> dict[str, dict[str, Any]]:
    """All functions by name."""
    return {
        name: function(template, name)
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }


def references(node: Any, key: str | None = None) -> Iterator[tuple[str, str]]:
    """What a template refers to, as (function, name); DependsOn counts as a function.

    What SAM makes of a function (Function.Alias, Function.Version) counts as the function.
    """
    if isinstance(node, dict):
        for inner, value in node.items():
            yield from references(value, inner)
        return
    if key == "Ref":
        yield "Ref", node.partition(".")[0]
    elif key == "Condition" and isinstance(node, str):
        yield "If", node
    elif key == "Fn::GetAtt":
        yield "GetAtt", node[0]
    elif key == "Fn::Sub":
        text, own = node if isinstance(node, list) else (node, {})
        for name in re.findall(r"\$\{([^}!]+)\}", text):
            if name not in own:
                yield "Sub", name.partition(".")[0]
        yield from references(own)
    elif key in {"Fn::FindInMap", "Fn::If"}:
        yield key.removeprefix("Fn::"), node[0]
        yield from references(node[1:])
    elif key == "DependsOn":
        for name in [node] if isinstance(node, str) else node:
            yield "DependsOn", name
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def graph(template: Template) -> dict[str, set[str]]:
    """Which resource needs which others to be there before it."""
    resources = template["Resources"]
    return {
        name: {n for kind, n in references(resource) if kind not in {"FindInMap", "If"}}
        & set(resources)
        for name, resource in resources.items()
    }


def choose(node: Any, holding: Set[str]) -> Any:
    """The node as it is where exactly these conditions hold."""
    if isinstance(node, list):
        return [choose(value, holding) for value in node]
    if not isinstance(node, dict):
        return node
    if "Fn::If" in node:
        condition, then, otherwise = node["Fn::If"]
        return choose(then if condition in holding else otherwise, holding)
    chosen = {key: choose(value, holding) for key, value in node.items()}
    return {key: value for key, value in chosen.items() if value != {"Ref": "AWS::NoValue"}}


@dataclass(frozen=True)
class Stack:
    """A deployed stack: its outputs, and the resolved properties of what moto does not create."""

    region: str
    outputs: dict[str, str]
    properties: dict[str, Any]

    def client(self, service: str) -> Any:
        return client(service, self.region)


def client(service: str, region: str) -> Any:
    """boto3's client with credentials that nobody has; only for use under mock_aws."""
    return boto3.client(service, region, aws_access_key_id="x", aws_secret_access_key="x")


def deploy(template: Template, region: str, parameters: Mapping[str, str] | None = None) -> Stack:
    """Create the stack of all that moto knows, and that is not about a function; under mock_aws."""
    unknown = {*functions(template), *GENERATED, "Api"}
    resources = {
        name: {key: value for key, value in resource.items() if key != "DependsOn"}
        for name, resource in template["Resources"].items()
        if resource["Type"] in DEPLOYED and not unknown & {n for _, n in references(resource)}
    }
    for resource in resources.values():
        if resource["Type"] == "AWS::KMS::Key":  # moto takes the tags of CloudFormation for KMS's
            resource["Properties"] = {
                k: v for k, v in resource["Properties"].items() if k != "Tags"
            }
        if resource["Type"] == "AWS::IAM::Role":  # and a list's member that is none, for a policy
            policies = [p for p in resource["Properties"]["Policies"] if "Fn::If" not in p]
            resource["Properties"] = {**resource["Properties"], "Policies": policies}
    # moto resolves the rest for us: as outputs.
    resolved = {
        f"By{name}": {"Value": {"Fn::ToJsonString": template["Resources"][name]["Properties"]}}
        for name in RESOLVED
    }
    shown = {
        key: value
        for key, value in template["Outputs"].items()
        if not unknown & {name for _, name in references(value)}
    }
    # A number becomes a string where it is used, says CloudFormation's reference; not so in moto.
    declared = {
        name: {"Type": "String", "Default": str(parameter["Default"])}
        for name, parameter in template["Parameters"].items()
    }
    body = {
        "Parameters": declared,
        **{key: template[key] for key in ("Mappings", "Conditions")},
        "Resources": resources,
        "Outputs": shown | resolved,
    }
    cloudformation = client("cloudformation", region)
    cloudformation.create_stack(
        StackName="Verger-Test",
        TemplateBody=json.dumps(body),
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in (parameters or {}).items()
        ],
    )
    [described] = cloudformation.describe_stacks(StackName="Verger-Test")["Stacks"]
    assert described["StackStatus"] == "CREATE_COMPLETE"
    outputs = {o["OutputKey"]: o["OutputValue"] for o in described["Outputs"]}
    return Stack(
        region,
        {name: outputs[name] for name in shown},
        {name: json.loads(outputs[f"By{name}"]) for name in RESOLVED},
    )


def configure(stack: Stack) -> None:
    """Give moto by hand what its CloudFormation leaves out, in CloudFormation's order.

    But for the bucket's policy: moto takes a condition that it does not know for one that holds.
    """
    sqs, s3 = stack.client("sqs"), stack.client("s3")
    bucket, properties = stack.outputs["Bucket"], stack.properties["Documents"]
    for queue, policy in (("Queue", "QueuePolicy"), ("DeadLetters", "DeadLettersPolicy")):
        [url] = stack.properties[policy]["Queues"]
        assert url == stack.outputs[queue]
        document = json.dumps(stack.properties[policy]["PolicyDocument"])
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    [notified] = properties["NotificationConfiguration"]["QueueConfigurations"]
    rules = notified["Filter"]["S3Key"]["Rules"]
    s3.put_bucket_notification_configuration(
        Bucket=bucket,
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "QueueArn": notified["Queue"],
                    "Events": [notified["Event"]],
                    "Filter": {"Key": {"FilterRules": rules}},
                }
            ]
        },
    )
