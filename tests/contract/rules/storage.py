"""Where data rests: private, encrypted, reached by TLS alone, and for how long."""

import re
from collections.abc import Iterator
from typing import Any

from tests.contract.rules.deployments import Deployment, deployments
from tests.contract.rules.evaluation import Resource, Template
from tests.contract.rules.statements import Statement, grants, listed, rights, spelled

BUCKET, QUEUE, TOPIC = "AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SNS::Topic"
SERVICE = {BUCKET: "s3", QUEUE: "sqs", TOPIC: "sns"}
POLICY = {
    BUCKET: ("AWS::S3::BucketPolicy", "Bucket"),
    QUEUE: ("AWS::SQS::QueuePolicy", "Queues"),
    TOPIC: ("AWS::SNS::TopicPolicy", "Topics"),
}
BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
# SNS refuses a policy that says sns:*; these are all actions on a topic.
ALL_OF = {
    "s3": {"s3:*"},
    "sqs": {"sqs:*"},
    "sns": {
        "sns:AddPermission",
        "sns:DeleteTopic",
        "sns:GetTopicAttributes",
        "sns:ListSubscriptionsByTopic",
        "sns:Publish",
        "sns:RemovePermission",
        "sns:SetTopicAttributes",
        "sns:Subscribe",
    },
}
DAY_S = 86_400
LONGEST_RETENTION_S = 14 * DAY_S  # SQS


def buckets_are_private(template: Template) -> Iterator[str]:
    """All four blocks, and nobody's objects but the owner's."""
    for deployment in deployments(template):
        for name, bucket in deployment.of_type(BUCKET).items():
            properties = bucket["Properties"]
            blocks = properties.get("PublicAccessBlockConfiguration", {})
            for block in BLOCKS:
                if blocks.get(block) is not True:
                    yield deployment.tell(f"{name}: {block} is not on")
            rules = properties.get("OwnershipControls", {}).get("Rules", [{}])
            if any(rule.get("ObjectOwnership") != "BucketOwnerEnforced" for rule in rules):
                yield deployment.tell(f"{name}: access lists are allowed")
            if properties.keys() & {"AccessControl", "WebsiteConfiguration", "CorsConfiguration"}:
                yield deployment.tell(f"{name}: access list, website or other origins")


def data_rests_encrypted(template: Template) -> Iterator[str]:
    """By the key that is given where one is, else by a key that AWS manages."""
    for deployment in deployments(template):
        key = deployment.chosen.get("KmsKeyArn")
        for name, bucket in deployment.of_type(BUCKET).items():
            encryption = bucket["Properties"].get("BucketEncryption", {})
            rules = encryption.get("ServerSideEncryptionConfiguration", [])
            found = [rule.get("ServerSideEncryptionByDefault", {}) for rule in rules]
            if not found or not all(_encrypts(default, key) for default in found):
                yield deployment.tell(f"{name}: is not encrypted by {key or 'a key'}")
        for name, queue in deployment.of_type(QUEUE).items():
            of = queue["Properties"]
            if of.get("SqsManagedSseEnabled") is not True and not of.get("KmsMasterKeyId"):
                yield deployment.tell(f"{name}: is not encrypted")
        for name, own in deployment.of_type("AWS::KMS::Key").items():
            if own["Properties"].get("EnableKeyRotation") is not True:
                yield deployment.tell(f"{name}: is never changed")
        for name, topic in deployment.of_type(TOPIC).items():
            if not topic.get("Properties", {}).get("KmsMasterKeyId"):
                yield deployment.tell(f"{name}: is not encrypted")


def _encrypts(default: dict[str, Any], key: str | None) -> bool:
    if key:
        return default == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    return default.get("SSEAlgorithm") in {"AES256", "aws:kms", "aws:kms:dsse"}


def everything_comes_by_tls(template: Template) -> Iterator[str]:
    """A bucket, queue or topic refuses all that comes without, for it and for what is in it."""
    for deployment in deployments(template):
        statements = list(grants(deployment))
        for kind, service in SERVICE.items():
            for name in deployment.of_type(kind):
                policies = _policies(deployment, kind, name)
                denied = {
                    target.replace(f"${{{name}.Arn}}", f"${{{name}}}")
                    for statement in statements
                    if statement.where in policies and _refuses_plain(statement, service)
                    for target in statement.resources
                }
                wanted = {f"${{{name}}}"} | ({f"${{{name}}}/*"} if kind == BUCKET else set())
                if not wanted <= denied and "*" not in denied:
                    yield deployment.tell(f"{name}: is reached without TLS")


def _policies(deployment: Deployment, kind: str, name: str) -> set[str]:
    """The policies that are set on a resource."""
    policy_kind, key = POLICY[kind]
    return {
        policy
        for policy, content in deployment.of_type(policy_kind).items()
        if {"Ref": name} in listed(content["Properties"][key])
    }


def _refuses_plain(statement: Statement, service: str) -> bool:
    """Whether all is denied to everybody who comes without TLS."""
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    body = statement.body
    told = {
        "Bool": {k: str(v).lower() for k, v in body.get("Condition", {}).get("Bool", {}).items()}
    }
    return (
        body.get("Effect") == "Deny"
        and statement.principals == [("AWS", "*")]
        and set(statement.actions) >= ALL_OF[service]
        and body.get("Condition", {}).keys() == condition.keys()
        and told == condition
    )


def documents_expire(template: Template) -> Iterator[str]:
    """Every folder that anybody may write to, and uploads that nobody ends."""
    for deployment in deployments(template):
        for name, bucket in deployment.of_type(BUCKET).items():
            rules = [
                rule
                for rule in bucket["Properties"].get("LifecycleConfiguration", {}).get("Rules", [])
                if rule.get("Status") == "Enabled"
            ]
            expiring = [r.get("Prefix", "") for r in rules if r.get("ExpirationInDays", 0) > 0]
            for folder in sorted(_written(deployment, name)):
                if not any(folder.startswith(prefix) for prefix in expiring):
                    yield deployment.tell(f"{name}: {folder or 'all'} never expires")
            aborting = [r for r in rules if "Prefix" not in r or r["Prefix"] == ""]
            days = [
                rule["AbortIncompleteMultipartUpload"].get("DaysAfterInitiation", 0)
                for rule in aborting
                if "AbortIncompleteMultipartUpload" in rule
            ]
            if not any(0 < count <= 30 for count in days):
                yield deployment.tell(f"{name}: uploads that nobody ends stay")


def _written(deployment: Deployment, bucket: str) -> set[str]:
    """The folders of a bucket that a role may write to."""
    start = f"${{{bucket}.Arn}}/"
    return {
        resource.removeprefix(start).partition("*")[0]
        for statement in rights(deployment)
        if statement.allows and "s3:PutObject" in statement.actions
        for resource in statement.resources
        if resource.startswith(start)
    }


def erased_is_erased(template: Template) -> Iterator[str]:
    """No older versions, no locks and no copies of what was deleted."""
    keeping = ("VersioningConfiguration", "ObjectLockConfiguration", "ReplicationConfiguration")
    for deployment in deployments(template):
        for name, bucket in deployment.of_type(BUCKET).items():
            for key in keeping:
                if key in bucket["Properties"]:
                    yield deployment.tell(f"{name}: {key} keeps what is erased")


def queues_lose_nothing(template: Template) -> Iterator[str]:
    """A message is hidden for six timeouts, then set aside, and there as long as its document."""
    for deployment in deployments(template):
        queues = deployment.of_type(QUEUE)
        redrives = {n: q["Properties"].get("RedrivePolicy") for n, q in queues.items()}
        dead = {spelled(r["deadLetterTargetArn"]) for r in redrives.values() if r}
        shortest_s = min(_lifetimes_s(deployment), default=LONGEST_RETENTION_S)
        for name, queue in queues.items():
            kept_s = queue["Properties"].get("MessageRetentionPeriod", 4 * DAY_S)
            if not isinstance(kept_s, int) or kept_s > shortest_s:
                yield deployment.tell(f"{name}: a message outlives its document")
            elif kept_s < min(shortest_s, LONGEST_RETENTION_S):
                yield deployment.tell(f"{name}: a message goes before its document")
            if f"${{{name}.Arn}}" not in dead:
                if not redrives[name]:
                    yield deployment.tell(f"{name}: has no dead letters")
                yield from _hidden(deployment, name, queue)


def _lifetimes_s(deployment: Deployment) -> Iterator[int]:
    """How long documents live whose arrival is told to a queue."""
    for bucket in deployment.of_type(BUCKET).values():
        for rule in bucket["Properties"].get("LifecycleConfiguration", {}).get("Rules", []):
            if "ExpirationInDays" in rule and re.match("upload", rule.get("Prefix", "")):
                yield rule["ExpirationInDays"] * DAY_S


def _hidden(deployment: Deployment, name: str, queue: Resource) -> Iterator[str]:
    """Lambda asks for six times the function's timeout, for retries of its own."""
    visible_s = queue["Properties"].get("VisibilityTimeout", 30)
    for function_name, function in deployment.functions.items():
        for event in function["Properties"].get("Events", {}).values():
            if (
                event["Type"] != "SQS"
                or spelled(event["Properties"]["Queue"]) != f"${{{name}.Arn}}"
            ):
                continue
            timeout_s = function["Properties"].get("Timeout", 3)
            if not isinstance(visible_s, int) or visible_s < 6 * timeout_s:
                yield deployment.tell(
                    f"{name}: hides a message for {visible_s} s, {function_name} takes {timeout_s}"
                )
    if not isinstance(visible_s, int) or not 0 <= visible_s <= 43_200:
        yield deployment.tell(f"{name}: VisibilityTimeout {visible_s}")
