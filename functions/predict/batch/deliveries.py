"""From a message of the queue to the names of the documents that it speaks of.

S3 writes to the queue by itself or through EventBridge; both forms are read.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

from aws_lambda_powertools.utilities.data_classes import S3Event, S3EventBridgeNotificationEvent

from predict.keys import UPLOADS, is_name
from serving.errors import ServingError


class DeliveryError(ServingError):
    """A message that no document can be found by: a deployment or a stranger is wrong."""


def names(body: str, bucket: str) -> list[str]:
    """The documents that a message announces; none for a test event or a folder.

    Raises:
        DeliveryError: the message is none of S3's, or speaks of another bucket or place.
    """
    try:
        message = json.loads(body)
        if message.get("Event") == "s3:TestEvent":  # arrives when the notification is set up
            return []
        keys = list(_keys(message, bucket))
    except (ValueError, KeyError, TypeError, AttributeError) as cause:
        raise DeliveryError("the message is not an event of S3") from cause
    return [_name(key) for key in keys if not key.endswith("/")]  # a folder of the console


def _keys(message: Mapping[str, Any], bucket: str) -> Iterator[str]:
    if "detail" in message:
        detail = S3EventBridgeNotificationEvent(dict(message)).detail
        if message["detail-type"] == "Object Created":
            # As it is: only S3's own events are form-encoded.
            yield _of(bucket, detail.bucket.name, detail.object["key"])
        return
    for record in S3Event(dict(message)).records:
        if record.event_name.startswith("ObjectCreated:"):
            # A space arrives as "+".
            key = unquote_plus(record.s3.get_object.key, errors="strict")
            yield _of(bucket, record.s3.bucket.name, key)


def _of(bucket: str, named: str, key: str) -> str:
    if named != bucket:
        raise DeliveryError("the message speaks of another bucket")
    return key


def _name(key: str) -> str:
    if not key.startswith(UPLOADS):
        raise DeliveryError(f"the message speaks of a key that does not start with {UPLOADS}")
    name = key.removeprefix(UPLOADS)
    if not is_name(name):
        raise DeliveryError("the key of the document is too long for that of its result")
    return name
