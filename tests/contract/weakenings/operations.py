"""Alarms that never fire, or that nobody hears; dashboards that show nothing."""

from tests.contract.rules import alarms, dashboards
from tests.contract.weakenings.change import (
    Weakening,
    dimension,
    drop,
    of,
    put,
    several,
    statement,
)


def gone(alarm: str) -> Weakening:
    """One alarm less."""
    watched = {
        "ApiFailuresAlarm": "Api: no alarm on AWS/ApiGateway 5xx",
        "ApiLatencyAlarm": "Api: no alarm on AWS/ApiGateway Latency",
        "ThrottlesAlarm": "PredictFunction: no alarm on AWS/Lambda Throttles",
        "BatchThrottlesAlarm": "BatchFunction: no alarm on AWS/Lambda Throttles",
        "FailuresAlarm": "PredictFunction: no alarm on Verger Failures",
        "BatchFailuresAlarm": "BatchFunction: no alarm on Verger Failures",
        "DeadLettersAlarm": "DeadLetters: no alarm on AWS/SQS",
        "QueueAgeAlarm": "Queue: no alarm on AWS/SQS ApproximateAgeOfOldestMessage",
    }
    rule = alarms.all_that_goes_wrong_is_watched
    return Weakening(f"no {alarm}", rule, watched[alarm], drop("Resources", alarm))


METRICS = [
    Weakening(
        "a metric of REST APIs",
        alarms.metrics_exist,
        "ApiFailuresAlarm",
        put(*of("ApiFailuresAlarm", "MetricName"), value="5XXError"),
    ),
    Weakening(
        "a metric that the code does not send",
        alarms.metrics_exist,
        "FailuresAlarm",
        put(*of("FailuresAlarm", "MetricName"), value="Failure"),
    ),
    Weakening(
        "a dimension of REST APIs",
        alarms.metrics_exist,
        "ApiLatencyAlarm",
        put(*of("ApiLatencyAlarm", "Dimensions", 0, "Name"), value="ApiName"),
    ),
    Weakening(
        "a metric of the whole account",
        alarms.metrics_exist,
        "ThrottlesAlarm",
        drop(*of("ThrottlesAlarm", "Dimensions")),
    ),
    Weakening(
        "a statistic that there is not",
        alarms.metrics_exist,
        "ApiLatencyAlarm",
        put(*of("ApiLatencyAlarm", "ExtendedStatistic"), value="95th"),
    ),
    Weakening(
        "a function by another name",
        alarms.dimensions_are_of_the_stack,
        "ThrottlesAlarm: FunctionName",
        put(*dimension("ThrottlesAlarm", "FunctionName"), value="predict"),
    ),
    Weakening(
        "a queue by its address",
        alarms.dimensions_are_of_the_stack,
        "QueueAgeAlarm: QueueName",
        put(*dimension("QueueAgeAlarm", "QueueName"), value={"Ref": "Queue"}),
    ),
    Weakening(
        "an ARN as a version",
        alarms.dimensions_are_of_the_stack,
        "CanaryFailuresAlarm: version",
        put(*dimension("CanaryFailuresAlarm", "version"), value={"Ref": "PredictFunction.Version"}),
    ),
    Weakening(
        "a service by a name that it does not have",
        alarms.dimensions_are_of_the_stack,
        "BatchFailuresAlarm: service",
        put(*of("BatchFunction", "Environment", "Variables", "POWERTOOLS_SERVICE_NAME"), value="b"),
    ),
    Weakening(
        "metrics sent elsewhere",
        alarms.dimensions_are_of_the_stack,
        "FailuresAlarm: service",
        put(
            *("Globals", "Function", "Environment", "Variables", "POWERTOOLS_METRICS_NAMESPACE"),
            value="Elsewhere",
        ),
    ),
    Weakening(
        "a dashboard of a metric that nobody sends",
        dashboards.dashboards_show_what_there_is,
        "Dashboard: nobody sends Verger Guesses",
        put(
            *of("Dashboard", "DashboardBody"),
            value='{"widgets": [{"properties": {"metrics": [["Verger", "Guesses"]]}}]}',
        ),
    ),
    Weakening(
        "a dashboard that is no JSON",
        dashboards.dashboards_show_what_there_is,
        "Dashboard: no JSON",
        put(*of("Dashboard", "DashboardBody"), value='{"widgets": [,]}'),
    ),
]

HEARING = [
    Weakening(
        "an alarm without an action",
        alarms.somebody_hears,
        "DeadLettersAlarm",
        drop(*of("DeadLettersAlarm", "AlarmActions")),
    ),
    Weakening(
        "an alarm that is switched off",
        alarms.somebody_hears,
        "FailuresAlarm",
        put(*of("FailuresAlarm", "ActionsEnabled"), value=False),
    ),
    Weakening(
        "a key that CloudWatch may not use",
        alarms.somebody_hears,
        "AlarmTopic",
        put(*of("AlarmTopic", "KmsMasterKeyId"), value="alias/aws/sns"),
    ),
    Weakening(
        "a key that stopped to let CloudWatch in",
        alarms.somebody_hears,
        "AlarmTopic",
        drop(*statement("AlarmKey", "Alarms")),
    ),
    Weakening(
        "a topic that CloudWatch may not publish to",
        alarms.somebody_hears,
        "AlarmTopic",
        drop(*statement("AlarmTopicPolicy", "Alarms")),
    ),
    Weakening(
        "an address that gets nothing",
        alarms.somebody_hears,
        "AlarmEmail",
        drop("Resources", "AlarmMail"),
    ),
    Weakening(
        "silence that is not decided on",
        alarms.silence_is_decided_on,
        "QueueAgeAlarm",
        drop(*of("QueueAgeAlarm", "TreatMissingData")),
    ),
    Weakening(
        "silence that keeps an alarm as it was",
        alarms.silence_is_decided_on,
        "FailuresAlarm",
        put(*of("FailuresAlarm", "TreatMissingData"), value="ignore"),
    ),
]

FIRING = [
    Weakening(
        "a period that CloudWatch does not take",
        alarms.alarms_can_fire,
        "ThrottlesAlarm",
        put(*of("ThrottlesAlarm", "Period"), value=90),
    ),
    Weakening(
        "more data points than periods",
        alarms.alarms_can_fire,
        "FailuresAlarm",
        put(*of("FailuresAlarm", "DatapointsToAlarm"), value=6),
    ),
    Weakening(
        "a latency that API Gateway cuts off before",
        alarms.alarms_can_fire,
        "LatencyAlarmMs=60000",
        put("Parameters", "LatencyAlarmMs", "MaxValue", value=60_000),
    ),
    Weakening(
        "an average of failures above all of them",
        alarms.alarms_can_fire,
        "ApiFailuresAlarm",
        put(*of("ApiFailuresAlarm", "Statistic"), value="Average"),
    ),
    Weakening(
        "an alarm that is never quiet",
        alarms.alarms_can_fire,
        "DeadLettersAlarm",
        put(*of("DeadLettersAlarm", "Threshold"), value=0),
    ),
    Weakening(
        "an alarm on too few",
        alarms.alarms_can_fire,
        "BatchErrorsAlarm",
        several(
            put(*of("BatchErrorsAlarm", "ComparisonOperator"), value="LessThanThreshold"),
            put(*of("BatchErrorsAlarm", "Threshold"), value=0),
        ),
    ),
    *(
        gone(alarm)
        for alarm in (
            "ApiFailuresAlarm",
            "ApiLatencyAlarm",
            "ThrottlesAlarm",
            "BatchThrottlesAlarm",
            "FailuresAlarm",
            "BatchFailuresAlarm",
            "DeadLettersAlarm",
            "QueueAgeAlarm",
        )
    ),
    Weakening(
        "the mean in the place of the 95th of 100",
        alarms.all_that_goes_wrong_is_watched,
        "Api: no alarm on AWS/ApiGateway Latency",
        several(
            drop(*of("ApiLatencyAlarm", "ExtendedStatistic")),
            put(*of("ApiLatencyAlarm", "Statistic"), value="Average"),
        ),
    ),
    Weakening(
        "the age of dead letters",
        alarms.all_that_goes_wrong_is_watched,
        "Queue: no alarm on AWS/SQS ApproximateAgeOfOldestMessage",
        put(
            *dimension("QueueAgeAlarm", "QueueName"),
            value={"Fn::GetAtt": ["DeadLetters", "QueueName"]},
        ),
    ),
    Weakening(
        "a rollback on Lambda's own errors alone",
        alarms.rollback_looks_at_the_new_version,
        "PredictFunction",
        put(
            *of("PredictFunction", "DeploymentPreference", "Alarms"),
            value=[{"Ref": "CanaryErrorsAlarm"}],
        ),
    ),
    Weakening(
        "a rollback on failures of the old version",
        alarms.rollback_looks_at_the_new_version,
        "PredictFunction",
        put(
            *of("PredictFunction", "DeploymentPreference", "Alarms"),
            value=[{"Ref": "FailuresAlarm"}],
        ),
    ),
    Weakening(
        "a rollback on errors of the old version",
        alarms.rollback_looks_at_the_new_version,
        "BatchFunction: BatchCanaryErrorsAlarm",
        drop(*of("BatchCanaryErrorsAlarm", "Dimensions", {"Name": "ExecutedVersion"})),
    ),
]
