"""docs/attacks.md: what hostile requests come to, and what each of them costs."""

import os
import platform
import re
import socket
from collections.abc import Sequence

from tests.attacks.attack import Attack
from tests.attacks.cases import KINDS
from tests.attacks.session import Seen, opened
from tests.attacks.slow import TITLE as SLOW_TITLE
from tests.attacks.slow import Slow, try_all
from tests.tables import cell

LEAST_ROWS = 70
_HEADS = ("Attack", "Sent", "Outcome", "CPU time", "Memory")
_SHOWN = 110
_INTRO = """# Attacks, and what they come to

<!-- Written by make docs; the tests hold names and outcomes against what the software does. -->

Each row is a request to the whole Lambda handler with the demo model, as API Gateway would hand it
over. The tests send all of them in every run, and
allow a slower machine four times as long. None may take more than 1 s of CPU time or 200 MB of
memory above the idle process, crash it, open a file, look a name up or connect to anything; and
the request after it must be answered.

How it is measured: every attack gets a new process, which has answered eight requests before. CPU
time is that of all its threads, from the event as JSON to the answer (the best of three where the
first is over the bound). Memory is the highest resident size in that time, less the resident size
before. Sizes are of the body as it is sent, and of what it unpacks to. What Python opens and
connects to is seen by an audit hook; the addresses in the documents are those of a listener.
Figures of this page: {machine}. They differ from run to run; names and outcomes do not.
"""


def key(attack: Attack, seen: Seen) -> tuple[str, str]:
    """What of a row is the same in every run: the attack and its outcome."""
    return cell(attack.what), cell(_outcome(seen.answer))


def rows_of(page: str) -> set[tuple[str, str]]:
    """The keys of the rows of a page."""
    cells = (line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| "))
    return {(each[0], each[2]) for each in cells if len(each) == len(_HEADS)}


def attacks() -> str:
    """The page."""
    parts = [_INTRO.format(machine=_machine())]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with opened(address) as session:
            for title, cases in KINDS.items():
                seen = [(attack, session.run(attack)) for attack in cases]
                parts.append(f"\n## {title}\n\n{_table(seen)}")
    parts.append(f"\n## {SLOW_TITLE}\n\n{_slow_table(try_all())}")
    return "".join(parts)


def _table(seen: Sequence[tuple[Attack, Seen]]) -> str:
    lines = [_HEADS, ("---",) * len(_HEADS)]
    for attack, result in seen:
        what, outcome = key(attack, result)
        memory = f"{max(0, result.peak_bytes) / 1e6:.0f} MB"
        lines.append((what, _size(result), outcome, f"{result.cpu_s * 1e3:,.0f} ms", memory))
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _slow_table(tried: Sequence[Slow]) -> str:
    heads = ("Sender", "Outcome", "What bounds it")
    lines = [heads, ("---",) * len(heads)]
    lines += [(cell(slow.what), cell(slow.outcome), cell(slow.bound)) for slow in tried]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _outcome(answer: str) -> str:
    """Short, without what differs from run to run or says nothing here."""
    if answer.startswith("200 "):
        return "200, a right answer"
    text = re.sub(r" at /.*", "", " ".join(answer.split()))  # a place in the code
    text = "".join(c if c.isprintable() else f"(U+{ord(c):04X})" for c in text)
    return text if len(text) <= _SHOWN else text[:_SHOWN].rstrip() + "…"


def _size(seen: Seen) -> str:
    sent = _bytes(seen.sent.size_bytes)
    unpacked = seen.sent.unpacked_bytes
    return sent if unpacked is None else f"{sent}, unpacked {_bytes(unpacked)}"


def _bytes(size: int) -> str:
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (1000, "kB")):
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size} bytes"


def _machine() -> str:
    return f"{len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}"
