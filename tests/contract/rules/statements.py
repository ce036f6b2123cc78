"""The statements of all policies of a deployment, wherever they stand."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.contract.rules.deployments import Deployment

# Where a resource keeps a policy on itself: such a policy names who may.
ON_RESOURCES = {
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::Logs::ResourcePolicy": "PolicyDocument",
}
OF_ROLES = {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"}


@dataclass(frozen=True)
class Statement:
    """One statement and the resource that it stands in."""

    where: str
    body: dict[str, Any]
    roles: frozenset[str] = frozenset()  # whose right it is

    @property
    def allows(self) -> bool:
        return self.body.get("Effect") != "Deny"

    @property
    def actions(self) -> list[str]:
        return [str(action) for action in listed(self.body.get("Action", []))]

    @property
    def resources(self) -> list[str]:
        return [spelled(resource) for resource in listed(self.body.get("Resource", []))]

    @property
    def principals(self) -> list[tuple[str, str]]:
        """(kind, name): ("Service", "lambda.amazonaws.com"), ("AWS", "*")."""
        principal = self.body.get("Principal", {})
        if not isinstance(principal, dict):
            return [("AWS", spelled(principal))]
        return [(k, spelled(name)) for k, names in principal.items() for name in listed(names)]


def listed(value: Any) -> list[Any]:
    """A policy may leave out the brackets around one."""
    return value if isinstance(value, list) else [value]


def spelled(node: Any) -> str:
    """An ARN in one spelling: {"Fn::GetAtt": ["Queue", "Arn"]} → "${Queue.Arn}"."""
    if not isinstance(node, dict):
        return str(node)
    [(name, value)] = node.items()
    if name == "Fn::Join":
        return str(value[0]).join(spelled(part) for part in value[1])
    if name == "Fn::GetAtt":
        return "${" + ".".join(value) + "}"
    return f"${{{value}}}" if name == "Ref" else str(value)


def owner(node: Any) -> str:
    """The resource that a reference is to: "${Queue.Arn}" → "Queue"."""
    found = re.match(r"\$\{(\w+)", spelled(node))
    return found[1] if found else ""


def rights(deployment: Deployment) -> Iterator[Statement]:
    """What roles may do."""
    for name, resource in deployment.resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::Role":
            for policy in properties.get("Policies", []):
                yield from _statements(name, policy["PolicyDocument"], {name})
        elif resource["Type"] in OF_ROLES:
            holders = listed(properties.get("Roles", properties.get("RoleName", [])))
            yield from _statements(name, properties["PolicyDocument"], {owner(h) for h in holders})
    for name, function in deployment.functions.items():
        for policy in listed(function["Properties"].get("Policies", [])):
            if isinstance(policy, dict) and "Statement" in policy:
                yield from _statements(name, policy)


def trusts(deployment: Deployment) -> Iterator[Statement]:
    """Who may take a role."""
    for name, role in deployment.of_type("AWS::IAM::Role").items():
        yield from _statements(name, role["Properties"]["AssumeRolePolicyDocument"])


def grants(deployment: Deployment) -> Iterator[Statement]:
    """What buckets, queues, topics and keys say of who may use them."""
    for name, resource in deployment.resources.items():
        if resource["Type"] in ON_RESOURCES:
            document = resource["Properties"].get(ON_RESOURCES[resource["Type"]], {})
            if isinstance(document, dict):
                yield from _statements(name, document)


def may(deployment: Deployment, role: str, on: str | None = None) -> set[str]:
    """All actions that a role may take, on one resource or on whatever."""
    return {
        action
        for statement in rights(deployment)
        if statement.allows and role in statement.roles
        if on is None or on in statement.resources
        for action in statement.actions
    }


def _statements(
    where: str, document: dict[str, Any], roles: Iterable[str] = ()
) -> Iterator[Statement]:
    for body in listed(document.get("Statement", [])):
        yield Statement(where, body, frozenset(roles))
