"""What is written down beside a document while its job runs."""

from time import time
from typing import Any, Literal, Self

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
    """How far a job is, for whoever asks."""

    state: Literal["running", "set aside"]
    matrices: int = 0
    progress: float = 0.0
    at: float  # seconds since 1970

    @classmethod
    def running(cls, matrices: int, read_bytes: int, size_bytes: int) -> Self:
        """So many matrices are predicted, and so much of the document is read."""
        progress = round(min(read_bytes / max(size_bytes, 1), 1.0), 3)
        return cls(state="running", matrices=matrices, progress=progress, at=time())

    @classmethod
    def set_aside(cls) -> Self:
        """It was tried as often as it may be, and waits for an operator."""
        return cls(state="set aside", at=time())


class Work(_Note):
    """What a job has done: enough to go on, for the same document and the same model only."""

    source: str
    model: dict[str, str]
    batch_size: int
    matrices: int
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
