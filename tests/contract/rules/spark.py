"""Applications of EMR Serverless: what they may cost, reach and read."""

from collections.abc import Iterator
from typing import Any

from cluster.cost import DRIVER, WORKER
from emr.account import RELEASE
from tests.contract.rules.deployments import Deployment, deployments
from tests.contract.rules.evaluation import PSEUDO, Resource, Template
from tests.contract.rules.statements import Statement, listed, rights, spelled, trusts

APPLICATION = "AWS::EMRServerless::Application"
LONGEST_IDLE_MINUTES = 15
READING, LISTING = {"s3:GetObject"}, {"s3:ListBucket"}
WRITING = {"s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"}
KEYS = {"kms:Decrypt", "kms:GenerateDataKey"}


def _applications(
    template: Template,
) -> Iterator[tuple[Deployment, str, Resource]]:
    for deployment in deployments(template):
        for name, application in deployment.of_type(APPLICATION).items():
            yield deployment, name, application["Properties"]


def applications_stop_by_themselves(template: Template) -> Iterator[str]:
    """And start with a job: nobody has to remember it, and nobody pays for idle workers."""
    for deployment, name, of in _applications(template):
        stop = of.get("AutoStopConfiguration", {})
        if stop.get("Enabled") is not True:
            yield deployment.tell(f"{name}: is not stopped")
        elif not 0 < stop.get("IdleTimeoutMinutes", 15) <= LONGEST_IDLE_MINUTES:
            yield deployment.tell(f"{name}: idles for {stop['IdleTimeoutMinutes']} minutes")
        if of.get("AutoStartConfiguration", {}).get("Enabled") is not True:
            yield deployment.tell(f"{name}: is not started by a job")


def applications_have_a_ceiling(template: Template) -> Iterator[str]:
    """Of vCPUs, memory and disk: of exactly the workers that are chosen, and one driver."""
    for deployment, name, of in _applications(template):
        chosen = template["Parameters"]["MaxWorkers"]["Default"]
        workers = deployment.chosen.get("MaxWorkers", chosen)
        wanted = {
            "Cpu": f"{workers * WORKER.vcpus + DRIVER.vcpus} vCPU",
            "Memory": f"{workers * WORKER.gb + DRIVER.gb} GB",
            "Disk": f"{workers * WORKER.disk_gb + DRIVER.disk_gb} GB",
        }
        ceiling = of.get("MaximumCapacity", {})
        for unit, amount in wanted.items():
            if ceiling.get(unit) != amount:
                found = ceiling.get(unit, "no ceiling")
                yield deployment.tell(f"{name}: {unit} {found}, expected {amount}")


def nothing_waits_at_a_price(template: Template) -> Iterator[str]:
    """Workers that are started before a job comes are paid until one does."""
    for deployment, name, of in _applications(template):
        if of.get("InitialCapacity"):
            yield deployment.tell(f"{name}: InitialCapacity is paid while nothing runs")


def applications_are_as_tested(template: Template) -> Iterator[str]:
    """The release, the processor and no image: what the archive was made for."""
    wanted = {"Type": "SPARK", "ReleaseLabel": RELEASE, "Architecture": "X86_64"}
    for deployment, name, of in _applications(template):
        for key, value in wanted.items():
            if of.get(key) != value:
                yield deployment.tell(f"{name}: {key} is {of.get(key)}, expected {value}")
        if of.keys() & {"ImageConfiguration", "WorkerTypeSpecifications"}:
            yield deployment.tell(f"{name}: runs an image of its own")


def workers_stay_off_the_internet(template: Template) -> Iterator[str]:
    """AWS's own network, which has no way out; or just the subnets that are given."""
    for deployment, name, of in _applications(template):
        given = {key: deployment.chosen.get(key, "") for key in ("SubnetIds", "SecurityGroupIds")}
        wanted = {key: ids.split(",") for key, ids in given.items() if ids}
        if of.get("NetworkConfiguration", {}) != wanted:
            yield deployment.tell(f"{name}: a network that nobody chose")


def jobs_log_to_the_bucket(template: Template) -> Iterator[str]:
    """Where logs expire, by the key that is given; and to nothing else beside it."""
    for deployment, name, of in _applications(template):
        monitoring = of.get("MonitoringConfiguration", {})
        to = monitoring.get("S3MonitoringConfiguration", {})
        buckets = deployment.of_type("AWS::S3::Bucket")
        if spelled(to.get("LogUri", "")) not in {f"s3://${{{own}}}/logs/" for own in buckets}:
            yield deployment.tell(f"{name}: logs go to {spelled(to.get('LogUri', 'nowhere'))}")
        if to.get("EncryptionKeyArn") != deployment.chosen.get("KmsKeyArn"):
            yield deployment.tell(f"{name}: logs are not encrypted by the key that is given")
        kept = monitoring.get("ManagedPersistenceMonitoringConfiguration", {})
        if kept.get("Enabled", True) is not False:
            yield deployment.tell(f"{name}: AWS keeps logs beside the bucket")
        for other in ("CloudWatchLoggingConfiguration", "PrometheusMonitoringConfiguration"):
            if other in monitoring:
                yield deployment.tell(f"{name}: {other}")


def jobs_have_the_least_rights(template: Template) -> Iterator[str]:
    """Images and code are read, results written and read, logs written; names as far as needed."""
    for deployment in deployments(template):
        for statement in rights(deployment):
            for action in statement.actions:
                for resource in statement.resources:
                    if not _is_needed(deployment, statement, action, resource):
                        told = f"{statement.where}: {action} on {resource}"
                        yield deployment.tell(told)


def _is_needed(deployment: Deployment, statement: Statement, action: str, resource: str) -> bool:
    if action in KEYS:
        return resource in {deployment.chosen.get(key) for key in ("KmsKeyArn", "ImagesKeyArn")}
    bucket = deployment.chosen.get("ImagesBucket")
    images = f"arn:aws:s3:::{bucket}" if bucket else "${Data.Arn}"
    if action in LISTING:
        condition = statement.body.get("Condition", {}).get("StringLikeIfExists", {})
        prefixes = set(listed(condition.get("s3:prefix", "*")))
        allowed = {images: {"images", "images/*"}, "${Data.Arn}": {"code/*", "runs", "runs/*"}}
        if not bucket:
            allowed["${Data.Arn}"] |= allowed.pop(images) | {"images", "images/*"}
        return prefixes <= allowed.get(resource, set())
    if action in READING:
        read = {f"{images}/images", f"{images}/images/*", "${Data.Arn}/code/*"}
        return resource in read | {"${Data.Arn}/runs", "${Data.Arn}/runs/*"}
    written = {"${Data.Arn}/runs/*"} | ({"${Data.Arn}/logs/*"} if "Put" in action else set())
    return action in WRITING and resource in written


def roles_are_for_this_application(template: Template) -> Iterator[str]:
    """EMR Serverless gets a role for one application of this account, and for no other one."""
    for deployment in deployments(template):
        account, region = PSEUDO["AWS::AccountId"], PSEUDO["AWS::Region"]
        arns = {
            f"arn:aws:emr-serverless:{region}:{account}:/applications/${{{name}}}"
            for name in deployment.of_type(APPLICATION)
        }
        for statement in trusts(deployment):
            condition: dict[str, Any] = statement.body.get("Condition", {})
            source = spelled(condition.get("ArnEquals", {}).get("aws:SourceArn", "anything"))
            if condition.get("StringEquals", {}).get("aws:SourceAccount") != account:
                yield deployment.tell(f"{statement.where}: is for any account's applications")
            if source not in arns:
                yield deployment.tell(f"{statement.where}: is for {source}")
            if statement.principals != [("Service", "emr-serverless.amazonaws.com")]:
                yield deployment.tell(f"{statement.where}: is for {statement.principals}")


RULES = [
    applications_stop_by_themselves,
    applications_have_a_ceiling,
    nothing_waits_at_a_price,
    applications_are_as_tested,
    workers_stay_off_the_internet,
    jobs_log_to_the_bucket,
    jobs_have_the_least_rights,
    roles_are_for_this_application,
]
