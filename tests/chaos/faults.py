"""Which fault hits which call: a function of the seed, the step and the client's attempt."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from urllib.parse import unquote, urlsplit

from local.aws import BUCKET
from tests.chaos.plan import KILLS, Change, Entry, Loss, Plan, Step, Trouble

_LAST_ATTEMPT = 5  # of the function's clients, each call


class Fault(StrEnum):
    """What the client of AWS meets."""

    ERROR = "500 InternalError"
    SLOW_DOWN = "503 SlowDown"
    CLOSED = "connection closed before the call reached AWS"
    UNHEARD = "answer lost after AWS had done the call"
    CUT = "answer cut in its body"
    BROKEN = "answer cut at the first byte of its body"
    SLOW = "slow answer, in drips"
    DENIED = "403 AccessDenied"


_SHARES = {
    Fault.ERROR: 20,
    Fault.SLOW_DOWN: 25,
    Fault.CLOSED: 15,
    Fault.UNHEARD: 20,
    Fault.CUT: 10,
    Fault.SLOW: 10,
}
_ALWAYS = {
    Loss.SLOW_DOWN: Fault.SLOW_DOWN,
    Loss.DENIED: Fault.DENIED,
    Loss.BROKEN: Fault.BROKEN,
}


@dataclass(frozen=True, slots=True)
class Call:
    """A request as the client means it: all attempts of one call have the same id."""

    operation: str
    name: str
    id: str
    attempt: int


@dataclass(slots=True)
class Decision:
    """What to do to a request."""

    fault: Fault | None = None
    trouble: Trouble | None = None
    changes: list[Change] = field(default_factory=list)


def read_call(method: str, target: str, headers: dict[str, str]) -> Call:
    """What a request is, from its path, query and headers."""
    address = urlsplit(target)
    place, _, name = unquote(address.path).removeprefix(f"/{BUCKET}/").partition("/")
    what = _thing(place, address.query)
    if what == "work":
        stem, _, kind = name.rpartition(".")
        name, what = stem, "work" if kind == "work" else "note"
    elif what in {"result", "part", "parts"}:
        name = name.removesuffix(".json")
    elif what == "message":
        name = ""
        if headers.get("x-amz-target", "").endswith("ChangeMessageVisibility"):
            what = "visibility"
    attempt = headers.get("amz-sdk-request", "attempt=1").partition("attempt=")[2].partition(";")[0]
    return Call(f"{method} {what}", name, headers["amz-sdk-invocation-id"], int(attempt))


def _thing(place: str, query: str) -> str:
    if place == "predictions":
        if "partNumber=" in query:
            return "part"
        return "parts" if "uploads" in query or "uploadId=" in query else "result"
    return {"uploads": "document", "progress": "work"}.get(place, "message")


class Faults:
    """Decides for each request, and counts."""

    def __init__(self, plan: Plan, rate: float) -> None:
        self._plan = plan
        self._rate = rate
        self._calls: Counter[tuple[str, str]] = Counter()
        self._numbers: dict[str, int] = {}
        self._lock = threading.Lock()
        self.faults: Counter[Fault] = Counter()
        self.troubles: Counter[Trouble] = Counter()

    def decide(self, call: Call) -> Decision:
        """What hits a request; what is planned for a document goes before chance."""
        step = self._step(call)
        entry = self._plan.entries.get(call.name)
        decision = Decision()
        if entry is not None:
            self._own(entry, step, call, decision)
        if decision.fault is None and decision.trouble is None:
            decision.fault = self._chance(call, step)
        return decision

    def invocation(self, name: str) -> float | None:
        """Another invocation of a document begins; after how many seconds it is to be killed."""
        with self._lock:
            self._calls["invocation", name] += 1
            step = Step("invocation", self._calls["invocation", name])
        entry = self._plan.entries.get(name)
        return None if entry is None else entry.delays.get(step)

    def part_s(self, call: Call) -> float:
        """How long S3 takes for a part: so long that some documents are continued."""
        return Random(f"{self._plan.seed}/{call.name}/{self._step(call)}").uniform(0.2, 2.0)

    def count(self, what: Fault | Trouble) -> None:
        """It was done."""
        with self._lock:
            if isinstance(what, Fault):
                self.faults[what] += 1
            else:
                self.troubles[what] += 1

    def _step(self, call: Call) -> Step:
        with self._lock:
            if call.id not in self._numbers:
                self._calls[call.operation, call.name] += 1
                self._numbers[call.id] = self._calls[call.operation, call.name]
            return Step(call.operation, self._numbers[call.id])

    def _own(self, entry: Entry, step: Step, call: Call, decision: Decision) -> None:
        if call.attempt == 1:
            decision.changes = [change for change in entry.changes if change.step == step]
        if entry.lost and call.operation == "GET document":
            decision.fault = _ALWAYS[entry.lost]
            return
        trouble = entry.troubles.get(step)
        if trouble is Trouble.SPELL:
            decision.fault = Fault.ERROR if call.attempt % 2 else Fault.SLOW_DOWN
        elif trouble is Trouble.DENIED:
            decision.fault = Fault.DENIED
        elif trouble is Trouble.CUT:
            decision.fault = Fault.CUT
        elif trouble in KILLS and call.attempt == 1:
            decision.trouble = trouble
            return
        if trouble is not None and trouble not in KILLS and call.attempt == 1:
            self.count(trouble)

    def _chance(self, call: Call, step: Step) -> Fault | None:
        rng = Random(f"{self._plan.seed}/{step}/{call.name}/{call.attempt}")
        if rng.random() > self._rate or call.attempt == _LAST_ATTEMPT:
            return None
        [fault] = rng.choices(list(_SHARES), list(_SHARES.values()))
        # The client gives up where the body of a note, or of an error, breaks off.
        if fault is Fault.CUT and call.operation.startswith("GET"):
            return fault if call.operation == "GET document" else Fault.UNHEARD
        return fault
