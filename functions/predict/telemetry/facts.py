"""What one request or document was: noted where it is known, told where it ends.

Counts, sizes, statuses, hashes and places of code alone: never a name, an id or a value.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, TypeVar

T = TypeVar("T")


class Tracer(Protocol):
    """Who times a part of the work."""

    def span(self, name: str, facts: "Facts") -> AbstractContextManager[None]:
        """The part of that name; the facts are those of its end."""
        ...


@dataclass(slots=True)
class Facts:
    """One request of the HTTP edge, or one document of the S3 edge.

    Attributes:
        request_id, api_request_id: of the invocation, and of API Gateway.
        route: the method and the template of the address, which has no id in it.
        document: the hash of the document's name.
        outcome: of a document; "failed" for whatever ended in an exception.
        receives: how often the message came, this time included.
        matrices: predicted so far, also of a document that is refused later.
        reason: the kind of the problem that was answered.
        errors: types and places of what went wrong here.
    """

    request_id: str | None = None
    api_request_id: str | None = None
    route: str | None = None
    document: str | None = None
    outcome: str | None = None
    receives: int | None = None
    status: int | None = None
    reason: str | None = None
    matrices: int = 0
    document_bytes: int | None = None
    answer_bytes: int | None = None
    duration_ms: float = 0.0
    errors: list[str] = field(default_factory=list)

    @property
    def has_failed(self) -> bool:
        """Whether the service is at fault."""
        return self.status == 500 or self.outcome == "failed"

    @property
    def is_prediction(self) -> bool:
        """Whether predictions were made, and given."""
        return self.outcome == "predicted" or (self.status == 200 and self.matrices > 0)

    @property
    def is_refusal(self) -> bool:
        """Whether the caller got a problem that is not the service's fault."""
        return self.reason is not None and not self.has_failed


Report = Callable[[Facts], None]

# Where both are kept of the request under way; other threads that work for it see them too.
_facts: ContextVar[Facts | None] = ContextVar("facts", default=None)
_tracer: ContextVar[Tracer | None] = ContextVar("tracer", default=None)


@contextmanager
def collecting(tracer: Tracer | None = None) -> Iterator[Facts]:
    """Facts, until the end, of whatever is noted meanwhile."""
    facts = Facts()
    former, tracing = _facts.set(facts), _tracer.set(tracer)
    try:
        yield facts
    finally:
        _facts.reset(former)
        _tracer.reset(tracing)


def collected() -> Facts | None:
    """The facts of the request under way; None where nobody collects."""
    return _facts.get()


def facts() -> Facts:
    """The facts of the request under way, to note something; where nobody collects, it is lost."""
    return _facts.get() or Facts()


def counted(predictions: Iterable[T]) -> Iterator[T]:
    """Pass predictions on, and count them."""
    noted = facts()
    for prediction in predictions:
        noted.matrices += 1
        yield prediction


@contextmanager
def span(name: str) -> Iterator[None]:
    """A part of the work that is worth its time in a trace, where there is one."""
    tracer = _tracer.get()
    if tracer is None:
        yield
        return
    with tracer.span(name, facts()):
        yield


def describe(error: BaseException) -> str:
    """Its type and its place, never its message: that may quote the document."""
    return f"{type(error).__name__} at {place(error.__traceback__)}"


def place(trace: TracebackType | None) -> str:
    """Where something was raised: file and line."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "unknown"
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
