"""The batch path for tests: a document in, an outcome and a result out."""

import json
from typing import Any

from local.aws import BUCKET, Aws
from predict.batch.deadline import Deadline
from predict.keys import Note, note_key, result_key
from predict.store import Store

FOREVER = Deadline(lambda: 300.0, 30.0)


def put(aws: Aws, name: str, content: bytes, **options: Any) -> None:
    """Upload a document."""
    aws.client("s3").put_object(Bucket=BUCKET, Key=f"uploads/{name}", Body=content, **options)


def result(store: Store, name: str) -> bytes:
    """The bytes of a result."""
    found = store.result(name)
    assert found is not None
    return store.result_body(name, found)


def problem(store: Store, name: str) -> dict[str, Any]:
    """The problem that a document had."""
    found = store.result(name)
    assert found is not None
    content: dict[str, Any] = json.loads(result(store, name))
    assert found.status == content["status"] != 200
    return content


def left(aws: Aws, name: str) -> set[str]:
    """What there is of a document beside itself and its result."""
    s3 = aws.client("s3")
    begins = (f"progress/{name}", note_key(name, Note.ERASED))
    listed = [s3.list_objects_v2(Bucket=BUCKET, Prefix=each) for each in begins]
    notes = [note for page in listed for note in page.get("Contents", [])]
    uploads = s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    unfinished = {upload["Key"] for upload in uploads}
    return {note["Key"] for note in notes} | ({result_key(name)} & unfinished)


class Limited:
    """The clock of an invocation, which counts how often it is looked at."""

    def __init__(self, looks: int) -> None:
        self._left = looks

    def remaining_s(self) -> float:
        self._left -= 1
        return 300.0 if self._left > 0 else 0.0

    @property
    def deadline(self) -> Deadline:
        return Deadline(self.remaining_s, 30.0)
