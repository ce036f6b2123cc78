"""The metrics that there are: AWS's by their documentation, ours by our source."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.contract.rules.evaluation import Resource

SOURCE = Path(__file__).parents[3] / "functions/predict"
INFINITE = float("inf")
OURS = "Verger"
LONGEST_ANSWER_MS = 30_000  # an HTTP API gives up then


@dataclass(frozen=True)
class Metric:
    """One metric as an alarm asks for it."""

    namespace: str
    name: str
    dimensions: dict[str, Any]
    statistic: str
    period_s: Any


# What is measured → the most that one measurement can be.
LAMBDA = {
    "Invocations": 1.0,
    "Errors": 1.0,
    "Throttles": 1.0,
    "Duration": 900_000.0,
    "PostRuntimeExtensionsDuration": INFINITE,
    "ConcurrentExecutions": INFINITE,
    "UnreservedConcurrentExecutions": INFINITE,
    "ProvisionedConcurrentExecutions": INFINITE,
    "ProvisionedConcurrencyInvocations": 1.0,
    "ProvisionedConcurrencySpilloverInvocations": 1.0,
    "ProvisionedConcurrencyUtilization": 1.0,
    "DeadLetterErrors": 1.0,
    "RecursiveInvocationsDropped": 1.0,
    "AsyncEventsReceived": 1.0,
    "AsyncEventAge": INFINITE,
    "AsyncEventsDropped": 1.0,
}
HTTP_API = {
    "4xx": 1.0,
    "5xx": 1.0,
    "Count": 1.0,
    "IntegrationLatency": LONGEST_ANSWER_MS,
    "Latency": LONGEST_ANSWER_MS,
    "DataProcessed": INFINITE,
}
SQS = dict.fromkeys(
    [
        "ApproximateAgeOfOldestMessage",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesVisible",
        "NumberOfEmptyReceives",
        "NumberOfMessagesDeleted",
        "NumberOfMessagesReceived",
        "NumberOfMessagesSent",
        "SentMessageSize",
    ],
    INFINITE,
)
LOGS = {"IncomingBytes": INFINITE, "IncomingLogEvents": INFINITE}
AWS = {"AWS/Lambda": LAMBDA, "AWS/ApiGateway": HTTP_API, "AWS/SQS": SQS, "AWS/Logs": LOGS}
DIMENSIONS = {
    "AWS/Lambda": [
        {"FunctionName"},
        {"FunctionName", "Resource"},
        {"FunctionName", "Resource", "ExecutedVersion"},
    ],
    "AWS/ApiGateway": [{"ApiId"}, {"ApiId", "Stage"}],
    "AWS/SQS": [{"QueueName"}],
    "AWS/Logs": [{"LogGroupName"}],
    OURS: [{"service"}, {"service", "reason"}, {"service", "version"}],
}


@cache
def sent() -> frozenset[str]:
    """All names that our source can send: its texts, and those that it puts together of them."""
    nodes = [n for path in SOURCE.rglob("*.py") for n in ast.walk(ast.parse(path.read_text()))]
    texts = {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    words = {text for text in texts if re.fullmatch(r"[A-Z][A-Za-z]+", text)}
    framed = [_frame(n) for n in nodes if isinstance(n, ast.JoinedStr)]
    return frozenset(words | {f"{a}{word}{b}" for a, b in filter(None, framed) for word in words})


def _frame(node: ast.JoinedStr) -> tuple[str, str] | None:
    """The texts around one value: f"ColdStart{name}Ms" → ("ColdStart", "Ms")."""
    parts = [p.value if isinstance(p, ast.Constant) else None for p in node.values]
    match parts:
        case [str(before), None, str(after)] if before.isalpha() and after.isalpha():
            return before, after
    return None


def exists(metric: Metric) -> bool:
    """Whether anybody sends a metric of that name."""
    return metric.name in (sent() if metric.namespace == OURS else AWS.get(metric.namespace, {}))


def highest(metric: Metric) -> float:
    """What the metric's statistic can be at most."""
    if metric.statistic in {"Sum", "SampleCount"}:
        return INFINITE
    if metric.namespace == OURS:
        return INFINITE if metric.name.endswith("Ms") or metric.name == "Matrices" else 1.0
    return AWS.get(metric.namespace, {}).get(metric.name, INFINITE)


def asked(alarm: Resource) -> Iterator[Metric]:
    """The metrics that an alarm looks at: one, or several in an expression."""
    of = alarm["Properties"]
    if "MetricName" in of:
        yield _metric(of, of, of.get("Statistic", of.get("ExtendedStatistic", "")))
    for query in of.get("Metrics", []):
        if stat := query.get("MetricStat"):
            yield _metric(stat["Metric"], stat, stat.get("Stat", ""))


def _metric(named: dict[str, Any], measured: dict[str, Any], statistic: str) -> Metric:
    dimensions = {d["Name"]: d["Value"] for d in named.get("Dimensions", [])}
    name, namespace = named.get("MetricName", ""), named.get("Namespace", "")
    return Metric(namespace, name, dimensions, statistic, measured.get("Period"))
