"""Facts as one line of JSON, which CloudWatch reads as metrics too (embedded metric format)."""

import json
import sys
from collections.abc import Callable, Mapping
from time import time
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics

from predict.telemetry.facts import Facts
from predict.telemetry.start import Function

_COUNTS = ("Requests", "Predictions", "Matrices", "Failures")
_DURATION = "DurationMs"
_FIELDS = (
    "request_id",
    "api_request_id",
    "route",
    "document",
    "outcome",
    "receives",
    "status",
    "reason",
    "matrices",
    "document_bytes",
    "answer_bytes",
    "duration_ms",
)
_encode = json.JSONEncoder(separators=(",", ":")).encode


def write(line: str) -> None:
    """To stdout, at once, where Lambda takes it from."""
    sys.stdout.write(line)
    sys.stdout.flush()


class Reporter:
    """Tells facts, each as one line.

    Args:
        cold_start_ms: what the start cost, as metrics; told with the first line.
    """

    def __init__(
        self,
        function: Function,
        cold_start_ms: Mapping[str, float],
        write: Callable[[str], None] = write,
    ) -> None:
        self._function = function
        self._cold_start_ms = cold_start_ms
        self._write = write
        # Once: Powertools takes longer for it than the rest of the line does.
        self._usual = {refused: self._metrics(refused) for refused in (False, True)}
        self._first = {refused: self._metrics(refused, *cold_start_ms) for refused in (False, True)}

    def report(self, facts: Facts) -> None:
        """One line."""
        start, self._cold_start_ms = self._cold_start_ms, {}
        refused = facts.is_refusal
        metrics = (self._first if start else self._usual)[refused]
        head = f'{{"_aws":{{"Timestamp":{int(time() * 1e3)},"CloudWatchMetrics":{metrics}}},'
        line: dict[str, Any] = {
            "service": self._function.service,
            "version": self._function.version,
            "cold_start": bool(start),
        }
        for name in _FIELDS:
            if (value := getattr(facts, name)) is not None:
                line[name] = value
        if facts.errors:
            line["errors"] = facts.errors
        if refused:
            line["Refusals"] = 1
        line["Requests"] = 1
        line["Predictions"] = int(facts.is_prediction)
        line["Matrices"] = facts.matrices
        line["Failures"] = int(facts.has_failed)
        line[_DURATION] = facts.duration_ms
        line.update(start)
        self._write(f"{head}{_encode(line)[1:]}\n")

    def _metrics(self, refused: bool, *of_start: str) -> str:
        """Which members of a line are metrics, of which dimensions: as JSON."""
        # Not Metrics, which shares what is added with all others of the process.
        function = self._function
        metrics = EphemeralMetrics(service=function.service, namespace=function.namespace)
        for name in _COUNTS:
            metrics.add_metric(name, "Count", 0)
        for name in (_DURATION, *of_start):
            metrics.add_metric(name, "Milliseconds", 0)
        sets: list[Any] = list(metrics.serialize_metric_set()["_aws"]["CloudWatchMetrics"])
        sets.append(self._set("version", "Failures"))
        if refused:
            sets.append(self._set("reason", "Refusals"))
        metrics.clear_metrics()
        return _encode(sets)

    def _set(self, dimension: str, count: str) -> dict[str, Any]:
        """A metric with one more dimension: Powertools would give it to all metrics of the line."""
        return {
            "Namespace": self._function.namespace,
            "Dimensions": [["service", dimension]],
            "Metrics": [{"Name": count, "Unit": "Count"}],
        }
