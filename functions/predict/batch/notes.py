"""What is written down beside a document while its job runs."""

from time import time
from typing import Any, Self

from pydantic import BaseModel, ValidationError

from predict.answer import identity
from predict.keys import Parts, Source
from serving.model import Model


class _Note(BaseModel):
    @classmethod
    def from_json(cls, content: bytes | None) -> Self | None:
        """None where there is nothing, or what another version of Verger wrote."""
        try:
            return None if content is None else cls.model_validate_json(content)
        except ValidationError:
            return None

    def to_json(self) -> bytes:
        return self.model_dump_json().encode()


class Progress(_Note):
    """How far a job is, for whoever asks.

    Attributes:
        source: the ETag of the document; empty where that is not known.
        matrices: predicted so far.
        progress: how much of the document is read, 0 to 1.
        until: in seconds since 1970, when it is given up unless it has a result by then; None
            where it is tried again whatever happens.
    """

    source: str = ""
    matrices: int = 0
    progress: float = 0.0
    until: float | None = None

    @classmethod
    def running(cls, source: Source, work: "Work", until: float | None = None) -> Self:
        """As far as the work is."""
        progress = round(min(work.read_bytes / max(source.size_bytes, 1), 1.0), 3)
        return cls(source=source.etag, matrices=work.matrices, progress=progress, until=until)

    def is_of(self, source: Source) -> bool:
        """Whether it speaks of this document, and not of one before it."""
        return self.source in ("", source.etag)

    @property
    def is_set_aside(self) -> bool:
        """Whether it was tried as often as it may be, and waits for an operator."""
        return self.until is not None and self.until <= time()


class Work(_Note):
    """What a job has done: enough to go on, for the same document and the same model only."""

    source: str
    model: dict[str, str]
    batch_size: int
    matrices: int
    read_bytes: int = 0
    upload_id: str | None = None
    etags: list[str] = []
    tail: str = ""

    @classmethod
    def begin(cls, source: Source, model: Model, batch_size: int) -> Self:
        """Nothing done yet."""
        return cls(source=source.etag, model=identity(model), batch_size=batch_size, matrices=0)

    def continues(self, fresh: Self) -> bool:
        """Whether this is the work that would be begun now."""
        same: set[str] = {"source", "model", "batch_size"}
        mine: dict[str, Any] = self.model_dump(include=same)
        return mine == fresh.model_dump(include=same)

    @property
    def parts(self) -> Parts:
        """What is written of the result; its tail may start or end inside of a letter."""
        return Parts(self.upload_id, list(self.etags), self.tail.encode("latin-1"))

    @parts.setter
    def parts(self, parts: Parts) -> None:
        self.upload_id, self.etags, self.tail = (
            parts.upload_id,
            parts.etags,
            parts.tail.decode("latin-1"),
        )
