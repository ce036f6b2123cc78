"""An event as a file: the JSON that Lambda is given, and how long the invocation has."""

import json
from dataclasses import dataclass
from typing import Any

HANDLERS = ("api", "batch")
_MOST_BYTES = 400_000


@dataclass(frozen=True, slots=True)
class Case:
    """An event.

    Attributes:
        handler: which function gets it.
        text: the event, as JSON.
        remaining_ms: what the invocation has left at its start.
    """

    handler: str
    text: bytes
    remaining_ms: int = 300_000

    def to_bytes(self) -> bytes:
        """As a file: a line about it, and the JSON."""
        return f"{self.handler} {self.remaining_ms}\n".encode() + self.text

    @classmethod
    def from_bytes(cls, content: bytes) -> "Case | None":
        """Read a file; None for one that holds no case."""
        head, _, text = content.partition(b"\n")
        handler, _, remaining_ms = head.decode(errors="replace").partition(" ")
        is_case = handler in HANDLERS and remaining_ms.isascii() and remaining_ms.isdecimal()
        if not is_case or len(text) > _MOST_BYTES or len(remaining_ms) > 9:
            return None
        return cls(handler, text, int(remaining_ms))

    def event(self) -> Any:
        """What the handler gets.

        Raises:
            ValueError: it is not JSON, or nested too deeply for Lambda's own reader.
        """
        try:
            return json.loads(self.text)
        except RecursionError as cause:
            raise ValueError("nested too deeply") from cause
