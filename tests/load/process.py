"""What a process holds: memory, descriptors, threads; and what its requests left on disk."""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from time import process_time
from types import SimpleNamespace
from typing import Any

from local.event import Event, body_of
from tests.load.mix import Request, mix

SEED = 1
_KIB_TO_MB = 1024 / 1e6


@dataclass(frozen=True, slots=True)
class Held:
    """By one process, at one moment."""

    rss_mb: float
    peak_mb: float
    descriptors: int
    threads: int


def held(pid: int) -> Held:
    """What a process holds now, and the most so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    rss, peak = (int(fields[name].split()[0]) * _KIB_TO_MB for name in ("VmRSS", "VmHWM"))
    return Held(rss, peak, len(os.listdir(f"/proc/{pid}/fd")), int(fields["Threads"]))


@dataclass(slots=True)
class Answers:
    """What was answered; the same request is always answered the same.

    Attributes:
        wrong: of each kind, answers that are not what they ought to be.
    """

    counts: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    seen: dict[int, int] = field(default_factory=dict)

    def send(self, requests: Iterable[Request], invoke: Callable[[Event], Event]) -> None:
        """Send each and look at its answer."""
        for request in requests:
            answer = invoke(request.event)
            body = hash(body_of(answer))
            first = self.seen.setdefault(id(request), body)
            self.counts[request.kind] += 1
            if answer["statusCode"] != request.status or body != first:
                self.wrong[f"{request.kind}: {answer['statusCode']}"] += 1


def send(handler: Callable[[Event, Any], Event], count: int) -> dict[str, Any]:
    """Send so many requests; what is held after each tenth of them."""
    requests, answers, rows = mix(SEED), Answers(), []

    def invoke(event: Event) -> Event:
        # As Lambda gives it: nobody else's object.
        return handler(dict(event), SimpleNamespace(aws_request_id="1"))

    start = process_time()
    for tenth in range(1, 11):
        answers.send(islice(requests, count // 10), invoke)
        rows.append({"requests": count // 10 * tenth, **asdict(held(os.getpid()))})
    return {
        "rows": rows,
        "counts": answers.counts,
        "wrong": answers.wrong,
        "cpu_s": process_time() - start,
    }
