"""All rules, what they find, and the exceptions, each with its reason."""

from collections.abc import Callable, Iterator

from tests.contract.rules import (
    access,
    alarms,
    dashboards,
    lambdas,
    lasting,
    logs,
    parameters,
    references,
    region,
    routes,
    storage,
)
from tests.contract.rules.evaluation import Template

Rule = Callable[[Template], Iterator[str]]

RULES: list[Rule] = [
    access.no_right_is_a_wildcard,
    parameters.parameters_are_bounded,
    parameters.parameters_name_one_resource,
    access.no_policy_of_others_is_attached,
    access.roles_trust_one_service,
    access.nobody_is_anybody,
    access.functions_have_roles_of_their_own,
    access.no_role_is_passed_on,
    routes.only_health_is_open,
    routes.authorizers_are_what_is_chosen,
    routes.requests_are_throttled,
    routes.other_origins_are_named,
    routes.nothing_goes_past_the_api,
    storage.buckets_are_private,
    storage.data_rests_encrypted,
    storage.everything_comes_by_tls,
    storage.documents_expire,
    storage.erased_is_erased,
    storage.queues_lose_nothing,
    logs.logs_expire,
    logs.functions_log_where_it_is_declared,
    logs.access_is_logged,
    logs.access_logs_name_nobody,
    lambdas.functions_are_within_limits,
    lambdas.functions_are_images,
    lambdas.functions_are_traced,
    lambdas.functions_are_replaced_in_steps,
    lambdas.checks_can_report,
    lambdas.environments_hold_no_secret,
    lambdas.provisioned_is_within_limits,
    alarms.metrics_exist,
    alarms.dimensions_are_of_the_stack,
    alarms.somebody_hears,
    alarms.silence_is_decided_on,
    alarms.alarms_can_fire,
    alarms.all_that_goes_wrong_is_watched,
    alarms.rollback_looks_at_the_new_version,
    dashboards.dashboards_show_what_there_is,
    references.every_reference_resolves,
    references.references_hold_in_every_deployment,
    references.nothing_waits_for_itself,
    region.only_the_eu_is_allowed,
    region.nothing_is_written_down,
    region.what_holds_data_says_where,
    lasting.what_holds_data_says_what_becomes_of_it,
    lasting.every_resource_has_a_sentence,
]

# (rule, what it finds): why that stays.
_TEXT = parameters.parameters_are_bounded.__name__
_WIDE = access.no_right_is_a_wildcard.__name__
EXCEPTIONS: dict[tuple[str, str], str] = {
    (
        _WIDE,
        "CheckRole: codedeploy:PutLifecycleEventHookExecutionStatus on arn:aws:codedeploy:eu-west-3"
        ":123456789012:deploymentgroup:${ServerlessDeploymentApplication}/*: not one resource",
    ): "The deployment groups of this stack's own application; CodeDeploy makes up their names.",
    (
        _WIDE,
        "DeployRole: cloudwatch:DescribeAlarms on arn:aws:cloudwatch:eu-west-3:123456789012:alarm:*"
        ": not one resource",
    ): "CloudWatch lists alarms of an account, or none; the right reads.",
    (
        _WIDE,
        "AlarmKey: action kms:*",
    ): "Without its own account's administrators, nobody could ever change or delete a key.",
    **{
        (_WIDE, f"{role}: xray:{action} on *: not one resource"): (
            "X-Ray has no resources that sending could be restricted to."
        )
        for role in ("PredictRole", "BatchRole")
        for action in ("PutTraceSegments", "PutTelemetryRecords")
    },
    (
        _TEXT,
        "BaseImage: takes any text, or not its default",
    ): "Of the build: an address of any registry.",
    (
        _TEXT,
        "ModelBundle: takes any text, or not its default",
    ): "Of the build: a folder of whoever builds.",
}


def found(rule: Rule, template: Template) -> dict[str, str]:
    """What a rule finds, once each, with the first deployment in which it shows."""
    violations: dict[str, str] = {}
    for told in rule(template):
        violations.setdefault(told.partition(" (with ")[0], told)
    return violations


def violations(rule: Rule, template: Template) -> list[str]:
    """What a rule finds and nobody excepted."""
    return [
        told
        for message, told in found(rule, template).items()
        if (rule.__name__, message) not in EXCEPTIONS
    ]
