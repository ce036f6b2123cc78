"""What happens in a run, as far as a seed can say it: documents, messages, and what hits them.

A step of a document is the n-th call of one kind that is made for it, whoever makes it. What hits
a document is tied to its steps, so it comes at the same place however the threads run.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Step(NamedTuple):
    """The n-th call of one kind for one document, from 1."""

    operation: str
    call: int


class Trouble(StrEnum):
    """What makes an invocation fail that could have succeeded; each passes."""

    SPELL = "an error that outlasts the client's retries"
    DENIED = "denied once (403)"
    CUT = "cut where the client does not retry"
    KILLED_BEFORE = "killed before a call of AWS"
    KILLED_AFTER = "killed when AWS had done a call"
    KILLED_AT = "killed at any moment"


KILLS = frozenset({Trouble.KILLED_BEFORE, Trouble.KILLED_AFTER, Trouble.KILLED_AT})


class Loss(StrEnum):
    """Why S3 never gives a document."""

    SLOW_DOWN = "503, always"
    DENIED = "403, always"
    BROKEN = "breaks off at the first byte, always"


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody does to a document at one of its steps.

    Attributes:
        after: when AWS has done the call, else before it does.
        content: what it becomes; None where it is erased.
    """

    step: Step
    after: bool
    content: bytes | None


@dataclass(slots=True)
class Entry:
    """A document and its fate.

    Attributes:
        contents: of the first one, and of those that it becomes; None where it is erased.
        delays: of kills, in seconds from an invocation's start.
    """

    name: str
    kind: str
    content: bytes
    changes: list[Change] = field(default_factory=list)
    troubles: dict[Step, Trouble] = field(default_factory=dict)
    delays: dict[Step, float] = field(default_factory=dict)
    lost: Loss | None = None

    @property
    def last(self) -> bytes | None:
        """What it is in the end; None if it is erased."""
        return self.changes[-1].content if self.changes else self.content

    @property
    def group(self) -> str:
        """For the counts."""
        if self.lost:
            return f"never given by S3: {self.lost}"
        if self.changes:
            return "erased" if self.last is None else "overwritten"
        return self.kind


class Send(NamedTuple):
    """A message that we send to the queue, beside those that S3 sends."""

    kind: str
    body: str


class Put(NamedTuple):
    """A document that is put into the bucket."""

    entry: Entry


@dataclass(slots=True)
class Plan:
    """A whole run.

    Attributes:
        feed: what is put and sent, in order.
        strangers: messages that can never succeed.
        awaited: how many messages of each lost document are set aside.
    """

    seed: int
    entries: dict[str, Entry]
    feed: list[Put | Send]
    strangers: list[str]
    awaited: dict[str, int]

    @property
    def deliveries(self) -> int:
        """How many messages there are, without those that come back."""
        puts = sum(1 + sum(c.content is not None for c in e.changes) for e in self.entries.values())
        return puts + len(self.sent)

    @property
    def sent(self) -> list[Send]:
        """The messages that S3 does not send."""
        return [item for item in self.feed if isinstance(item, Send)]

    def kept(self) -> Iterator[Entry]:
        """The documents that must have a result in the end."""
        return (e for e in self.entries.values() if e.last is not None and not e.lost)
