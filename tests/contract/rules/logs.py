"""What is logged, where, for how long, and what of it names nobody."""

import re
from collections.abc import Iterator
from typing import Any

from tests.contract.rules.deployments import Deployment, deployments
from tests.contract.rules.evaluation import Template
from tests.contract.rules.statements import may, owner, spelled

GROUP = "AWS::Logs::LogGroup"
LONGEST_DAYS = 400
WRITING = {"logs:CreateLogStream", "logs:PutLogEvents"}
# What an access log may say: no path (it holds names of documents), no address, no caller, no
# claim of a token, no header.
TOLD = {
    "requestId",
    "extendedRequestId",
    "requestTime",
    "requestTimeEpoch",
    "httpMethod",
    "routeKey",
    "protocol",
    "stage",
    "apiId",
    "status",
    "responseLength",
    "responseLatency",
    "dataProcessed",
    "integrationLatency",
    "integrationStatus",
    "integration.latency",
    "integration.status",
    "integration.integrationStatus",
    "integration.requestId",
    # API Gateway's own words, of the integration and of the token's form.
    "authorizer.error",
    "error.responseType",
    "integrationErrorMessage",
}


def logs_expire(template: Template) -> Iterator[str]:
    """A group without retention is kept for ever."""
    for deployment in deployments(template):
        for name, group in deployment.of_type(GROUP).items():
            days = group.get("Properties", {}).get("RetentionInDays", 0)
            if not 0 < days <= LONGEST_DAYS:
                yield deployment.tell(f"{name}: is kept for {days or 'ever'}")


def functions_log_where_it_is_declared(template: Template) -> Iterator[str]:
    """Lambda's own groups have no retention; the role may write to its own group alone."""
    for deployment in deployments(template):
        groups = {f"${{{name}}}" for name in deployment.of_type(GROUP)}
        for name, function in deployment.functions.items():
            group = spelled(function["Properties"].get("LoggingConfig", {}).get("LogGroup"))
            role = owner(function["Properties"].get("Role"))
            if group not in groups:
                yield deployment.tell(f"{name}: logs to {group}, not to a declared group")
            elif not may(deployment, role, on=f"${{{owner(group)}.Arn}}") >= WRITING:
                yield deployment.tell(f"{name}: its role may not write to {group}")


def access_is_logged(template: Template) -> Iterator[str]:
    """Every API, to a declared group."""
    for deployment in deployments(template):
        for name, settings in _access(deployment):
            group = re.search(r"\$\{(\w+)(\.Arn)?\}$", spelled(settings.get("DestinationArn")))
            if group is None or group[1] not in deployment.of_type(GROUP):
                yield deployment.tell(f"{name}: access is not logged to a declared group")
            elif not re.search(r"\$context\.requestId", str(settings.get("Format", ""))):
                yield deployment.tell(f"{name}: the format of the access log has no request id")


def access_logs_name_nobody(template: Template) -> Iterator[str]:
    """Fields that identify neither a person nor a document."""
    for deployment in deployments(template):
        for name, settings in _access(deployment):
            named = re.findall(r"\$context\.([\w.-]+)", str(settings.get("Format", "")))
            for field in sorted(set(named) - TOLD):
                yield deployment.tell(f"{name}: the access log has $context.{field}")


def _access(deployment: Deployment) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in ("AWS::Serverless::HttpApi", "AWS::ApiGatewayV2::Stage"):
        for name, stage in deployment.of_type(kind).items():
            yield name, stage["Properties"].get("AccessLogSettings", {})
