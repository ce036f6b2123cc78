"""What a deployment needs of the AWS account: limits, rights, a key. Asks, and changes nothing."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from local.premises import Finding, ok, stop, warning
from local.stage import Stage

_NEW_ACCOUNT_MB = 3008
_USUAL_CONCURRENCY = 1000
_LEFT_UNRESERVED = 100  # docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
_FEW_FOR_API = 10
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_MORE = (
    "aws service-quotas request-service-quota-increase --service-code lambda "
    "--quota-code L-B99A9384 --desired-value 1000 --region"
)
# Of a stack that a deployment cannot go on from.
_UNFINISHED = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")

Values = Mapping[str, str]


def check_account(stage: Stage, values: Values) -> Iterator[Finding]:
    """Ask the account; where nobody answers, nothing else is asked."""
    try:
        who = stage.client("sts").get_caller_identity()
    except NoCredentialsError:
        yield stop("credentials", "none: set AWS_PROFILE, or run aws configure or aws sso login")
        return
    except (BotoCoreError, ClientError) as cause:
        yield stop("credentials", f"AWS does not take them, or does not answer: {cause}")
        return
    yield ok("credentials", f"account {who['Account']}, {who['Arn'].rpartition(':')[2]}")
    checks: dict[str, Callable[[Stage, Values], Iterator[Finding]]] = {
        "limits": _check_limits,
        "key": _check_key,
        "stack": _check_stack,
        "rights": _check_rights,
    }
    for what, check in checks.items():
        try:
            yield from check(stage, values)
        except ClientError as cause:
            yield _unasked(what, cause)
        except BotoCoreError as cause:
            yield warning(what, f"not known, since AWS did not answer: {cause}")


def _unasked(what: str, cause: ClientError) -> Finding:
    code = cause.response["Error"]["Code"]
    if code in _DENIED:
        return warning(what, f"not known: you may not call {cause.operation_name}")
    return warning(what, f"not known: {cause.operation_name} answered {code}")


def _check_limits(stage: Stage, values: Values) -> Iterator[Finding]:
    functions = stage.client("lambda")
    limits = functions.get_account_settings()["AccountLimit"]
    total, free = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]
    yield from check_concurrency(total, free, values, stage.region)
    sizes = [
        function["MemorySize"]
        for page in functions.get_paginator("list_functions").paginate()
        for function in page["Functions"]
    ]
    yield check_memory(_whole(values, "MemoryMb"), max(sizes, default=0), total)


def check_concurrency(total: int, free: int, values: Values, region: str) -> Iterator[Finding]:
    """Whether what runs at once fits.

    Args:
        total: executions at once that the account may have.
        free: those of them that no function has reserved.
    """
    batch, waiting = _whole(values, "BatchConcurrency"), _whole(values, "ProvisionedConcurrency")
    more = f"ask for more: {_MORE} {region}"
    seen = f"{free} of {total} executions at once are unreserved"
    if waiting and waiting > free - min(_LEFT_UNRESERVED, total):
        yield stop(
            "provisioned",
            f"{seen}, and Lambda keeps {min(_LEFT_UNRESERVED, total)} of them: "
            f"ProvisionedConcurrency={waiting} does not fit; set 0, or {more}",
        )
    elif waiting:
        yield ok("provisioned", f"ProvisionedConcurrency={waiting} fits")
    needed = batch + max(waiting, 1)
    if needed > free:
        yield stop("concurrency", f"{seen}, {needed} are needed: lower BatchConcurrency, or {more}")
    elif free - batch - waiting < _FEW_FOR_API:
        left = f"BatchConcurrency={batch} leaves {free - batch} to the API"
        yield warning("concurrency", f"{seen}, {left}: requests beyond get 429; {more}")
    else:
        yield ok("concurrency", seen)


def check_memory(wanted_mb: int, largest_mb: int, total: int) -> Finding:
    """Whether the account takes functions of that memory, which no API of AWS says.

    Args:
        largest_mb: of the functions that there are.
        total: executions at once that the account may have; a new account has fewer than usual.
    """
    if wanted_mb <= _NEW_ACCOUNT_MB:
        return ok("memory", f"MemoryMb={wanted_mb}: every account takes {_NEW_ACCOUNT_MB}")
    if largest_mb > _NEW_ACCOUNT_MB:
        return ok("memory", f"MemoryMb={wanted_mb}: a function of {largest_mb} MB is here already")
    way_out = f"take MemoryMb={_NEW_ACCOUNT_MB} for now (STAGE=dev), and ask AWS Support for more"
    if total < _USUAL_CONCURRENCY:
        return stop(
            "memory",
            f"the account is a new one ({total} executions at once, {_USUAL_CONCURRENCY} are "
            f"usual), and those refuse more than {_NEW_ACCOUNT_MB} MB: {way_out}",
        )
    return warning(
        "memory",
        f"no API says whether the account takes MemoryMb={wanted_mb}, and no function here has "
        f"more than {_NEW_ACCOUNT_MB}: should the deployment say \"'MemorySize' value failed to "
        f'satisfy constraint", {way_out}',
    )


def _check_key(stage: Stage, values: Values) -> Iterator[Finding]:
    arn = values.get("KmsKeyArn", "")
    if not arn:
        yield ok("key", "S3's own (KmsKeyArn is empty)")
        return
    region = arn.split(":")[3] if arn.count(":") >= 5 else "no region"
    if region != stage.region:
        yield stop("key", f"KmsKeyArn is in {region}: expected a key in {stage.region}")
        return
    try:
        key: dict[str, Any] = stage.client("kms").describe_key(KeyId=arn)["KeyMetadata"]
    except ClientError as cause:
        if cause.response["Error"]["Code"] != "NotFoundException":
            raise
        yield stop("key", "there is no such key: see KmsKeyArn")
        return
    usage = key.get("KeyUsage", "ENCRYPT_DECRYPT")
    if not key["Enabled"] or usage != "ENCRYPT_DECRYPT":
        yield stop("key", f"it is {key['KeyState']}, for {usage}: enable it, or name another")
    else:
        yield ok("key", f"{key['KeyId']} is enabled")


def _check_stack(stage: Stage, _values: Values) -> Iterator[Finding]:
    try:
        [found] = stage.client("cloudformation").describe_stacks(StackName=stage.stack)["Stacks"]
    except ClientError as cause:
        if cause.response["Error"]["Code"] != "ValidationError":
            raise
        yield ok("stack", f"{stage.stack} is new")
        return
    status = found["StackStatus"]
    if status == "REVIEW_IN_PROGRESS":  # sam deploys over it
        yield ok("stack", f"{stage.stack} was never created: a deployment was answered with no")
    elif status == "UPDATE_ROLLBACK_FAILED":
        way_out = f"--stack-name {stage.stack} --region {stage.region}"
        yield stop(
            "stack",
            f"{stage.stack} is {status}: aws cloudformation continue-update-rollback {way_out}",
        )
    elif status in _UNFINISHED:
        yield stop(
            "stack",
            f"{stage.stack} is {status}: build/env/sam/bin/sam delete --config-env {stage.name}",
        )
    elif status.endswith("_IN_PROGRESS"):
        yield stop("stack", f"{stage.stack} is {status}: wait for its end")
    else:
        yield ok("stack", f"{stage.stack} is {status}")


def _check_rights(stage: Stage, _values: Values) -> Iterator[Finding]:
    """Whether services are in reach; reading a list is a hint, not a proof, of writing."""
    reached: dict[str, Callable[[], object]] = {
        "ecr": lambda: stage.client("ecr").describe_repositories(maxResults=1),
        "codedeploy": lambda: stage.client("codedeploy").list_applications(),
        "s3": lambda: stage.client("s3").list_buckets(),
    }
    for service, ask in reached.items():
        try:
            ask()
        except ClientError as cause:
            if cause.response["Error"]["Code"] not in _DENIED:
                raise
            yield stop(service, f"you may not call {cause.operation_name}: a deployment needs it")
        else:
            yield ok(service, "answers")


def _whole(values: Values, name: str) -> int:
    try:
        return int(float(values.get(name) or 0))
    except ValueError:
        return 0
