"""Who may do what: rights, trust, and policies on resources."""

import re
from collections.abc import Iterator

from tests.contract.rules.deployments import Deployment, deployments
from tests.contract.rules.evaluation import Template
from tests.contract.rules.statements import Statement, grants, listed, rights, spelled, trusts

PASSING = {"iam:PassRole", "sts:AssumeRole", "iam:*"}
OWN = re.compile(r"\$\{(?P<name>\w+)(\.\w+)?\}(?P<rest>.*)", re.ASCII | re.DOTALL)


def no_right_is_a_wildcard(template: Template) -> Iterator[str]:
    """Every action is named, and every right is for a resource of the stack, or a part of it."""
    for deployment in deployments(template):
        for statement in rights(deployment):
            for problem in _wide(deployment, statement):
                yield deployment.tell(f"{statement.where}: {problem}")
        for statement in grants(deployment):
            if statement.allows:
                for action in statement.actions:
                    if "*" in action:
                        yield deployment.tell(f"{statement.where}: action {action}")


def _wide(deployment: Deployment, statement: Statement) -> Iterator[str]:
    """How a right reaches further than it has to."""
    if not statement.allows:
        return
    for key in ("NotAction", "NotResource"):
        if key in statement.body:
            yield f"{key} allows all the rest"
    for action in statement.actions:
        if "*" in action:
            yield f"action {action}"
        for resource in statement.resources:
            if problem := _reach(deployment, resource):
                yield f"{action} on {resource}: {problem}"


def _reach(deployment: Deployment, resource: str) -> str | None:
    """Why a right is for more than one resource of the stack, or a folder in it."""
    if match := OWN.fullmatch(resource):
        if match["name"] not in deployment.resources:
            return "not a resource of the stack"
        kind = deployment.resources[match["name"]]["Type"]
        if kind == "AWS::S3::Bucket" and match["rest"] and not match["rest"].startswith("/"):
            return "more than one bucket"
        return "all of the bucket" if match["rest"] in {"*", "/*"} and "S3" in kind else None
    if "*" in resource:
        return "not one resource"
    return None


def no_policy_of_others_is_attached(template: Template) -> Iterator[str]:
    """AWS's managed policies are wide, and change; all rights stand in the template."""
    for deployment in deployments(template):
        for name, role in deployment.of_type("AWS::IAM::Role").items():
            for arn in role["Properties"].get("ManagedPolicyArns", []):
                if not OWN.fullmatch(spelled(arn)):
                    yield deployment.tell(f"{name}: managed policy {spelled(arn)}")
        for name, function in deployment.functions.items():
            for policy in listed(function["Properties"].get("Policies", [])):
                if isinstance(policy, str):
                    yield deployment.tell(f"{name}: managed policy {policy}")


def roles_trust_one_service(template: Template) -> Iterator[str]:
    """No account and no user takes a role, and no second service."""
    for deployment in deployments(template):
        roles = deployment.of_type("AWS::IAM::Role")
        trusted: dict[str, list[tuple[str, str]]] = {name: [] for name in roles}
        for statement in trusts(deployment):
            if statement.allows:
                trusted[statement.where].extend(statement.principals)
                if statement.actions != ["sts:AssumeRole"]:
                    yield deployment.tell(f"{statement.where}: trust for {statement.actions}")
        for name, principals in trusted.items():
            kinds = {kind for kind, _ in principals}
            services = [service for _, service in principals]
            if kinds != {"Service"} or len(services) != 1 or "*" in services[0]:
                yield deployment.tell(f"{name}: is trusted to {principals}, not to one service")


def nobody_is_anybody(template: Template) -> Iterator[str]:
    """What is allowed by a policy on a resource is allowed to a service, for this account."""
    for deployment in deployments(template):
        for statement in grants(deployment):
            if not statement.allows:
                continue
            for kind, name in statement.principals:
                if kind != "Service" and "AccountId" not in name and not _own_account(name):
                    yield deployment.tell(f"{statement.where}: allows {kind} {name}")
            if "NotPrincipal" in statement.body:
                yield deployment.tell(f"{statement.where}: allows all but some (NotPrincipal)")
            if _services(statement) and not _of_this_account(statement):
                yield deployment.tell(
                    f"{statement.where}: allows a service without a condition on whose it is"
                )


def _own_account(name: str) -> bool:
    return bool(re.fullmatch(r"arn:aws:iam::123456789012:root|123456789012", name))


def _services(statement: Statement) -> list[str]:
    return [name for kind, name in statement.principals if kind == "Service"]


def _of_this_account(statement: Statement) -> bool:
    """Whether a condition holds a service to this account (confused deputy)."""
    keys = {
        key.lower(): spelled(value)
        for operator, tests in statement.body.get("Condition", {}).items()
        if operator in {"ArnEquals", "ArnLike", "StringEquals", "StringLike"}
        for key, value in tests.items()
    }
    return any(key in keys and keys[key] != "*" for key in ("aws:sourceaccount", "aws:sourcearn"))


def functions_have_roles_of_their_own(template: Template) -> Iterator[str]:
    """A role that is written down, and that no other function has."""
    for deployment in deployments(template):
        taken: dict[str, str] = {}
        roles = deployment.of_type("AWS::IAM::Role")
        for name, function in deployment.functions.items():
            role = spelled(function["Properties"].get("Role", "none"))
            declared = re.fullmatch(r"\$\{(\w+)\.Arn\}", role)
            if not declared or declared[1] not in roles:
                yield deployment.tell(f"{name}: its role is {role}, not one of the template's")
            elif role in taken:
                yield deployment.tell(f"{name}: has the role of {taken[role]}")
            if "Policies" in function["Properties"]:
                yield deployment.tell(f"{name}: Policies beside the role")
            taken[role] = name


def no_role_is_passed_on(template: Template) -> Iterator[str]:
    """Who may pass a role on has that role's rights."""
    for deployment in deployments(template):
        for statement in rights(deployment):
            if statement.allows and (found := PASSING & set(statement.actions)):
                yield deployment.tell(f"{statement.where}: {', '.join(sorted(found))}")
