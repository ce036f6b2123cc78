"""The target "events"."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

# Imported here since the service imports them with the first request that needs them, which is too
# late to look on.
import predict.batch.edge
import predict.uploads
import predict.v2.request
import predict.v2.response
from tests.fuzz.events import good, mutations, oracle
from tests.fuzz.events.case import Case
from tests.fuzz.events.oracle import Answer
from tests.fuzz.events.output import caught
from tests.fuzz.events.services import Context, Services, open_services
from tests.fuzz.target import Input, Outcome

_SEEDS = 200
_AS_IT_IS = 0.3
_FRESH = 0.25  # how often an event is made anew
_HURRIED_MS = 60_000  # with less than this an invocation may end before its work
_FILES = "gateway problems refusals request uploads batch/edge batch/deliveries batch/job store"


@dataclass(frozen=True, slots=True)
class _Given:
    case: Case
    event: Any
    read_again: Any  # the same event, since a handler may change its own


class Events:
    """The functions, as a target."""

    name = "events"

    def __init__(self, services: Services) -> None:
        self.services = services
        folder = Path(predict.uploads.__file__).parent
        self.sources = tuple(folder / f"{name}.py" for name in _FILES.split())

    def seeds(self) -> list[bytes]:
        """See `tests.fuzz.target.Target`."""
        rng = Random(0)
        return [good.event(rng).to_bytes() for _ in range(_SEEDS)]

    def mutate(self, data: bytes, other: bytes, rng: Random) -> bytes:
        """See `tests.fuzz.target.Target`."""
        case = Case.from_bytes(data)
        if case is None or rng.random() < _FRESH:
            case = good.event(rng)
            if rng.random() < _AS_IT_IS:
                return case.to_bytes()
        return mutations.mutate(case, Case.from_bytes(other) or case, rng).to_bytes()

    def prepare(self, data: bytes) -> Input | None:
        """See `tests.fuzz.target.Target`."""
        case = Case.from_bytes(data)
        try:
            given = None if case is None else _Given(case, case.event(), case.event())
        except ValueError:
            return None
        return None if given is None else Input(given, len(data))

    def run(self, given: _Given) -> Answer:
        """See `tests.fuzz.target.Target`."""
        self.services.reset()
        handle = self.services.handlers[given.case.handler]
        value, raised = None, None
        with caught() as output:
            try:
                value = handle(given.event, Context(given.case.remaining_ms))
            except Exception as error:
                raised = error
        return Answer(value, raised, output.text)

    def judge(self, given: _Given, answer: Answer) -> Outcome:
        """See `tests.fuzz.target.Target`."""
        is_hurried = given.case.remaining_ms < _HURRIED_MS
        bucket = self.services.bucket
        handler, event = given.case.handler, given.read_again
        return oracle.judge(handler, event, answer, bucket, is_hurried=is_hurried)


@cache
def open_target() -> Events:
    """The target around the functions as they are."""
    return Events(open_services())
