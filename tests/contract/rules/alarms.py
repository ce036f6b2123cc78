"""Alarms that can fire, that somebody hears, on all that goes wrong."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.contract.rules.deployments import Deployment, deployments
from tests.contract.rules.evaluation import Resource, Template
from tests.contract.rules.metrics import DIMENSIONS, OURS, Metric, asked, exists, highest
from tests.contract.rules.routes import answering
from tests.contract.rules.statements import grants, owner, spelled

ALARM = "AWS::CloudWatch::Alarm"
REFERS = {
    "FunctionName": ("AWS::Serverless::Function", "${%s}"),
    "ApiId": ("AWS::Serverless::HttpApi", "${%s}"),
    "QueueName": ("AWS::SQS::Queue", "${%s.QueueName}"),
    "LogGroupName": ("AWS::Logs::LogGroup", "${%s}"),
}
STATISTIC = re.compile(r"Sum|Average|Minimum|Maximum|SampleCount|p\d{1,2}(\.\d+)?")
QUIET = {
    "notBreaching",
    "breaching",
}  # "ignore" keeps what was, "missing" says that nothing is known
LONGEST_S = 86_400


def alarms(deployment: Deployment) -> Iterator[tuple[str, Resource, list[Metric]]]:
    """Every alarm with the metrics that it looks at."""
    for name, alarm in deployment.of_type(ALARM).items():
        yield name, alarm, list(asked(alarm))


def metrics_exist(template: Template) -> Iterator[str]:
    """A name, dimensions and a statistic that somebody sends; else the alarm never fires."""
    for deployment in deployments(template):
        for name, _, metrics in alarms(deployment):
            if not metrics:
                yield deployment.tell(f"{name}: looks at nothing")
            for metric in metrics:
                called = f"{metric.namespace} {metric.name}"
                if not exists(metric):
                    yield deployment.tell(f"{name}: nobody sends {called}")
                elif set(metric.dimensions) not in DIMENSIONS[metric.namespace]:
                    by = ", ".join(sorted(metric.dimensions)) or "nothing"
                    yield deployment.tell(f"{name}: nobody sends {called} by {by}")
                if not STATISTIC.fullmatch(metric.statistic):
                    yield deployment.tell(f"{name}: statistic {metric.statistic!r}")


def dimensions_are_of_the_stack(template: Template) -> Iterator[str]:
    """An alarm on a function, a queue or an API that is not there never fires."""
    for deployment in deployments(template):
        for name, _, metrics in alarms(deployment):
            for metric in metrics:
                for dimension, value in metric.dimensions.items():
                    if not is_there(deployment, metric, dimension, value):
                        told = f"{dimension} {spelled(value)}"
                        yield deployment.tell(f"{name}: {told} is nothing of the stack")


def is_there(deployment: Deployment, metric: Metric, dimension: str, value: Any) -> bool:
    """Whether the value of a metric's dimension is something of the stack."""
    text = spelled(value)
    if dimension in REFERS:
        kind, form = REFERS[dimension]
        return text in {form % name for name in deployment.of_type(kind)}
    if dimension == "Stage":
        return text == "$default"
    if dimension == "Resource":
        return text in {f"${{{name}}}:live" for name in deployment.functions}
    if dimension in {"version", "ExecutedVersion"}:  # a number: an ARN is not one
        return text in {f"${{{name}.Version.Version}}" for name in deployment.functions}
    if dimension == "service":
        return text in services(deployment, metric.namespace)
    return dimension == "reason"


def services(deployment: Deployment, namespace: str) -> dict[str, str]:
    """The functions by the name under which they send their metrics to a namespace."""
    found = {}
    for name, function in deployment.functions.items():
        variables = function["Properties"].get("Environment", {}).get("Variables", {})
        if variables.get("POWERTOOLS_METRICS_NAMESPACE") == namespace:
            found[spelled(variables.get("POWERTOOLS_SERVICE_NAME"))] = name
    return found


def somebody_hears(template: Template) -> Iterator[str]:
    """Every alarm goes to a topic, whose policy and key let CloudWatch in, and on to a person."""
    for deployment in deployments(template):
        topics = {f"${{{name}}}" for name in deployment.of_type("AWS::SNS::Topic")}
        for name, alarm, _ in alarms(deployment):
            actions = [spelled(action) for action in alarm["Properties"].get("AlarmActions", [])]
            if not actions or not set(actions) <= topics:
                yield deployment.tell(f"{name}: tells nobody")
            if alarm["Properties"].get("ActionsEnabled", True) is not True:
                yield deployment.tell(f"{name}: its actions are off")
        for name, topic in deployment.of_type("AWS::SNS::Topic").items():
            key = topic.get("Properties", {}).get("KmsMasterKeyId")
            if key and not {"kms:Decrypt", "kms:GenerateDataKey"} <= _lets_in(
                deployment, owner(key)
            ):
                yield deployment.tell(f"{name}: CloudWatch may not use its key {spelled(key)}")
            policies = {
                policy
                for policy, content in deployment.of_type("AWS::SNS::TopicPolicy").items()
                if {"Ref": name} in content["Properties"]["Topics"]
            }
            allowed = set().union(*(_lets_in(deployment, policy) for policy in policies))
            if policies and "sns:Publish" not in allowed:
                yield deployment.tell(f"{name}: CloudWatch may not tell it anything")
            if email := deployment.chosen.get("AlarmEmail"):
                subscriptions = deployment.of_type("AWS::SNS::Subscription").values()
                told = [s["Properties"] for s in subscriptions]
                told += topic.get("Properties", {}).get("Subscription", [])
                if not any(one.get("Endpoint") == email for one in told):
                    yield deployment.tell(f"{name}: nothing goes to the person named")


def _lets_in(deployment: Deployment, where: str) -> set[str]:
    """What a policy on a resource allows to CloudWatch."""
    return {
        action
        for statement in grants(deployment)
        if statement.where == where
        and statement.allows
        and ("Service", "cloudwatch.amazonaws.com") in statement.principals
        for action in statement.actions
    }


def silence_is_decided_on(template: Template) -> Iterator[str]:
    """What an alarm says when nobody uses the service."""
    for deployment in deployments(template):
        for name, alarm, _ in alarms(deployment):
            treated = alarm["Properties"].get("TreatMissingData", "not said")
            if treated not in QUIET:
                yield deployment.tell(f"{name}: TreatMissingData is {treated}")


def alarms_can_fire(template: Template) -> Iterator[str]:
    """And can be quiet: periods that CloudWatch takes, a threshold between what is possible."""
    for deployment in deployments(template):
        for name, alarm, metrics in alarms(deployment):
            of = alarm["Properties"]
            periods = of.get("EvaluationPeriods", 0)
            if not 1 <= of.get("DatapointsToAlarm", periods) <= periods:
                yield deployment.tell(f"{name}: {periods} periods can never be enough")
            for metric in metrics:
                if not _period(metric, periods):
                    yield deployment.tell(f"{name}: period of {metric.period_s} s")
                if "MetricName" in of and not _crossed(of, highest(metric)):
                    yield deployment.tell(
                        f"{name}: {of.get('Threshold')} is never crossed, or always"
                    )


def _period(metric: Metric, periods: int) -> bool:
    """AWS's own metrics come once a minute; a period below is for those of high resolution."""
    period = metric.period_s
    return isinstance(period, int) and (
        period >= 60 and period % 60 == 0 and period * periods <= LONGEST_S
    )


def _crossed(alarm: dict[str, Any], most: float) -> bool:
    threshold = alarm.get("Threshold")
    if not isinstance(threshold, int | float) or isinstance(threshold, bool):
        return False
    between = {
        "GreaterThanThreshold": 0 <= threshold < most,
        "GreaterThanOrEqualToThreshold": 0 < threshold <= most,
        "LessThanThreshold": 0 < threshold <= most,
        "LessThanOrEqualToThreshold": 0 <= threshold < most,
    }
    return between.get(str(alarm.get("ComparisonOperator")), False) and threshold != float("inf")


@dataclass(frozen=True)
class Watched:
    """What an alarm looks at, of which resource."""

    of: str
    metric: str
    by: frozenset[str]  # the names of the dimensions
    statistic: str


def watched(deployment: Deployment) -> dict[str, set[Watched]]:
    """What each alarm looks at; a metric of a function at its version is of both."""
    found: dict[str, set[Watched]] = {}
    for name, _, metrics in alarms(deployment):
        found[name] = set()
        for metric in metrics:
            known = services(deployment, metric.namespace)
            for value in metric.dimensions.values():
                of = known.get(spelled(value), owner(value))
                called, by = f"{metric.namespace} {metric.name}", frozenset(metric.dimensions)
                found[name].add(Watched(of, called, by, metric.statistic))
    return found


def all_that_goes_wrong_is_watched(template: Template) -> Iterator[str]:
    """Failures, latency, throttles, dead letters and a queue that nobody works on."""
    for deployment in deployments(template):
        seen = [one for several in watched(deployment).values() for one in several]
        for of, metric, by in _wanted(deployment):
            if not any(
                (one.of, one.metric) == (of, metric)
                and (by is None or one.by == {by})
                and ("Latency" not in metric or re.match(r"p9[0-9]", one.statistic))
                for one in seen
            ):
                yield deployment.tell(f"{of}: no alarm on {metric}")


def _wanted(deployment: Deployment) -> Iterator[tuple[str, str, str | None]]:
    """(resource, metric, the one dimension it is looked at by; None for any)."""
    for api in deployment.of_type("AWS::Serverless::HttpApi"):
        yield api, "AWS/ApiGateway 5xx", None
        yield api, "AWS/ApiGateway Latency", None
    for name, function in deployment.functions.items():
        events = {event["Type"] for event in function["Properties"].get("Events", {}).values()}
        if name in answering(deployment) or "SQS" in events:
            yield name, "AWS/Lambda Throttles", "FunctionName"
            yield name, "AWS/Lambda Errors", None
            yield name, f"{OURS} Failures", "service"
    for name, queue in deployment.of_type("AWS::SQS::Queue").items():
        if redrive := queue["Properties"].get("RedrivePolicy"):
            dead = owner(redrive["deadLetterTargetArn"])
            yield name, "AWS/SQS ApproximateAgeOfOldestMessage", None
            yield dead, "AWS/SQS ApproximateNumberOfMessagesVisible", None


def rollback_looks_at_the_new_version(template: Template) -> Iterator[str]:
    """At it alone, and at what Lambda takes for a success: an answer of 500."""
    for deployment in deployments(template):
        seen = watched(deployment)
        for name, function in deployment.functions.items():
            taking = function["Properties"].get("DeploymentPreference", {}).get("Alarms", [])
            for alarm in map(owner, taking):
                if not all(one.by & {"version", "ExecutedVersion"} for one in seen.get(alarm, [])):
                    yield deployment.tell(f"{name}: {alarm} looks at all versions")
            looked = set().union(*(seen.get(owner(alarm), set()) for alarm in taking))
            failures = (one for one in looked if one.metric == f"{OURS} Failures")
            if name in answering(deployment) and not any("version" in one.by for one in failures):
                yield deployment.tell(f"{name}: no alarm on failures of the new version")
