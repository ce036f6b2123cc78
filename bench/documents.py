"""The documents to measure with: 5000 values a matrix, at full precision, from one seed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import FOLDER
from local.event import http_event
from tests.support import documents
from tests.support.documents import FORMS, matrices, npz, xml

__all__ = ["FORMS", "body", "document_file", "event_file", "long_file"]

XML, NPZ = "application/xml", "application/x-npz"
_DISTINCT = 64  # matrices in a long document, which then repeat under other ids


def body(count: int, form: str) -> bytes:
    """A document of `count` matrices: as text, as values, or as npz."""
    given = matrices(count)
    return npz(given) if form == "npz" else xml(given, form)


def event_file(count: int, form: str) -> Path:
    """A file with the event that API Gateway would make of a document."""
    path = FOLDER / "events" / f"{count}-{form}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    headers = {"content-type": NPZ if form == "npz" else XML}
    event = http_event("POST", "/predictions", body(count, form), headers)
    path.write_text(json.dumps(event), encoding="utf-8")
    return path


def document_file(count: int, form: str) -> Path:
    """A file with the document itself."""
    path = FOLDER / "events" / f"{count}-{form}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body(count, form))
    return path


@contextmanager
def long_file(count: int, form: str) -> Iterator[Path]:
    """A document that is too long to hold in memory, on disk while it is needed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with documents.long_file(FOLDER, count, form, _DISTINCT) as path:
        yield path
