"""The functions: within Lambda's limits, traced, and replaced step by step."""

import re
from collections.abc import Iterator
from typing import Any

from tests.contract.rules.deployments import Deployment, deployments
from tests.contract.rules.evaluation import Resource, Template
from tests.contract.rules.routes import answering
from tests.contract.rules.statements import listed, may, owner, spelled

MEMORY_MB = (128, 10_240)
STORAGE_MB = (512, 10_240)
LONGEST_S = 900
LONGEST_ANSWER_S = 30  # an HTTP API gives up
MOST_PROVISIONED = 1_000
SECRET = re.compile(r"SECRET|PASSW|TOKEN|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY", re.IGNORECASE)
TRACE = "xray:PutTraceSegments"
HOOK_REPORT = "codedeploy:PutLifecycleEventHookExecutionStatus"
HOOK_PREFIX = "CodeDeployHook_"  # what the role that SAM makes for CodeDeploy may invoke
STEPS = re.compile(r"(Canary10Percent(5|10|15|30)Minutes|Linear10PercentEvery(1|2|3|10)Minutes?)")


def functions_are_within_limits(template: Template) -> Iterator[str]:
    """Memory and time-outs as Lambda and API Gateway take them, whatever parameters say."""
    for deployment in deployments(template):
        for name, function in deployment.functions.items():
            of = function["Properties"]
            memory, timeout_s = of.get("MemorySize", 128), of.get("Timeout", 3)
            storage = of.get("EphemeralStorage", {}).get("Size", 512)
            if not _within(memory, MEMORY_MB):
                yield deployment.tell(f"{name}: memory of {memory} MB")
            if not _within(storage, STORAGE_MB):
                yield deployment.tell(f"{name}: /tmp of {storage} MB")
            longest_s = LONGEST_ANSWER_S if name in answering(deployment) else LONGEST_S
            if not _within(timeout_s, (1, longest_s)):
                yield deployment.tell(f"{name}: time-out of {timeout_s} s")
            for event in of.get("Events", {}).values():
                scaling = event["Properties"].get("ScalingConfig", {})
                if event["Type"] == "SQS" and not _within(
                    scaling.get("MaximumConcurrency", 0), (2, 1_000)
                ):
                    yield deployment.tell(f"{name}: takes all concurrency from the others")


def _within(value: Any, limits: tuple[int, int]) -> bool:
    return isinstance(value, int) and limits[0] <= value <= limits[1]


def functions_are_images(template: Template) -> Iterator[str]:
    """One image for all, of the processor that its wheels are locked for."""
    for deployment in deployments(template):
        built = {str(function.get("Metadata")) for function in deployment.functions.values()}
        if len(built) != 1:
            yield deployment.tell("functions: are not all of one image")
        for name, function in deployment.functions.items():
            of = function["Properties"]
            if of.get("PackageType") != "Image":
                yield deployment.tell(f"{name}: is not an image")
            if of.get("Architectures") != ["x86_64"]:
                yield deployment.tell(f"{name}: Architectures {of.get('Architectures')}")


def functions_are_traced(template: Template) -> Iterator[str]:
    """Tracing is said, and where it is on the role may send."""
    for deployment in deployments(template):
        for name, function in deployment.functions.items():
            if name in hooks(deployment):
                continue
            of = function["Properties"]
            tracing = of.get("Tracing")
            if tracing not in {"Active", "PassThrough"}:
                yield deployment.tell(f"{name}: Tracing is {tracing}")
            if tracing == "Active" and TRACE not in may(deployment, owner(of.get("Role"))):
                yield deployment.tell(f"{name}: its role may not send traces")


def hooks(deployment: Deployment) -> set[str]:
    """The functions that look at a version before it gets requests; they take none themselves."""
    return set().union(*(_checks(function) for function in deployment.functions.values()))


def _checks(function: Resource) -> set[str]:
    return {owner(hook) for hook in _preference(function).get("Hooks", {}).values()}


def _preference(function: Resource) -> dict[str, Any]:
    found: dict[str, Any] = function["Properties"].get("DeploymentPreference", {})
    return found


def functions_are_replaced_in_steps(template: Template) -> Iterator[str]:
    """An alias, a check before the first request, and alarms that take a version back."""
    for deployment in deployments(template):
        checking = hooks(deployment)
        for name, function in deployment.functions.items():
            if name in checking:
                continue
            if function["Properties"].get("AutoPublishAlias") != "live":
                yield deployment.tell(f"{name}: has no alias live")
            preference = _preference(function)
            if preference.get("Enabled", True) is not True or not preference.get("Type"):
                yield deployment.tell(f"{name}: is replaced at once and for good")
            elif not deployment.chosen and not STEPS.fullmatch(str(preference["Type"])):
                yield deployment.tell(f"{name}: is replaced at once by default")
            alarms = [owner(alarm) for alarm in listed(preference.get("Alarms", []))]
            if not alarms:
                yield deployment.tell(f"{name}: no alarm takes a version back")
            for alarm in alarms:
                found = deployment.resources.get(alarm, {}).get("Type", "nothing")
                if found not in {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"}:
                    yield deployment.tell(f"{name}: {alarm} takes a version back, and is {found}")
            if "PreTraffic" not in preference.get("Hooks", {}):
                yield deployment.tell(f"{name}: no check before the first request")


def checks_can_report(template: Template) -> Iterator[str]:
    """CodeDeploy may invoke a check, which may answer: it waits an hour for one that may not."""
    for deployment in deployments(template):
        for name in sorted(hooks(deployment)):
            function = deployment.functions.get(name)
            if function is None:
                yield deployment.tell(f"{name}: a check that is not there")
                continue
            if HOOK_REPORT not in may(deployment, owner(function["Properties"].get("Role"))):
                yield deployment.tell(f"{name}: may not tell CodeDeploy what it found")
            called = spelled(function["Properties"].get("FunctionName", ""))
            for checked in deployment.functions.values():
                role = _preference(checked).get("Role")
                allowed = may(deployment, owner(role), on=f"${{{name}.Arn}}")
                if name not in _checks(checked) or "lambda:InvokeFunction" in allowed:
                    continue
                if role or not called.startswith(HOOK_PREFIX):
                    yield deployment.tell(f"{name}: CodeDeploy may not invoke it")


def environments_hold_no_secret(template: Template) -> Iterator[str]:
    """Whoever may read a function's settings reads its environment."""
    for deployment in deployments(template):
        for name, function in deployment.functions.items():
            variables = function["Properties"].get("Environment", {}).get("Variables", {})
            for variable, value in variables.items():
                if SECRET.search(variable) or re.match(r"(AKIA|ASIA)[A-Z0-9]{16}", str(value)):
                    yield deployment.tell(f"{name}: {variable} looks like a secret")


def provisioned_is_within_limits(template: Template) -> Iterator[str]:
    """As many as an account has by default; none is no setting at all, not 0."""
    for deployment in deployments(template):
        for name, function in deployment.functions.items():
            config = function["Properties"].get("ProvisionedConcurrencyConfig")
            if config is None:
                continue
            count = config.get("ProvisionedConcurrentExecutions")
            if not _within(count, (1, MOST_PROVISIONED)):
                yield deployment.tell(f"{name}: {count} provisioned")
            if "AutoPublishAlias" not in function["Properties"]:
                yield deployment.tell(f"{name}: provisioned without an alias")
