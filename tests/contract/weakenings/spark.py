"""Templates of the jobs that are worse than ours, one change each."""

from tests.contract.rules import spark
from tests.contract.weakenings.change import Step, Weakening, add, drop, of, put

CAPACITY = ("Mappings", "Capacity")
NETWORK = of("Application", "NetworkConfiguration")
MONITORING = of("Application", "MonitoringConfiguration")
TRUST = of("JobRole", "AssumeRolePolicyDocument", "Statement", 0)


def job(sid: str, *steps: Step) -> tuple[Step, ...]:
    """The path to a statement of the job's role."""
    return of("JobRole", "Policies", 0, "PolicyDocument", "Statement", {"Sid": sid}, *steps)


def everything(sid: str) -> Weakening:
    return Weakening(
        f"{sid} on the whole bucket",
        spark.jobs_have_the_least_rights,
        "JobRole",
        put(*job(sid, "Resource"), value={"Fn::Sub": "${Data.Arn}/*"}),
    )


MONEY = [
    Weakening(
        "an application that never stops",
        spark.applications_stop_by_themselves,
        "Application: is not stopped",
        drop(*of("Application", "AutoStopConfiguration")),
    ),
    Weakening(
        "an application that idles for hours",
        spark.applications_stop_by_themselves,
        "idles for 600",
        put(*of("Application", "AutoStopConfiguration", "IdleTimeoutMinutes"), value=600),
    ),
    Weakening(
        "an application that somebody has to start",
        spark.applications_stop_by_themselves,
        "not started",
        put(*of("Application", "AutoStartConfiguration", "Enabled"), value=False),
    ),
    Weakening(
        "no ceiling",
        spark.applications_have_a_ceiling,
        "Application: Cpu no ceiling",
        drop(*of("Application", "MaximumCapacity")),
    ),
    Weakening(
        "no ceiling of memory",
        spark.applications_have_a_ceiling,
        "Memory no ceiling",
        drop(*of("Application", "MaximumCapacity", "Memory")),
    ),
    Weakening(
        "more workers than are chosen",
        spark.applications_have_a_ceiling,
        "MaxWorkers=32",
        put(*CAPACITY, "32", "Cpu", value="400 vCPU"),
    ),
    Weakening(
        "workers that wait",
        spark.nothing_waits_at_a_price,
        "Application: InitialCapacity",
        put(*of("Application", "InitialCapacity"), value=[{"Key": "Driver", "Value": {}}]),
    ),
    Weakening(
        "a release that was never tried",
        spark.applications_are_as_tested,
        "emr-7.12.0",
        put(*of("Application", "ReleaseLabel"), value="emr-7.12.0"),
    ),
    Weakening(
        "a processor without wheels",
        spark.applications_are_as_tested,
        "ARM64",
        put(*of("Application", "Architecture"), value="ARM64"),
    ),
    Weakening(
        "an image of somebody",
        spark.applications_are_as_tested,
        "an image of its own",
        put(*of("Application", "ImageConfiguration"), value={"ImageUri": "public.ecr.aws/x:1"}),
    ),
]

REACH = [
    Weakening(
        "subnets that nobody chose",
        spark.workers_stay_off_the_internet,
        "Application: a network",
        put(*NETWORK, value={"SubnetIds": ["subnet-0a1b2c3d"], "SecurityGroupIds": ["sg-1"]}),
    ),
    Weakening(
        "the subnets that are given are not used",
        spark.workers_stay_off_the_internet,
        "SubnetIds=",
        drop(*NETWORK),
    ),
    Weakening(
        "logs elsewhere",
        spark.jobs_log_to_the_bucket,
        "s3://elsewhere/",
        put(*MONITORING, "S3MonitoringConfiguration", "LogUri", value="s3://elsewhere/"),
    ),
    Weakening(
        "logs by another key",
        spark.jobs_log_to_the_bucket,
        "KmsKeyArn=",
        drop(*MONITORING, "S3MonitoringConfiguration", "EncryptionKeyArn"),
    ),
    Weakening(
        "logs with AWS as well",
        spark.jobs_log_to_the_bucket,
        "AWS keeps logs",
        drop(*MONITORING, "ManagedPersistenceMonitoringConfiguration"),
    ),
    Weakening(
        "logs in CloudWatch, for ever",
        spark.jobs_log_to_the_bucket,
        "CloudWatchLoggingConfiguration",
        put(*MONITORING, "CloudWatchLoggingConfiguration", value={"Enabled": True}),
    ),
    everything("ReadImages"),
    everything("ReadCode"),
    everything("WriteResults"),
    everything("WriteLogs"),
    Weakening(
        "names of everything",
        spark.jobs_have_the_least_rights,
        "s3:ListBucket",
        drop(*job("ListImages", "Condition")),
    ),
    Weakening(
        "code that a job may change",
        spark.jobs_have_the_least_rights,
        "s3:PutObject on ${Data.Arn}/code/*",
        put(*job("ReadCode", "Action"), value=["s3:GetObject", "s3:PutObject"]),
    ),
    Weakening(
        "logs that a job may delete",
        spark.jobs_have_the_least_rights,
        "s3:DeleteObject on ${Data.Arn}/logs/*",
        put(*job("WriteLogs", "Action"), value=["s3:PutObject", "s3:DeleteObject"]),
    ),
    Weakening(
        "images that a job may write",
        spark.jobs_have_the_least_rights,
        "s3:PutObject",
        add(*job("ReadImages", "Action"), value="s3:PutObject"),
    ),
    Weakening(
        "the catalog of the account",
        spark.jobs_have_the_least_rights,
        "glue:GetTable",
        add(*job("ReadCode", "Action"), value="glue:GetTable"),
    ),
    Weakening(
        "any key",
        spark.jobs_have_the_least_rights,
        "kms:Decrypt",
        put(
            *of("JobRole", "Policies", 1, "Fn::If", 1, "PolicyDocument", "Statement", 0),
            value={"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"},
        ),
    ),
    Weakening(
        "a role for any application",
        spark.roles_are_for_this_application,
        "JobRole: is for anything",
        drop(*TRUST, "Condition", "ArnEquals"),
    ),
    Weakening(
        "a role for any account's applications",
        spark.roles_are_for_this_application,
        "JobRole: is for any account",
        drop(*TRUST, "Condition", "StringEquals"),
    ),
    Weakening(
        "a role for machines",
        spark.roles_are_for_this_application,
        "ec2.amazonaws.com",
        put(*TRUST, "Principal", value={"Service": "ec2.amazonaws.com"}),
    ),
]
