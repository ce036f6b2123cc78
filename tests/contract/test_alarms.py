"""What is told to whom when something is wrong: alarms, their topic, the dashboard, the budget."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from tests.support.template import Stack, Template, deploy

CLOUDWATCH = {"Service": "cloudwatch.amazonaws.com"}
ALARM = "AWS::CloudWatch::Alarm"
OF_THIS_ACCOUNT = {
    "ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:eu-west-3:123456789012:alarm:*"},
    "StringEquals": {"aws:SourceAccount": "123456789012"},
}
MAILED = {"AlarmEmail": "operators@example.org", "MonthlyBudgetUsd": "50"}
API = {"ApiId": {"Ref": "Api"}}
PREDICT, BATCH = "PredictFunction", "BatchFunction"


def of(function: str) -> dict[str, Any]:
    return {"FunctionName": {"Ref": function}}


def service(name: str) -> dict[str, Any]:
    return {"service": {"Fn::Sub": f"${{AWS::StackName}}-{name}"}}


def alias(function: str) -> dict[str, Any]:
    return of(function) | {"Resource": {"Fn::Sub": f"${{{function}}}:live"}}


def version(name: str, function: str = PREDICT) -> dict[str, Any]:
    return {name: {"Fn::GetAtt": [function, "Version.Version"]}}


# Alarm → its metric and what it looks at, as AWS and the functions emit them.
METRICS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "ApiFailuresAlarm": ("AWS/ApiGateway", "5xx", API),
    "ApiLatencyAlarm": ("AWS/ApiGateway", "Latency", API),
    "ThrottlesAlarm": ("AWS/Lambda", "Throttles", of(PREDICT)),
    "BatchThrottlesAlarm": ("AWS/Lambda", "Throttles", of(BATCH)),
    "BatchErrorsAlarm": ("AWS/Lambda", "Errors", of(BATCH)),
    "FailuresAlarm": ("Verger", "Failures", service("predict")),
    "BatchFailuresAlarm": ("Verger", "Failures", service("batch")),
    "DeadLettersAlarm": (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        {"QueueName": {"Fn::GetAtt": ["DeadLetters", "QueueName"]}},
    ),
    "QueueAgeAlarm": (
        "AWS/SQS",
        "ApproximateAgeOfOldestMessage",
        {"QueueName": {"Fn::GetAtt": ["Queue", "QueueName"]}},
    ),
    "CanaryFailuresAlarm": ("Verger", "Failures", service("predict") | version("version")),
    "BatchCanaryFailuresAlarm": (
        "Verger",
        "Failures",
        service("batch") | version("version", BATCH),
    ),
    "CanaryErrorsAlarm": ("AWS/Lambda", "Errors", alias(PREDICT) | version("ExecutedVersion")),
    "BatchCanaryErrorsAlarm": (
        "AWS/Lambda",
        "Errors",
        alias(BATCH) | version("ExecutedVersion", BATCH),
    ),
}


@pytest.fixture(scope="module")
def stack(template: Template) -> Iterator[Stack]:
    with mock_aws():
        yield deploy(template, "eu-west-3", MAILED)


def alarms(template: Template) -> dict[str, dict[str, Any]]:
    return {n: r["Properties"] for n, r in template["Resources"].items() if r["Type"] == ALARM}


def test_alarms_look_at_metrics_that_there_are(template: Template) -> None:
    found = {
        name: (
            alarm["Namespace"],
            alarm["MetricName"],
            {d["Name"]: d["Value"] for d in alarm["Dimensions"]},
        )
        for name, alarm in alarms(template).items()
    }
    assert found == METRICS


@pytest.mark.parametrize("name", METRICS)
def test_alarm_is_told_and_says_what_to_do(template: Template, name: str) -> None:
    alarm = alarms(template)[name]
    assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlarmTopic"}]
    assert alarm.get("ActionsEnabled", True)
    # No request is no failure: an idle service is well.
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm.keys() & {"Statistic", "ExtendedStatistic"}
    assert alarm["AlarmDescription"].endswith(" See docs/operations/alarms.md.")
    assert 100 < len(alarm["AlarmDescription"]) <= 1024
    assert alarm["Period"] * alarm["EvaluationPeriods"] <= 900  # known within a quarter of an hour


def test_latency_is_that_of_95_of_100(template: Template) -> None:
    alarm = alarms(template)["ApiLatencyAlarm"]
    assert alarm["ExtendedStatistic"] == "p95"
    assert alarm["Threshold"] == {"Ref": "LatencyAlarmMs"}
    assert (
        template["Parameters"]["LatencyAlarmMs"]["MaxValue"] == 29_000
    )  # then API Gateway ends it


def test_only_alarms_of_this_account_are_told(stack: Stack) -> None:
    policy = stack.properties["AlarmTopicPolicy"]
    [topic] = policy["Topics"]
    allowed, denied = policy["PolicyDocument"]["Statement"]
    assert topic == stack.outputs["AlarmTopic"]
    assert allowed == {
        "Sid": "Alarms",
        "Effect": "Allow",
        "Principal": CLOUDWATCH,
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": OF_THIS_ACCOUNT,
    }
    assert denied["Effect"] == "Deny"
    assert denied["Principal"] == "*"
    assert {"sns:Publish", "sns:Subscribe"} < set(denied["Action"])
    assert all("*" not in action for action in denied["Action"])  # SNS refuses sns:*
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_topic_has_a_key_that_cloudwatch_may_use(stack: Stack) -> None:
    """Not so the key that SNS has by itself: alarms would be lost without a word."""
    [described] = stack.client("kms").list_keys()["Keys"]
    attributes = stack.client("sns").get_topic_attributes(TopicArn=stack.outputs["AlarmTopic"])
    assert described["KeyId"] in attributes["Attributes"]["KmsMasterKeyId"]
    administration, use = stack.properties["AlarmKey"]["KeyPolicy"]["Statement"]
    assert administration["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    assert use["Principal"] == CLOUDWATCH
    assert set(use["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert use["Condition"] == OF_THIS_ACCOUNT
    assert stack.properties["AlarmKey"]["EnableKeyRotation"] is True


def test_mail_goes_to_who_is_named(template: Template, stack: Stack) -> None:
    assert stack.properties["AlarmMail"] == {
        "TopicArn": stack.outputs["AlarmTopic"],
        "Protocol": "email",
        "Endpoint": "operators@example.org",
    }
    assert template["Resources"]["AlarmMail"]["Condition"] == "Mailed"


def test_budget_tells_before_it_is_used_up(template: Template, stack: Stack) -> None:
    assert template["Resources"]["Budget"]["Condition"] == "Budgeted"
    budget = stack.properties["Budget"]
    assert budget["Budget"]["BudgetLimit"] == {"Amount": "50", "Unit": "USD"}
    told = {
        (n["Notification"]["NotificationType"], int(n["Notification"]["Threshold"]))
        for n in budget["NotificationsWithSubscribers"]
    }
    assert told == {("ACTUAL", 80), ("FORECASTED", 100)}
    for notification in budget["NotificationsWithSubscribers"]:
        [reader] = notification["Subscribers"]
        assert reader == {"SubscriptionType": "EMAIL", "Address": "operators@example.org"}


@pytest.fixture(scope="module")
def widgets(template: Template) -> list[dict[str, Any]]:
    """Of the dashboard, with every variable named, but numbers where they stand without quotes."""
    text = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    text = text.replace("${LatencyAlarmMs}", "3000").replace("${!", "$!{")
    found: list[dict[str, Any]] = json.loads(text)["widgets"]
    return found


def test_dashboard_shows_what_an_operator_asks_first(widgets: list[dict[str, Any]]) -> None:
    shown = {
        metric[1]
        for widget in widgets
        for metric in widget["properties"]["metrics"]
        if isinstance(metric[0], str)
    }
    assert shown >= {
        "Requests",
        "Predictions",
        "Matrices",
        "Failures",
        "Latency",
        "ColdStartMs",
        "ConcurrentExecutions",
        "Throttles",
        "Duration",
        "ApproximateNumberOfMessagesVisible",
        "ApproximateAgeOfOldestMessage",
    }
    expressions = json.dumps(widgets)
    assert 'MetricName=\\"Refusals\\"' in expressions
    assert "'Dim.reason'" in expressions  # each reason by its name
    latency = next(w for w in widgets if "Latency" in w["properties"]["title"])
    assert {m[-1]["stat"] for m in latency["properties"]["metrics"]} == {"p50", "p95", "p99"}


def test_dashboard_fits_its_grid_without_overlap(widgets: list[dict[str, Any]]) -> None:
    taken: set[tuple[int, int]] = set()
    for w in widgets:
        xs, ys = range(w["x"], w["x"] + w["width"]), range(w["y"], w["y"] + w["height"])
        assert max(xs) < 24
        cells = {(x, y) for x in xs for y in ys}
        assert not cells & taken, w["properties"]["title"]
        taken |= cells
        assert w["properties"]["region"] == "${AWS::Region}"


def test_alarm_names_in_descriptions_exist(template: Template) -> None:
    names = set(template["Resources"]) | set(template["Parameters"])
    for name, alarm in alarms(template).items():
        mentioned = re.findall(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)+\b", alarm["AlarmDescription"])
        assert set(mentioned) <= names, name
