"""Messages: S3's own form, EventBridge's, and what is neither."""

import json
from typing import Any

import pytest

from local.event import load_event
from predict.batch.deliveries import DeliveryError, names


def s3_event(key: str, name: str = "ObjectCreated:Put", bucket: str = "documents") -> str:
    event = load_event("predict_s3_document")
    message: dict[str, Any] = json.loads(event["Records"][0]["body"])
    [record] = message["Records"]
    record["eventName"] = name
    record["s3"]["bucket"]["name"] = bucket
    record["s3"]["object"]["key"] = key
    return json.dumps(message)


def bridge_event(key: str, kind: str = "Object Created", bucket: str = "documents") -> str:
    return json.dumps(
        {
            "version": "0",
            "detail-type": kind,
            "source": "aws.s3",
            "detail": {"bucket": {"name": bucket}, "object": {"key": key, "size": 5}},
        }
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(s3_event("uploads/a.xml"), ["a.xml"], id="plain"),
        pytest.param(s3_event("uploads/a+b%2Bc.xml"), ["a b+c.xml"], id="space and plus"),
        pytest.param(s3_event("uploads/n%C3%A4chtlich%20.xml"), ["nächtlich .xml"], id="accent"),
        pytest.param(s3_event("uploads%2Fa.xml"), ["a.xml"], id="slash encoded as well"),
        pytest.param(s3_event("uploads/a%2520b"), ["a%20b"], id="decoded once"),
        pytest.param(s3_event("uploads/a", "ObjectCreated:Copy"), ["a"], id="copied"),
        pytest.param(s3_event("uploads/night/"), [], id="a folder"),
        pytest.param(s3_event("uploads/a", "ObjectRemoved:Delete"), [], id="removed"),
        pytest.param(bridge_event("uploads/a b+c%20.xml"), ["a b+c%20.xml"], id="EventBridge"),
        pytest.param(bridge_event("uploads/a", "Object Deleted"), [], id="EventBridge, deleted"),
        pytest.param('{"Service": "Amazon S3", "Event": "s3:TestEvent"}', [], id="test event"),
        pytest.param('{"Records": []}', [], id="no records"),
    ],
)
def test_names_are_read(body: str, expected: list[str]) -> None:
    assert names(body, "documents") == expected


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param("hello", "not an event of S3", id="text"),
        pytest.param("[]", "not an event of S3", id="list"),
        pytest.param('{"detail": 1, "detail-type": "Object Created"}', "not an event", id="number"),
        pytest.param('{"Records": [{}]}', "not an event of S3", id="empty record"),
        pytest.param(s3_event("uploads/%FF"), "not an event of S3", id="not UTF-8"),
        pytest.param(s3_event("uploads/a", bucket="other"), "another bucket", id="other bucket"),
        pytest.param(bridge_event("uploads/a", bucket="other"), "another bucket", id="and there"),
        pytest.param(s3_event("uploads/" + "x" * 1008), "too long", id="no room for a result"),
        pytest.param(s3_event("predictions/a.json"), "does not start with", id="our own result"),
    ],
)
def test_names_fail_aloud(body: str, reason: str) -> None:
    with pytest.raises(DeliveryError, match=reason):
        names(body, "documents")
