"""The target "xml"."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, BinaryIO, cast

import serving.documents

# Imported here since the service imports them with the first document of a kind, which is too late
# to look on.
import serving.documents.npy
import serving.documents.xml
from serving.documents import Document, Matrix, read_document
from serving.errors import InvalidInputError
from tests.fuzz.target import Input, Outcome
from tests.fuzz.xml import good, mutations, oracle
from tests.fuzz.xml.case import Case
from tests.fuzz.xml.oracle import Answer, Given

Read = Callable[[BinaryIO, Document], Iterator[Matrix]]

_SEEDS = 150
_AS_IT_IS = 0.3
_FRESH = 0.2  # how often a document is made anew
_LEAST_CHUNK = 4  # by fewer no encoding is found
_FILES = "collector compression document matrix npy numbers runs xml"
_READ_XML = serving.documents.xml.read


class _Slow(io.RawIOBase):
    """A file that gives few bytes at a time, as a connection does."""

    def __init__(self, content: bytes, most_bytes: int) -> None:
        self._file = io.BytesIO(content)
        self._most_bytes = most_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(memoryview(buffer)[: self._most_bytes])


@dataclass(frozen=True, slots=True)
class _Given(Given):
    case: Case


class Documents:
    """The reader of documents, as a target."""

    name = "xml"

    def __init__(self, read: Read = read_document) -> None:
        folder = Path(serving.documents.__file__).parent
        self.sources = tuple(folder / f"{name}.py" for name in _FILES.split())
        self._read = read

    def seeds(self) -> list[bytes]:
        """See `tests.fuzz.target.Target`."""
        rng = Random(0)
        return [good.document(rng).to_bytes() for _ in range(_SEEDS)]

    def mutate(self, data: bytes, other: bytes, rng: Random) -> bytes:
        """See `tests.fuzz.target.Target`."""
        case = Case.from_bytes(data)
        if case is None or rng.random() < _FRESH:
            case = good.document(rng)
            if rng.random() < _AS_IT_IS:
                return case.to_bytes()
        return mutations.mutate(case, Case.from_bytes(other) or case, rng).to_bytes()

    def prepare(self, data: bytes) -> Input | None:
        """See `tests.fuzz.target.Target`."""
        case = Case.from_bytes(data)
        return None if case is None else Input(self.given(case), case.size_bytes)

    def given(self, case: Case) -> Given:
        """What is read."""
        limits = case.named_limits
        return _Given(case.content(), case.spec.shape, limits, case)

    def run(self, given: Any) -> Answer:
        """See `tests.fuzz.target.Target`."""
        case: Case = given.case
        settings = {
            name: value
            for name in ("chunk_bytes", "shortest_run_bytes")
            if (value := getattr(case, name)) is not None
        }
        if "chunk_bytes" in settings:  # what is long is not read a few bytes at a time
            settings["chunk_bytes"] = max(
                _LEAST_CHUNK, settings["chunk_bytes"], case.size_bytes // 500
            )
        source = cast(BinaryIO, io.BytesIO(given.content))
        if case.source_bytes is not None:
            source = cast(
                BinaryIO, _Slow(given.content, max(case.source_bytes, len(given.content) // 5_000))
            )
        document = replace(Document(case.spec), limits=given.limits)
        module: Any = serving.documents.xml
        module.read = partial(_READ_XML, **settings) if settings else _READ_XML
        try:
            return list(self._read(source, document))
        except InvalidInputError as error:
            return error
        finally:
            module.read = _READ_XML

    def judge(self, given: Any, answer: Any) -> Outcome:
        """See `tests.fuzz.target.Target`."""
        return oracle.judge(given, answer)


def open_target() -> Documents:
    """The target around the reader as it is."""
    return Documents()
