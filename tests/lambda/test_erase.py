"""Erased is erased: after DELETE nothing of a document is anywhere, whatever had become of it.

Documents carry a marker, as an id and as a value. They go the way that a customer's go: form,
upload, batch, result, each function under AWS's runtime emulator; then everything that they could
have touched is searched.
"""

import contextlib
import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from client.service import Form
from client.upload import send
from local import redrive
from local.aws import BUCKET, Aws
from local.delivery import deliver, sqs_event
from local.emulator import Emulator, EmulatorError
from local.event import body_of, http_event
from serving.documents import Matrix
from tests.support.documents import matrices, npz, one, xml
from tests.support.models import heavy

BATCH = "predict.batch.handler.batch"
MARKER, VALUE = "patient-4711-müller", 0.7654321987
TEXTS = [MARKER, str(VALUE)]
# In text, in an npz's array of ids, and as a value of an array.
BYTES = [
    *(text.encode() for text in TEXTS),
    MARKER.encode("utf-32-le"),
    np.float64(VALUE).tobytes(),
]


@dataclass
class Place:
    """One service with its own bucket and queues, and what it could leave something in."""

    aws: Aws
    bundle: Path
    folder: Path
    api: Emulator
    logs: list[str]
    id: str = ""

    def upload(self, document: bytes) -> None:
        """As a customer does: by a form."""
        content = json.loads(body_of(self.api.invoke(http_event("POST", "/uploads"))))
        self.id = content["id"]
        upload = content["upload"]
        form = Form(self.id, upload["url"], tuple(upload["fields"].items()), "file", 10**9)
        send(form, io.BytesIO(document), len(document), lambda _: None)

    def ask(self, method: str) -> int:
        """What the service answers for the prediction."""
        answer = self.api.invoke(http_event(method, f"/predictions/{self.id}"))
        return int(answer["statusCode"])

    @contextlib.contextmanager
    def batch(self, timeout_s: int = 60, hand_over_s: int = 3) -> Iterator[Emulator]:
        """The batch function; its log is searched in the end."""
        env = {"MODEL_DIR": str(self.bundle), "HAND_OVER_S": str(hand_over_s)}
        env |= {"TMPDIR": str(self.folder), "AWS_LAMBDA_LOG_FORMAT": "JSON"} | self.aws.env
        with Emulator(env, handler=BATCH, timeout_s=timeout_s) as emulator:
            self.start(emulator)
            yield emulator
            self.logs.append(emulator.log())

    def start(self, emulator: Emulator) -> None:
        """Its cold start first, so that a document has all of an invocation."""
        body = json.dumps({"Event": "s3:TestEvent"})
        message = {"MessageId": "1", "ReceiptHandle": "1", "Body": body}
        event = sqs_event([message | {"Attributes": {"ApproximateReceiveCount": "1"}}])
        deadline = time.monotonic() + 90
        while True:
            assert time.monotonic() < deadline, "the batch does not start"
            with contextlib.suppress(EmulatorError):
                if emulator.invoke(event) == {"batchItemFailures": []}:
                    return

    def drain(self, times: int = 20) -> None:
        """Deliver what waits, and what that brings about."""
        with self.batch() as emulator:
            for _ in range(times):
                # One that was looked at is hidden for a second.
                if not self.deliver(emulator.invoke) and not count(self.aws, self.aws.queue_url):
                    return

    def deliver(self, invoke: Callable[[Any], Any]) -> int:
        return deliver(self.aws.client("sqs"), self.aws.queue_url, invoke, wait_s=1)


@contextlib.contextmanager
def opened(tmp_path: Path, bundle: Path, max_receives: int = 20) -> Iterator[Place]:
    """Looking into a queue counts as a try of what is in it: so there are many, or none."""
    (tmp_path / "tmp").mkdir()
    with Aws(smallest_part_bytes=1, visibility_s=1, max_receives=max_receives) as aws:
        aws.client("sqs").purge_queue(QueueUrl=aws.queue_url)  # S3's test event
        env = {"MODEL_DIR": str(bundle), "TMPDIR": str(tmp_path / "tmp")} | aws.env
        with Emulator(env | {"AWS_LAMBDA_LOG_FORMAT": "JSON"}) as api:
            yield Place(aws, bundle, tmp_path / "tmp", api, [])


def values(count: int = 5000) -> NDArray[Any]:
    return np.full((count, 1), VALUE)


DOCUMENT = xml([Matrix(MARKER, values()), *matrices(3)])


def waiting(place: Place) -> None:
    """It has arrived, and nobody has looked at it."""
    place.upload(DOCUMENT)
    assert place.ask("GET") == 202


def done(place: Place) -> None:
    """It has its result, in which the marker is an id."""
    place.upload(DOCUMENT)
    place.drain()
    assert place.ask("GET") == 200


def done_from_disk(place: Place) -> None:
    """An npz is kept on disk while it is read."""
    place.upload(npz([Matrix(MARKER, values())]))
    place.drain()
    assert place.ask("GET") == 200


def refused(place: Place) -> None:
    """Its result is the problem, which names the matrix."""
    place.upload(one(f"{VALUE} 2", f' id="{MARKER}"'))
    place.drain()
    assert place.ask("GET") == 422


def continued(place: Place) -> None:
    """A part of its result is written down for the next invocation."""
    heavy(place.folder.parent)  # some 20 ms a matrix, and two seconds for each invocation
    place.bundle = place.folder.parent / "bundle"
    place.upload(xml([Matrix(f"{MARKER}{i}", values(400)) for i in range(500)]))
    s3, work = place.aws.client("s3"), f"progress/{place.id}.work"
    with place.batch(timeout_s=20, hand_over_s=18) as emulator:
        deadline = time.monotonic() + 90
        # A busy machine may do no batch in time; the message then comes back.
        while not s3.list_objects_v2(Bucket=BUCKET, Prefix=work)["KeyCount"]:
            assert time.monotonic() < deadline, "it was not continued"
            with contextlib.suppress(EmulatorError):
                place.deliver(emulator.invoke)
    assert json.loads(s3.get_object(Bucket=BUCKET, Key=work)["Body"].read())["tail"]
    leave_parts(place)
    assert place.ask("GET") == 202


def set_aside(place: Place) -> None:
    """It failed as often as it may: there was never enough time for it."""
    place.upload(DOCUMENT)
    leave_parts(place)
    sqs = place.aws.client("sqs")
    with place.batch(hand_over_s=1000) as emulator:

        def fail(event: Any) -> Any:
            answer = emulator.invoke(event)
            [record] = event["Records"]
            receipt = {"QueueUrl": place.aws.queue_url, "ReceiptHandle": record["receiptHandle"]}
            sqs.change_message_visibility(**receipt, VisibilityTimeout=0)  # not in 15 s, but now
            return answer

        deadline = time.monotonic() + 60
        while not messages(place.aws, place.aws.dead_letters_url):
            assert time.monotonic() < deadline, "it was not set aside"
            place.deliver(fail)
    assert place.ask("GET") == 503


def leave_parts(place: Place) -> None:
    """What a result of more than 8 MB has beside its notes, and a function that died leaves."""
    s3, key = place.aws.client("s3"), {"Bucket": BUCKET, "Key": f"predictions/{place.id}.json"}
    for _ in range(2):
        begun = s3.create_multipart_upload(**key)["UploadId"]
        s3.upload_part(**key, UploadId=begun, PartNumber=1, Body=MARKER.encode())


def count(aws: Aws, url: str) -> int:
    """How many messages are in a queue, hidden or not."""
    asked = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    return sum(int(asked["Attributes"][name]) for name in names)


def messages(aws: Aws, url: str) -> list[str]:
    """What is in a queue, hidden or not; it stays there."""
    found: list[str] = []
    deadline = time.monotonic() + 20
    while len(found) < count(aws, url):
        assert time.monotonic() < deadline, f"{len(found)} messages were seen, and no more"
        seen = aws.client("sqs").receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, VisibilityTimeout=1
        )
        found += [message["Body"] for message in seen.get("Messages", [])]
    return found


def stored(aws: Aws) -> dict[str, bytes]:
    """All that is in the bucket: every version with what describes it, every unfinished upload."""
    s3, found = aws.client("s3"), {}
    listed = s3.list_object_versions(Bucket=BUCKET)
    for version in [*listed.get("Versions", []), *listed.get("DeleteMarkers", [])]:
        found[f"{version['Key']} {version['VersionId']}"] = b""
        if "Size" in version:
            which = {"Key": version["Key"], "VersionId": version["VersionId"]}
            answer = s3.get_object(Bucket=BUCKET, **which)
            about = json.dumps([answer["Metadata"], answer["ContentType"]]).encode()
            found[f"{version['Key']} {version['VersionId']}"] = answer["Body"].read() + about
    for upload in s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []):
        found[f"{upload['Key']} unfinished"] = b""
    return found


def traces(place: Place) -> list[str]:
    """Where something of the document is, or its id; the note on its end has the hash of that."""
    needles = [*BYTES, place.id.encode()]
    places = {
        f"bucket: {key}": f"{key} ".encode() + body for key, body in stored(place.aws).items()
    }
    for name, url in (("queue", place.aws.queue_url), ("dead", place.aws.dead_letters_url)):
        places |= {f"{name} {i}": body.encode() for i, body in enumerate(messages(place.aws, url))}
    for path in place.folder.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        places[f"/tmp: {path.name}"] = path.name.encode() + content
    places |= {f"log {i}": log.encode() for i, log in enumerate([*place.logs, place.api.log()])}
    return sorted(where for where, content in places.items() if any(n in content for n in needles))


STATES = [waiting, continued, done, done_from_disk, refused, set_aside]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_nothing_is_left(tmp_path: Path, bundle: Path, state: Callable[[Place], None]) -> None:
    with opened(tmp_path, bundle, 1 if state is set_aside else 20) as place:
        state(place)
        hold_that_it_is_erased(place)


def test_nothing_is_left_of_versions(tmp_path: Path, bundle: Path) -> None:
    """Our bucket keeps none; one that somebody gave them is emptied of them as well."""
    with opened(tmp_path, bundle) as place:
        on = {"Status": "Enabled"}
        place.aws.client("s3").put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=on)
        done(place)
        hold_that_it_is_erased(place)


def hold_that_it_is_erased(place: Place) -> None:
    assert [where for where in traces(place) if where.startswith("bucket")]
    assert place.ask("DELETE") == 204
    # A message names the document and holds nothing of it, until somebody takes it.
    assert all(where.startswith(("queue", "dead")) for where in traces(place))
    sqs = place.aws.client("sqs")
    deadline = time.monotonic() + 30
    while count(place.aws, place.aws.dead_letters_url):  # looking has hidden them for a second
        assert time.monotonic() < deadline, "dead letters stay"
        redrive.redrive(sqs, place.aws.dead_letters_url, place.aws.queue_url)
    place.drain()
    assert traces(place) == []
    assert place.ask("GET") == 404
    assert place.ask("DELETE") == 404


def test_a_search_finds_what_is_there(tmp_path: Path, bundle: Path) -> None:
    """Else it would prove nothing: in the bucket, in a queue, on disk and in a log."""
    with opened(tmp_path, bundle) as place:
        place.upload(DOCUMENT)
        (place.folder / "left").write_bytes(values(1).tobytes())
        place.logs.append(f"x {MARKER}")
        found = traces(place)
    assert [where.partition(" ")[0] for where in found] == ["/tmp:", "bucket:", "log", "queue"]
