"""The documents: who reaches them, how long they are kept, and what starts the batch."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest
from moto import mock_aws

from predict.keys import NOTES, RESULTS, UPLOADS
from serving.settings import Storage
from tests.support.template import Stack, configure, deploy, functions

KEY = "arn:aws:kms:eu-west-3:123456789012:key/0a1b2c3d-0000-4000-8000-000000000000"
DAY_S = 86_400


@pytest.fixture
def stack(template: dict[str, Any]) -> Iterator[Stack]:
    with mock_aws():
        yield deploy(template, "eu-west-3")


@pytest.mark.parametrize(
    ("arn", "allowed"),
    [
        pytest.param("", True, id="none"),
        pytest.param(KEY, True, id="key"),
        pytest.param(KEY.replace("arn:aws:", "arn:aws-eusc:"), True, id="sovereign cloud"),
        pytest.param(KEY.replace("key/", "alias/"), False, id="alias"),
        pytest.param("*", False, id="anything"),
    ],
)
def test_key_is_named_by_its_arn(template: dict[str, Any], arn: str, allowed: bool) -> None:
    pattern = template["Parameters"]["KmsKeyArn"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, arn)) is allowed


def test_no_partition_is_written_down(root: Path) -> None:
    """The European Sovereign Cloud is a partition of its own."""
    for line in (root / "template.yaml").read_text().splitlines():
        assert "arn:aws" not in line or "AllowedPattern" in line, line


def denials(stack: Stack, policy: str) -> dict[str, Any]:
    statements = stack.properties[policy]["PolicyDocument"]["Statement"]
    denied = [s for s in statements if s["Effect"] == "Deny"]
    assert all(s["Principal"] == "*" for s in denied)
    return {json.dumps(s["Condition"]): (s["Action"], s["Resource"]) for s in denied}


def test_nobody_comes_without_tls(stack: Stack) -> None:
    bucket = f"arn:aws:s3:::{stack.outputs['Bucket']}"
    everything = ("s3:*", [bucket, f"{bucket}/*"])
    assert denials(stack, "DocumentsPolicy") == {
        '{"Bool": {"aws:SecureTransport": "false"}}': everything,
        '{"NumericLessThan": {"s3:TlsVersion": "1.2"}}': everything,
    }
    for policy, output in (("QueuePolicy", "Queue"), ("DeadLettersPolicy", "DeadLetters")):
        arn = attributes(stack, output)["QueueArn"]
        assert denials(stack, policy) == {
            '{"Bool": {"aws:SecureTransport": "false"}}': ("sqs:*", arn)
        }


def attributes(stack: Stack, output: str) -> dict[str, str]:
    answer = stack.client("sqs").get_queue_attributes(
        QueueUrl=stack.outputs[output], AttributeNames=["All"]
    )
    found: dict[str, str] = answer["Attributes"]
    return found


def test_only_the_bucket_puts_into_the_queue(stack: Stack) -> None:
    [allowed, _] = stack.properties["QueuePolicy"]["PolicyDocument"]["Statement"]
    assert allowed == {
        "Sid": "Uploads",
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": attributes(stack, "Queue")["QueueArn"],
        "Condition": {
            "ArnEquals": {"aws:SourceArn": f"arn:aws:s3:::{stack.outputs['Bucket']}"},
            "StringEquals": {"aws:SourceAccount": "123456789012"},
        },
    }
    for policy in ("DocumentsPolicy", "DeadLettersPolicy"):
        statements = stack.properties[policy]["PolicyDocument"]["Statement"]
        assert {s["Effect"] for s in statements} == {"Deny"}


def test_bucket_is_private_and_stays(template: dict[str, Any], stack: Stack) -> None:
    resource, bucket = template["Resources"]["Documents"], stack.properties["Documents"]
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resource["UpdateReplacePolicy"] == "Retain"
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert "VersioningConfiguration" not in bucket  # erased is erased


def test_bucket_name_is_one_that_s3_takes(stack: Stack) -> None:
    """Whatever the stack is called: here it has capitals."""
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", stack.outputs["Bucket"])


@pytest.mark.parametrize("key", ["", KEY])
@mock_aws
def test_documents_are_encrypted(template: dict[str, Any], key: str) -> None:
    stack = deploy(template, "eu-west-3", {"KmsKeyArn": key})
    [rule] = stack.properties["Documents"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    default = rule["ServerSideEncryptionByDefault"]
    iam = stack.client("iam")
    policies = {
        name
        for role in iam.list_roles()["Roles"]
        for name in iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
    }
    if key:
        assert default == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
        assert rule["BucketKeyEnabled"] is True
        assert policies == {"predict", "batch", "key"}
    else:
        assert default == {"SSEAlgorithm": "AES256"}
        assert policies == {"predict", "batch"}


def test_everything_expires(stack: Stack) -> None:
    rules = stack.properties["Documents"]["LifecycleConfiguration"]["Rules"]
    assert all(rule["Status"] == "Enabled" for rule in rules)
    days = {r["Prefix"]: int(r["ExpirationInDays"]) for r in rules if "Prefix" in r}
    assert days == {UPLOADS: 14, NOTES: 14, RESULTS: 30}
    [unfinished] = [r for r in rules if "Prefix" not in r]
    assert unfinished["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


def test_message_is_hidden_for_six_timeouts(template: dict[str, Any], stack: Stack) -> None:
    timeout = functions(template)["BatchFunction"]["Properties"]["Timeout"]["Ref"]
    allowed = template["Parameters"][timeout]["AllowedValues"]
    seconds = {key: v["Seconds"] for key, v in template["Mappings"]["VisibilityOfTimeout"].items()}
    assert seconds == {str(value): 6 * value for value in allowed}
    assert max(allowed) <= 900  # Lambda's limit
    default = template["Parameters"][timeout]["Default"]
    assert int(attributes(stack, "Queue")["VisibilityTimeout"]) == 6 * default == 1800


def test_message_does_not_outlive_its_document(template: dict[str, Any], stack: Stack) -> None:
    """Nor is one dropped while its document is there, as far as SQS goes."""
    allowed = template["Parameters"]["InputDays"]["AllowedValues"]
    kept = {key: v["Seconds"] for key, v in template["Mappings"]["RetentionOfDays"].items()}
    assert kept == {str(days): min(days, 14) * DAY_S for days in allowed}
    for queue in ("Queue", "DeadLetters"):
        retention = template["Resources"][queue]["Properties"]["MessageRetentionPeriod"]
        assert retention == {"Fn::FindInMap": ["RetentionOfDays", {"Ref": "InputDays"}, "Seconds"]}
        assert int(attributes(stack, queue)["MessageRetentionPeriod"]) == 14 * DAY_S
    alarm = stack.properties["QueueAgeAlarm"]
    assert int(alarm["Threshold"]) * 24 <= min(kept.values())  # somebody has the time to act


def test_dead_letters_are_of_this_queue(template: dict[str, Any], stack: Stack) -> None:
    queue, dead = attributes(stack, "Queue"), attributes(stack, "DeadLetters")
    redrive = json.loads(queue["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"] == dead["QueueArn"]
    assert int(redrive["maxReceiveCount"]) == Storage("any").max_receives
    assert stack.properties["DeadLetters"]["RedriveAllowPolicy"] == {
        "redrivePermission": "byQueue",
        "sourceQueueArns": [queue["QueueArn"]],
    }
    assert queue["SqsManagedSseEnabled"] == dead["SqsManagedSseEnabled"] == "true"
    variables = functions(template)["BatchFunction"]["Properties"]["Environment"]["Variables"]
    counted = template["Resources"]["Queue"]["Properties"]["RedrivePolicy"]["maxReceiveCount"]
    assert variables["MAX_RECEIVES"] == counted


def test_upload_arrives_in_the_queue_and_nothing_else_does(stack: Stack) -> None:
    configure(stack)
    s3, sqs = stack.client("s3"), stack.client("sqs")
    for key in (f"{RESULTS}a.json", f"{NOTES}a.json", f"{UPLOADS}a", "elsewhere"):
        s3.put_object(Bucket=stack.outputs["Bucket"], Key=key, Body=b"x")
    got = sqs.receive_message(QueueUrl=stack.outputs["Queue"], MaxNumberOfMessages=10)["Messages"]
    test, upload = sorted((json.loads(m["Body"]) for m in got), key=lambda body: "Records" in body)
    assert test["Event"] == "s3:TestEvent"  # S3 sends one when the notification is set up
    [record] = upload["Records"]
    assert unquote_plus(record["s3"]["object"]["key"]) == f"{UPLOADS}a"
    assert record["s3"]["bucket"]["name"] == stack.outputs["Bucket"]
