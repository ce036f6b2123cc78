"""The lines of a log that CloudWatch reads as metrics, read as it reads them."""

import json
from typing import Any

Line = dict[str, Any]


def lines(log: str) -> list[Line]:
    """All lines with metrics."""
    return [json.loads(line) for line in log.splitlines() if line.startswith('{"_aws"')]


def metrics(line: Line) -> dict[tuple[str, ...], tuple[float, str]]:
    """From (name, value of each dimension …) to value and unit.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    assert isinstance(line["_aws"]["Timestamp"], int)
    found: dict[tuple[str, ...], tuple[float, str]] = {}
    for directive in line["_aws"]["CloudWatchMetrics"]:
        assert directive["Namespace"] == "Verger"
        for dimensions in directive["Dimensions"]:
            values = [line[dimension] for dimension in dimensions]
            assert all(isinstance(value, str) and value for value in values)
            for metric in directive["Metrics"]:
                key = (metric["Name"], *values)
                assert key not in found
                found[key] = (line[metric["Name"]], metric["Unit"])
    return found
