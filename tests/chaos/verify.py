"""What was promised, held against what is there in the end."""

import hashlib
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from local.aws import BUCKET, Aws
from predict.batch.notes import Progress
from predict.contract import PROBLEM_TYPE
from predict.keys import Note, note_key
from serving.model import Model
from tests.chaos.documents import MARKER, expect
from tests.chaos.plan import Entry, Plan
from tests.chaos.run import Outcome


@dataclass(frozen=True, slots=True)
class Found:
    """What there is in the end.

    Attributes:
        versions: of each result, how often it was written and how often removed.
        notes: their contents by key.
        uploads: keys of unfinished uploads by id.
    """

    versions: dict[str, tuple[int, int]]
    notes: dict[str, bytes]
    uploads: dict[str, str]
    dead: Counter[str]


def look(aws: Aws) -> Found:
    """Look at the bucket and the dead letters."""
    s3 = aws.client("s3")
    written: Counter[str] = Counter()
    removed: Counter[str] = Counter()
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET, Prefix="predictions/")
    for page in pages:
        written.update(version["Key"] for version in page.get("Versions", []))
        removed.update(marker["Key"] for marker in page.get("DeleteMarkers", []))
    keys = [
        item["Key"]
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="progress/")
        for item in page.get("Contents", [])
    ]
    uploads = s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    return Found(
        {key: (written[key], removed[key]) for key in written | removed},
        {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys},
        {upload["UploadId"]: upload["Key"] for upload in uploads},
        Counter(dead_letters(aws)),
    )


def dead_letters(aws: Aws) -> list[str]:
    """The messages that were set aside; they are taken out."""
    sqs = aws.client("sqs")
    bodies = []
    while found := sqs.receive_message(
        QueueUrl=aws.dead_letters_url, MaxNumberOfMessages=10, VisibilityTimeout=3600
    ).get("Messages"):
        bodies += [message["Body"] for message in found]
    return bodies


class Check:
    """Collects what does not hold, as sentences.

    Attributes:
        broken: by promise.
    """

    def __init__(self, plan: Plan, aws: Aws, model: Model, outcome: Outcome) -> None:
        self._plan = plan
        self._s3 = aws.client("s3")
        self._model = model
        self._outcome = outcome
        self._found = look(aws)
        self.broken: defaultdict[str, list[str]] = defaultdict(list)

    def run(self) -> dict[str, list[str]]:
        """Each promise, with what breaks it."""
        self._end()
        for entry in self._plan.entries.values():
            self._document(entry)
        self._nothing_else()
        self._dead_letters()
        self._leftovers()
        self._logs()
        return {promise: self.broken[promise] for promise in PROMISES}

    def _end(self) -> None:
        if not self._outcome.drained:
            self.broken[DRAINED].append("messages are left")
        self.broken[DRAINED] += self._outcome.errors

    def _document(self, entry: Entry) -> None:
        key = f"predictions/{entry.name}.json"
        written, removed = self._found.versions.get(key, (0, 0))
        result = self._result(key)
        who = f"{entry.group}, {entry.name}"
        if entry.last is None or entry.lost:
            if result is not None:
                promise = NO_MORE if entry.last is None else DEAD
                self.broken[promise].append(f"{who}: has a result of status {result[0]}")
            return
        expected = expect(entry.last, self._model)
        promise = GOOD if expected.status == 200 else BAD
        if result is None:
            self.broken[promise].append(f"{who}: has no result")
        elif result != (expected.status, expected.sha256):
            self.broken[promise].append(f"{who}: result {result}, expected {expected}")
        if not entry.changes and (written, removed) != (1, 0):
            self.broken[ONCE].append(f"{who}: written {written} times, removed {removed} times")

    def _result(self, key: str) -> tuple[int, str] | None:
        """Status and SHA-256 of what is there now."""
        try:
            found = self._s3.get_object(Bucket=BUCKET, Key=key)
        except self._s3.exceptions.NoSuchKey:
            return None
        body = found["Body"].read()
        status = int(found["Metadata"]["status"])
        said = 200 if found["ContentType"] == "application/json" else json.loads(body)["status"]
        if said != status or (said != 200) != (found["ContentType"] == PROBLEM_TYPE):
            return -1, found["ContentType"]
        return status, hashlib.sha256(body).hexdigest()

    def _nothing_else(self) -> None:
        known = {f"predictions/{name}.json" for name in self._plan.entries}
        for key in self._found.versions.keys() - known:
            self.broken[NOTHING_ELSE].append(f"{key}: a result of no document")
        kept = {f"progress/{e.name}.json" for e in self._plan.entries.values() if e.lost}
        erased = {
            note_key(e.name, Note.ERASED) for e in self._plan.entries.values() if e.last is None
        }
        for key in self._found.notes.keys() - kept - erased:
            self.broken[NOTHING_ELSE].append(f"{key}: a note that was left behind")
        for key in kept:
            note = Progress.from_json(self._found.notes.get(key))
            if note is None or note.until is None:
                self.broken[DEAD].append(f"{key}: does not say that it was set aside: {note}")

    def _dead_letters(self) -> None:
        sent = {item.body for item in self._plan.sent}
        own = Counter(
            body if body in sent else _event_key(body) for body in self._found.dead.elements()
        )
        expected = Counter(self._plan.strangers)
        for name in self._plan.awaited:
            expected[quote_plus(f"uploads/{name}")] += 1
        repeated = [s.body for s in self._plan.sent if s.kind.endswith("never gives")]
        expected.update(repeated)
        for body in own - expected:
            self.broken[DEAD].append(f"set aside, and should not be: {body}")
        for body in expected - own:
            self.broken[DEAD].append(f"not set aside, and should be: {body}")

    def _leftovers(self) -> None:
        for upload, key in self._found.uploads.items():
            if upload not in self._outcome.lost_uploads:
                name = key.removeprefix("predictions/").removesuffix(".json")
                group = self._plan.entries[name].group
                self.broken[UPLOADS].append(f"{group}, {name}: left behind by no kill")

    def _logs(self) -> None:
        for log in self._outcome.logs:
            if str(MARKER) in log:
                self.broken[LOGS].append("a log holds a value")
            if any(name in log for name in self._plan.entries):
                self.broken[LOGS].append("a log holds a document's name")

    @property
    def unfinished(self) -> int:
        """Uploads that killed functions left to the bucket's rule."""
        return len(self._found.uploads.keys() & self._outcome.lost_uploads)

    @property
    def set_aside(self) -> int:
        """How many messages are in the dead-letter queue."""
        return self._found.dead.total()


def _event_key(body: str) -> str:
    """The key that an event of S3 speaks of, encoded as it is there."""
    try:
        [record] = json.loads(body)["Records"]
        key: Any = record["s3"]["object"]["key"]
    except (ValueError, KeyError, TypeError):
        return body
    return str(key)


GOOD = "Every good document has the result that the inline path gives, to the byte"
BAD = "Every bad document has the problem that the inline path gives"
ONCE = "A document that nobody changed had its result written once, and never removed"
NO_MORE = "An erased document has no result"
DEAD = "The dead-letter queue holds what could not succeed, once for each message, and nothing else"
NOTHING_ELSE = "There are no other results, and no notes of finished documents"
UPLOADS = "No upload is left unfinished but by a killed function, or one whose id was never heard"
LOGS = "No log holds a value or a name of a document"
DRAINED = "In the end the queue is empty, and every event source runs"
PROMISES = (GOOD, BAD, ONCE, NO_MORE, DEAD, NOTHING_ELSE, UPLOADS, LOGS, DRAINED)
