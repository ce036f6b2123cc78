"""What a dashboard shows is there to be shown."""

import json
from collections.abc import Iterator
from typing import Any

from tests.contract.rules.alarms import is_there
from tests.contract.rules.deployments import deployments
from tests.contract.rules.evaluation import Resource, Template
from tests.contract.rules.metrics import DIMENSIONS, Metric, exists
from tests.contract.rules.statements import spelled


def dashboards_show_what_there_is(template: Template) -> Iterator[str]:
    """Metrics that somebody sends, of this stack, in a document that can be read."""
    for deployment in deployments(template):
        for name, dashboard in deployment.of_type("AWS::CloudWatch::Dashboard").items():
            try:
                metrics = list(_shown(dashboard))
            except ValueError as error:
                yield deployment.tell(f"{name}: no JSON: {error}")
                continue
            for metric in metrics:
                called = f"{metric.namespace} {metric.name}"
                if not exists(metric) or set(metric.dimensions) not in DIMENSIONS[metric.namespace]:
                    by = ", ".join(metric.dimensions)
                    yield deployment.tell(f"{name}: nobody sends {called} by {by}")
                for dimension, value in metric.dimensions.items():
                    if not is_there(deployment, metric, dimension, value):
                        yield deployment.tell(f"{name}: {called} of {value}, nothing of the stack")


def _shown(dashboard: Resource) -> Iterator[Metric]:
    """["namespace", "name", "dimension", "value", …, {how it is drawn}] of every widget."""
    body: Any = json.loads(spelled(dashboard["Properties"]["DashboardBody"]))
    for widget in body["widgets"]:
        for row in widget["properties"].get("metrics", []):
            named = [part for part in row if isinstance(part, str)]
            if len(named) >= 2:
                pairs = dict(zip(named[2::2], named[3::2], strict=True))
                yield Metric(named[0], named[1], pairs, "", None)
