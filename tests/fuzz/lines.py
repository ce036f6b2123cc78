"""Which lines of some files inputs reach, function by function."""

import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from tests.fuzz.session import in_time
from tests.fuzz.target import FaultError, Target

_MOST_BYTES = 1_000_000  # of an input: to look at each line takes its time
_DEADLINE_S = 20.0
_ROOT = Path(__file__).parents[2]
_OURS = (str(_ROOT / "functions"), str(_ROOT / "layers"))


@dataclass(frozen=True, slots=True)
class Lines:
    """Of functions: those that there are, and those that were reached."""

    all: dict[str, set[int]]
    reached: dict[str, set[int]]

    @property
    def count(self) -> tuple[int, int]:
        """Reached, and all."""
        reached = sum(len(lines & self.reached[name]) for name, lines in self.all.items())
        return reached, sum(map(len, self.all.values()))

    @property
    def missing(self) -> list[str]:
        """As file:line,line."""
        return [
            f"{Path(name).name}:{','.join(map(str, sorted(rest)))}"
            for name, lines in self.all.items()
            if (rest := lines - self.reached[name])
        ]


def reached(opened: Callable[[], Target], inputs: Iterable[bytes]) -> Lines:
    """Open a target, execute inputs, and look at the lines of the target's sources."""
    found: defaultdict[str, set[int]] = defaultdict(set)

    def enter(frame: FrameType, _event: str, _argument: Any) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(_OURS):
            return None
        lines = found[name]
        lines.add(frame.f_lineno)

        def step(frame: FrameType, event: str, _argument: Any) -> Any:
            if event == "line":
                lines.add(frame.f_lineno)
            return step

        return step

    before = sys.gettrace()
    sys.settrace(enter)
    threading.settrace(enter)  # some routes run in threads of their own
    try:
        target = opened()
        for data in inputs:
            _run(target, data)
    finally:
        sys.settrace(before)
        threading.settrace(None)
    files = {str(path): _lines(path) for path in target.sources}
    return Lines(files, {name: found[name] for name in files})


def _run(target: Target, data: bytes) -> None:
    prepared = target.prepare(data)
    if prepared is None or prepared.size_bytes > _MOST_BYTES:
        return
    try:
        answer = in_time(partial(target.run, prepared.given), _DEADLINE_S)
        target.judge(prepared.given, answer)
    except FaultError:  # was found before
        return


def _lines(path: Path) -> set[int]:
    """Of the bodies of functions: the rest runs at import."""
    module = compile(path.read_text(encoding="utf-8"), str(path), "exec")
    lines = set()
    for code in _functions(module):
        found = {line for _, _, line in code.co_lines() if line is not None}
        lines |= found - {code.co_firstlineno} or found
    return lines


def _functions(code: CodeType) -> Iterator[CodeType]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            if inner.co_flags & 0x2:  # CO_NEWLOCALS is of functions, not of classes
                yield inner
            yield from _functions(inner)
