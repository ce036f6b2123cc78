"""Compares both readers on documents that hypothesis generates."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.parsers.documents import Page, documents, pages
from tests.fuzz.session import Bounds, Session
from tests.fuzz.xml.target import Documents

_MOST_EXAMPLES = 10**9  # it ends by the number of documents


class _EnoughError(BaseException):
    """Not an Exception, which hypothesis would look into."""


@dataclass(slots=True)
class Comparison:
    """What came of it; disagreements are the findings of the session."""

    session: Session
    pages: int = 0
    seen: set[bytes] = field(default_factory=set)

    @property
    def count(self) -> int:
        """How many different documents were compared."""
        return len(self.seen)

    def __str__(self) -> str:
        kinds = self.session.count.kinds
        disagreements = sum(self.session.count.repeated.values())
        return (
            f"parsers: {self.count:,} documents of {self.pages:,} examples, "
            f"{kinds['read']:,} read, {kinds['refused']:,} refused by both, "
            f"{disagreements:,} disagreements; {self.session.seconds:.0f} s, "
            f"{self.session.cpu_seconds:.0f} of the processor"
        )


def compare(
    wanted: int,
    chosen: int,
    folder: Path,
    target: Documents | None = None,
    progress: Callable[[Session], None] | None = None,
) -> Comparison:
    """Compare so many documents, none of them twice.

    Args:
        chosen: the seed.
        folder: for those that they disagree on.
    """
    # The memory of the process tells nothing: hypothesis keeps all that it drew.
    bounds = Bounds(sample_every=10**9, peak_every=5_000)
    session = Session(target or Documents(), folder, bounds, progress=progress)
    comparison = Comparison(session)

    @seed(chosen)
    @settings(
        max_examples=_MOST_EXAMPLES,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(pages())
    def each(page: Page) -> None:
        comparison.pages += 1
        for case in documents(page):
            data = case.to_bytes()
            known = blake2b(case.text + case.shape.encode(), digest_size=12).digest()
            if known in comparison.seen:
                continue
            comparison.seen.add(known)
            session.execute(data)
            if comparison.count >= wanted or session.is_over:
                raise _EnoughError

    with suppress(_EnoughError):
        each()
    return comparison
