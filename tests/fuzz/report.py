"""What a run says of itself: a line each ten seconds, and all that was counted at the end."""

from collections import Counter
from typing import TextIO

from tests.fuzz.lines import Lines
from tests.fuzz.session import Session

_EVERY_S = 10
_MOST_TEXTS = 40
_MB = 1_000_000


class Progress:
    """Prints a line each ten seconds."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._next_s = float(_EVERY_S)

    def __call__(self, session: Session) -> None:
        """Look at the clock."""
        if session.count.executions % 16 or session.seconds < self._next_s:
            return
        self._next_s = session.seconds + _EVERY_S
        count, seconds = session.count, session.seconds
        latest = session.memory.latest[-1] if session.memory.latest else session.memory.start
        print(
            f"{seconds:6.0f} s: {count.executions:,} executions, "
            f"{count.executions / seconds:,.0f} a second; {_kinds(count.kinds)}; "
            f"{len(count.texts):,} outcomes; {latest / _MB:.0f} MB; "
            f"{len(count.findings)} findings",
            file=self._out,
            flush=True,
        )


def summary(session: Session) -> str:
    """All that was counted."""
    count, seconds, memory = session.count, session.seconds, session.memory
    peak, size = count.largest_peak
    warm = "not reached" if memory.warm is None else f"{memory.warm / _MB:.1f} MB"
    end = memory.latest[-1] if memory.latest else memory.start
    lines = [
        f"executions: {count.executions:,} in {seconds:.0f} s, "
        f"{count.executions / seconds:,.0f} a second; {session.cpu_seconds:.0f} s of the processor",
        f"outcomes: {_kinds(count.kinds)}",
        f"memory: {memory.start / _MB:.1f} MB at the start, {warm} after the warm-up, "
        f"{end / _MB:.1f} MB at the end",
        f"memory of one execution: {count.peaks:,} measured, {peak / _MB:.1f} MB at most "
        f"(for {size / _MB:.1f} MB)",
        f"distinct texts: {len(count.texts):,}",
    ]
    for outcome, times in count.texts.most_common(_MOST_TEXTS):
        lines.append(f"  {times:9,}  {outcome.kind} {outcome.text}")
    if len(count.texts) > _MOST_TEXTS:
        lines.append(f"  and {len(count.texts) - _MOST_TEXTS:,} more")
    lines.append(f"findings: {len(count.findings)}")
    for key, finding in count.findings.items():
        lines.append(f"  {count.repeated[key]:,} times: {finding}")
    return "\n".join(lines)


def coverage(lines: Lines) -> str:
    """How many of the lines were reached, and which were not."""
    found, all_lines = lines.count
    share = f"lines of functions reached: {found} of {all_lines} ({100 * found / all_lines:.1f} %)"
    return "\n  not: ".join([share, *([", ".join(lines.missing)] if lines.missing else [])])


def _kinds(kinds: Counter[str]) -> str:
    return ", ".join(f"{kind} {count:,}" for kind, count in sorted(kinds.items()))
