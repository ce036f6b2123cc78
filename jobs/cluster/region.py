"""In the European Union and nowhere else: where the job runs, and where its buckets are."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from serving.errors import ConfigurationError, brief
from serving.settings import EU_REGIONS

_NAMES = ("AWS_REGION", "AWS_DEFAULT_REGION")
_S3 = re.compile(r"s3[an]?://([^/]*)")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")
_KNOWN = {"file", "s3", "s3a", "s3n"}
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_TIMEOUT_S = 10


def check_region(env: Mapping[str, str], *, local: bool) -> str | None:
    """The region, which must be in the European Union; None on this machine where none is set.

    No page of AWS that we found says that EMR Serverless sets AWS_REGION for a job, as Lambda does
    for a function. So the submission sets it, for driver and workers, to the region whose EMR
    Serverless it asks; a job that somebody starts without it stops here.

    Raises:
        ConfigurationError: the region is elsewhere, or unknown on a cluster.
    """
    found = {name: env[name] for name in _NAMES if env.get(name)}
    for name, region in found.items():
        if region not in EU_REGIONS:
            raise ConfigurationError(
                f"{name} is {region[:60]}, which is not in the European Union; "
                f"expected one of {', '.join(sorted(EU_REGIONS))}"
            )
    if not found and not local:
        raise ConfigurationError("AWS_REGION is not set: nothing says where this cluster is")
    return next(iter(found.values()), None)


def check_buckets(paths: Iterable[str], env: Mapping[str, str]) -> None:
    """Every bucket that a path names must be in the European Union.

    S3 says where a bucket is even to those who may not read it. Nothing is asked for paths that
    are not S3's, and no redirection is followed to where a bucket is.

    Raises:
        ConfigurationError: a bucket is elsewhere, is not there, or its region cannot be found out.
    """
    names = sorted(set(bucket_names(paths)))
    if not names:
        return
    client = _client(check_region(env, local=True))
    for name in names:
        region = _region_of(client, name)
        if region not in EU_REGIONS:
            raise ConfigurationError(
                f"bucket {name} is in {region[:60]}, which is not in the European Union"
            )


def bucket_names(paths: Iterable[str]) -> Iterator[str]:
    """The buckets of those paths that are S3's.

    Raises:
        ConfigurationError: what stands there is no name of a bucket, or neither S3 nor a folder.
    """
    for path in paths:
        scheme = _SCHEME.match(path)
        if scheme and scheme[1] not in _KNOWN:
            raise ConfigurationError(
                f"{scheme[1]}: is not known to be in the European Union: give a folder or s3://"
            )
        if scheme and scheme[1] != "file":
            match = _S3.match(path)
            if match is None or not _BUCKET.fullmatch(match[1]):
                shown = path.rpartition("@")[2][:100]  # before it may stand a secret
                raise ConfigurationError(f'"{shown}" names no bucket: expected s3://BUCKET/…')
            yield match[1]


class _AnswerError(Exception):
    """S3's first answer, which says where the bucket is: the end of asking."""

    def __init__(self, status: int, region: str | None) -> None:
        self.status, self.region = status, region
        super().__init__(status)


def _client(region: str | None) -> Any:
    import boto3
    from botocore.config import Config

    waiting = Config(
        connect_timeout=_TIMEOUT_S, read_timeout=_TIMEOUT_S, retries={"total_max_attempts": 3}
    )
    client = boto3.client("s3", region_name=region or sorted(EU_REGIONS)[0], config=waiting)
    client.meta.events.register("response-received.s3.HeadBucket", _stop)
    return client


def _stop(parsed_response: Mapping[str, Any] | None, **_: Any) -> None:
    """Before botocore follows a redirection: the region may have no way out to another one."""
    if parsed_response is not None:
        told = parsed_response["ResponseMetadata"]
        if told["HTTPStatusCode"] < 500:
            region = told["HTTPHeaders"].get("x-amz-bucket-region")
            raise _AnswerError(told["HTTPStatusCode"], region)


def _region_of(client: Any, name: str) -> str:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client.head_bucket(Bucket=name)
        why = "S3 did not answer"
    except _AnswerError as answer:
        if answer.status == 404:
            raise ConfigurationError(f"there is no bucket {name}") from None
        if answer.region is not None:
            return answer.region
        why = f"S3 answered {answer.status} without its region"
    except (BotoCoreError, ClientError) as error:
        why = brief(error)
    raise ConfigurationError(f"where bucket {name} is could not be found out: {why}")
