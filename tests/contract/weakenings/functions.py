"""Functions past their limits, replaced at once, unseen; logs that tell too much or stay."""

from tests.contract.rules import lambdas, logs
from tests.contract.weakenings.change import Weakening, add, drop, of, put, right, several

VARIABLES = ("Environment", "Variables")
FORMAT = of("Api", "AccessLogSettings", "Format")

LOGS = [
    Weakening(
        "a log for ever",
        logs.logs_expire,
        "BatchLogs",
        drop(*of("BatchLogs", "RetentionInDays")),
    ),
    Weakening(
        "a log for ten years, if an operator wants",
        logs.logs_expire,
        "LogRetentionDays=3653",
        add("Parameters", "LogRetentionDays", "AllowedValues", value=3653),
    ),
    Weakening(
        "a log that Lambda makes",
        logs.functions_log_where_it_is_declared,
        "CheckFunction",
        drop(*of("CheckFunction", "LoggingConfig", "LogGroup")),
    ),
    Weakening(
        "a log that is not the template's",
        logs.functions_log_where_it_is_declared,
        "PredictFunction",
        put(*of("PredictFunction", "LoggingConfig", "LogGroup"), value="/aws/lambda/predict"),
    ),
    Weakening(
        "a log that the function may not write to",
        logs.functions_log_where_it_is_declared,
        "BatchFunction: its role",
        put(
            *of("BatchRole", "Policies", 0, "PolicyDocument", "Statement", 0, "Resource"),
            value={"Fn::GetAtt": ["PredictLogs", "Arn"]},
        ),
    ),
    Weakening(
        "no access log",
        logs.access_is_logged,
        "Api",
        drop(*of("Api", "AccessLogSettings")),
    ),
    Weakening(
        "an access log that nobody can look a request up in",
        logs.access_is_logged,
        "Api",
        put(*FORMAT, value='{"status":"$context.status"}'),
    ),
    *(
        Weakening(
            f"{field} in the access log",
            logs.access_logs_name_nobody,
            f"Api: the access log has $context.{field}",
            put(*FORMAT, value=f'{{"id":"$context.requestId","x":"$context.{field}"}}'),
        )
        for field in (
            "path",
            "identity.sourceIp",
            "identity.userAgent",
            "identity.userArn",
            "authorizer.claims.email",
        )
    ),
]

LIMITS = [
    Weakening(
        "memory that Lambda does not have",
        lambdas.functions_are_within_limits,
        "CheckFunction: memory",
        put(*of("CheckFunction", "MemorySize"), value=12_288),
    ),
    Weakening(
        "memory that an operator may ask for in vain",
        lambdas.functions_are_within_limits,
        "MemoryMb=20000",
        put("Parameters", "MemoryMb", "MaxValue", value=20_000),
    ),
    Weakening(
        "a time-out that Lambda does not have",
        lambdas.functions_are_within_limits,
        "BatchFunction: time-out",
        add("Parameters", "BatchTimeoutS", "AllowedValues", value=1_200),
    ),
    Weakening(
        "a time-out that API Gateway does not wait for",
        lambdas.functions_are_within_limits,
        "PredictFunction: time-out",
        put(*of("PredictFunction", "Timeout"), value=60),
    ),
    Weakening(
        "a batch that takes all concurrency",
        lambdas.functions_are_within_limits,
        "BatchFunction",
        drop(*of("BatchFunction", "Events", "Document", "Properties", "ScalingConfig")),
    ),
    Weakening(
        "more provisioned than an account has",
        lambdas.provisioned_is_within_limits,
        "ProvisionedConcurrency=100000",
        put("Parameters", "ProvisionedConcurrency", "MaxValue", value=100_000),
    ),
    Weakening(
        "none provisioned, as a number",
        lambdas.provisioned_is_within_limits,
        "PredictFunction: 0 provisioned",
        put(
            *of("PredictFunction", "ProvisionedConcurrencyConfig"),
            value={"ProvisionedConcurrentExecutions": {"Ref": "ProvisionedConcurrency"}},
        ),
    ),
    Weakening(
        "an image of its own",
        lambdas.functions_are_images,
        "functions",
        put("Resources", "BatchFunction", "Metadata", "DockerTag", value="other"),
    ),
    Weakening(
        "another processor",
        lambdas.functions_are_images,
        "Architectures",
        put("Globals", "Function", "Architectures", value=["arm64"]),
    ),
    Weakening(
        "a secret in the environment",
        lambdas.environments_hold_no_secret,
        "PredictFunction: API_TOKEN",
        put(*of("PredictFunction", *VARIABLES, "API_TOKEN"), value="x"),
    ),
    Weakening(
        "an access key by another name",
        lambdas.environments_hold_no_secret,
        "BatchFunction: SETTING",
        put(*of("BatchFunction", *VARIABLES, "SETTING"), value="AKIAIOSFODNN7EXAMPLE"),
    ),
]

DEPLOYMENT = [
    Weakening(
        "no word on tracing",
        lambdas.functions_are_traced,
        "BatchFunction",
        drop(*of("BatchFunction", "Tracing")),
    ),
    Weakening(
        "traces that nobody may send",
        lambdas.functions_are_traced,
        "PredictFunction",
        drop(*of("PredictRole", "Policies", 1)),
    ),
    Weakening(
        "no alias",
        lambdas.functions_are_replaced_in_steps,
        "PredictFunction: has no alias",
        drop(*of("PredictFunction", "AutoPublishAlias")),
    ),
    Weakening(
        "no rollback",
        lambdas.functions_are_replaced_in_steps,
        "BatchFunction: no alarm",
        drop(*of("BatchFunction", "DeploymentPreference", "Alarms")),
    ),
    Weakening(
        "a rollback on something that is no alarm",
        lambdas.functions_are_replaced_in_steps,
        "PredictFunction: AlarmTopic",
        add(*of("PredictFunction", "DeploymentPreference", "Alarms"), value={"Ref": "AlarmTopic"}),
    ),
    Weakening(
        "no check before traffic",
        lambdas.functions_are_replaced_in_steps,
        "BatchFunction: no check",
        drop(*of("BatchFunction", "DeploymentPreference", "Hooks")),
    ),
    Weakening(
        "all at once, by default",
        lambdas.functions_are_replaced_in_steps,
        "PredictFunction: is replaced at once",
        put("Parameters", "Deployment", "Default", value="AllAtOnce"),
    ),
    Weakening(
        "steps switched off",
        lambdas.functions_are_replaced_in_steps,
        "BatchFunction: is replaced at once",
        put(*of("BatchFunction", "DeploymentPreference", "Enabled"), value=False),
    ),
    Weakening(
        "a check that may not report",
        lambdas.checks_can_report,
        "CheckFunction",
        drop(*right("CheckRole", "codedeploy:PutLifecycleEventHookExecutionStatus")),
    ),
    Weakening(
        "a check that the role of deployments may not invoke",
        lambdas.checks_can_report,
        "CheckFunction: CodeDeploy",
        drop(*right("DeployRole", "lambda:InvokeFunction")),
    ),
    Weakening(
        "a check that CodeDeploy may not invoke",
        lambdas.checks_can_report,
        "CheckFunction",
        several(
            drop(*of("PredictFunction", "DeploymentPreference", "Role")),
            drop(*of("BatchFunction", "DeploymentPreference", "Role")),
        ),
    ),
]
