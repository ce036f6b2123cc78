"""Which key in the bucket is what, and what is known of what is there.

uploads/<name>               the document
predictions/<name>.json      the predictions, or the problem that the document had
progress/<name>.json         how far a job is, for whoever asks
progress/<name>.work         what a job has done, for the invocation that goes on
progress/<hash>.erased       that somebody erased it, for a job that dies before it looks
"""

from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

UPLOADS, RESULTS, NOTES = "uploads/", "predictions/", "progress/"
_LONGEST_KEY_BYTES = 1024
UNREADABLE = ""  # the ETag of a document that S3 does not let us see


@dataclass(frozen=True, slots=True)
class Source:
    """A document as it was when it was looked at."""

    name: str
    etag: str
    size_bytes: int
    kms_key: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What is known of a result: of which document it is, and what it says."""

    etag: str
    source_etag: str
    status: int
    size_bytes: int


@dataclass(slots=True)
class Parts:
    """What was written of a result so far; can be kept, and be gone on with."""

    upload_id: str | None = None
    etags: list[str] = field(default_factory=list)
    tail: bytes = b""


class Note(StrEnum):
    """What is noted beside a document."""

    PROGRESS = ".json"
    WORK = ".work"
    ERASED = ".erased"


def note_key(name: str, kind: Note) -> str:
    """Where a note on a document is."""
    if kind is Note.ERASED:  # it outlives the document, whose name may say whose it was
        name = sha256(name.encode()).hexdigest()
    return f"{NOTES}{name}{kind}"


def is_name(name: str) -> bool:
    """Whether a document of that name can have a result: S3 takes keys of 1,024 bytes of text."""
    try:
        return len(name) > 0 and len(result_key(name).encode()) <= _LONGEST_KEY_BYTES
    except UnicodeEncodeError:  # half a surrogate pair
        return False


def result_key(name: str) -> str:
    """Where the result of a document is."""
    return f"{RESULTS}{name}.json"
