"""A full /tmp: who asks is told to try again, nothing is lost, and other documents are answered."""

import json
from typing import Any

from local.api import host_of_containers
from local.aws import BUCKET, Aws
from local.delivery import deliver
from local.event import body_of, http_event
from tests.container.functions import container, invoke
from tests.container.test_large import batch_function
from tests.support.batch import left, put
from tests.support.documents import matrices, npz, xml

# An npz of 16.2 MB is kept on disk while it is read; of 4 MB, in memory.
_LONG, _SHORT = 405, 100
_SMALL = ("--tmpfs", "/tmp:size=8m")


def test_a_link_to_a_document_that_finds_no_room_is_answered_with_503(fast_image: str) -> None:
    with Aws(host_of_containers()) as aws:
        given = [text for item in aws.env.items() for text in ("--env", "=".join(item))]
        with container(fast_image, *given, *_SMALL) as address:
            put(aws, "long.npz", npz(matrices(_LONG)))
            put(aws, "short.npz", npz(matrices(_SHORT)))
            answers = [_ask(aws, address, name) for name in ("long.npz", "short.npz", "long.npz")]
    assert [answer["statusCode"] for answer in answers] == [503, 200, 503]
    problem = json.loads(body_of(answers[0]))
    assert "cannot be kept on disk meanwhile: No space left on device" in problem["detail"]


def _ask(aws: Aws, address: str, name: str) -> dict[str, Any]:
    link = aws.client("s3").generate_presigned_url(
        "get_object", Params={"Bucket": BUCKET, "Key": f"uploads/{name}"}
    )
    body = json.dumps({"url": link}).encode()
    event = http_event("POST", "/predictions", body, {"content-type": "application/json"})
    return invoke(address, event)


def test_an_upload_that_finds_no_room_is_tried_again(fast_image: str) -> None:
    with batch_function(fast_image, *_SMALL, visibility_s=1) as batch:
        answers: list[Any] = []

        def once(event: Any) -> Any:
            answers.append(invoke(batch.address, event))
            return answers[-1]

        put(batch.aws, "long.npz", npz(matrices(_LONG)))
        # The first message is the one that S3 sends when the queue is set up.
        for failures in (0, 1):
            assert deliver(batch.aws.client("sqs"), batch.aws.queue_url, once)
            assert len(answers[-1]["batchItemFailures"]) == failures
        assert not left(batch.aws, "long.npz")
        put(batch.aws, "other.xml", xml(matrices(3)))
        while not _results(batch.aws):
            assert deliver(batch.aws.client("sqs"), batch.aws.queue_url, once)
        assert _results(batch.aws) == ["predictions/other.xml.json"]


def _results(aws: Aws) -> list[str]:
    listed = aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="predictions/")
    return [found["Key"] for found in listed.get("Contents", [])]
