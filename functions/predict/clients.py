"""AWS's clients, and what their errors are to us."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from serving.errors import ChangedError, InvalidInputError, NotFoundError, UnavailableError

_GONE = frozenset({"404", "NoSuchKey", "NotFound"})
_CHANGED = frozenset({"412", "409", "PreconditionFailed", "ConditionalRequestConflict"})
_LOST_PARTS = frozenset({"NoSuchUpload", "InvalidPart"})
_FORBIDDEN = frozenset({"403", "AccessDenied"})
# Of GetObject, which our requests give no other reason for.
_UNREADABLE = {
    "InvalidObjectState": "archived",
    "InvalidRequest": "encrypted with a key that only its sender has (SSE-C)",
}


class ForbiddenError(UnavailableError):
    """We may not; an operator can change that."""


class RefusedError(UnavailableError):
    """S3 does not take the request, for a reason that its answer has no place for."""


def s3_client(region: str | None, endpoint: str | None) -> Any:
    """S3 of one region; what it signs names that region, or S3 answers with a redirect."""
    return _client(
        "s3",
        region,
        endpoint or f"https://s3.{region}.{_suffix(region)}",
        signature_version="s3v4",
        s3={"addressing_style": "path" if endpoint else "virtual"},
    )


def sqs_client(region: str | None, endpoint: str | None) -> Any:
    """SQS of one region."""
    return _client("sqs", region, endpoint or f"https://sqs.{region}.{_suffix(region)}")


def _suffix(region: str | None) -> str:
    """https://docs.aws.amazon.com/general/latest/gr/s3.html; the Sovereign Cloud has its own."""
    return "amazonaws.eu" if (region or "").startswith("eusc-") else "amazonaws.com"


def _client(service: str, region: str | None, endpoint: str, **options: Any) -> Any:
    config = Config(
        connect_timeout=3,
        # TLS and the ETag say enough, and an upload's parts would have to go with how it began.
        request_checksum_calculation="when_required",
        read_timeout=15,
        retries={"mode": "standard", "total_max_attempts": 5},
        **options,
    )
    return boto3.client(service, region_name=region, endpoint_url=endpoint, config=config)


@contextmanager
def translated() -> Iterator[None]:
    """AWS's errors as ours.

    Raises:
        NotFoundError: there is no such object.
        ChangedError: a condition does not hold any more.
        InvalidInputError: the object is such that nobody here can read it.
        RefusedError: of a HEAD, which gives no reason.
        ForbiddenError: we may not.
        UnavailableError: anything else, after the client's own retries.
    """
    try:
        yield
    except ClientError as cause:
        raise _ours(cause) from cause
    except (BotoCoreError, HTTPClientError, OSError) as cause:
        raise UnavailableError(f"AWS does not answer: {type(cause).__name__}") from cause


def _ours(cause: ClientError) -> Exception:
    code, operation = cause.response["Error"]["Code"], cause.operation_name
    if code in _GONE:
        return NotFoundError("there is no such object")
    if code in _CHANGED or code in _LOST_PARTS:
        return ChangedError(f"{operation}: {code}")
    if operation == "GetObject" and code in _UNREADABLE:
        return InvalidInputError(f"the document cannot be read: it is {_UNREADABLE[code]}")
    if code == "400":
        return RefusedError(f"{operation}: {code}")
    if code in _FORBIDDEN or code.startswith("KMS."):
        return ForbiddenError(f"{operation}: {code}")
    # No message: it may quote a key, and keys are the customer's words.
    return UnavailableError(f"{operation}: {code}")


@contextmanager
def explained(kms_key: str | None, our_key: str | None) -> Iterator[None]:
    """Whose fault it is that S3 lets us see a document and not read it.

    Args:
        kms_key: that it is encrypted with, if any.
        our_key: that the bucket encrypts with.

    Raises:
        ChangedError: it is not there any more.
        InvalidInputError: its sender named a key of their own.
        ForbiddenError: our role or our key is wrong; the document waits until that is mended.
    """
    try:
        yield
    except NotFoundError as cause:
        raise ChangedError("the document is not there any more") from cause
    except ForbiddenError as cause:
        if kms_key is None or kms_key == our_key:
            raise
        raise InvalidInputError(
            "the document is encrypted with a key that this service may not use: "
            "upload it without naming a key"
        ) from cause
