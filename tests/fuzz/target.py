"""What a fuzzer needs of what it is to break."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any, Protocol


class FaultError(Exception):
    """Something that must not happen.

    Args:
        key: the same for all inputs that show one fault.
        detail: of this input.
    """

    def __init__(self, key: str, detail: str = "") -> None:
        self.key = key
        self.detail = detail
        super().__init__(f"{key}\n{detail}".strip())


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an input led to.

    Attributes:
        kind: of few that there are, as a status.
        text: says more, without what varies from input to input.
    """

    kind: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Input:
    """What is given to what is tested.

    Attributes:
        size_bytes: how much it is once it is unpacked, which explains time and memory.
    """

    given: Any
    size_bytes: int


class Target(Protocol):
    """Something to break."""

    name: str
    sources: tuple[Path, ...]  # whose lines are counted

    def seeds(self) -> list[bytes]:
        """Inputs to begin with."""
        ...

    def mutate(self, data: bytes, other: bytes, rng: Random) -> bytes:
        """Another input, of one, or of two."""
        ...

    def prepare(self, data: bytes) -> Input | None:
        """An input as it is given; None for a file that is none."""
        ...

    def run(self, given: Any) -> Any:
        """What is tested, and nothing else: timed and measured. Any exception is a fault."""
        ...

    def judge(self, given: Any, answer: Any) -> Outcome:
        """Hold the answer against the rules.

        Raises:
            FaultError: one is broken.
        """
        ...


def open_target(name: str) -> Target:
    """A target by its name; what it tests is imported here, so that an engine may look on."""
    module = import_module(f"tests.fuzz.{name}.target")
    opened: Target = module.open_target()
    return opened


TARGETS = ("v2", "xml", "events")
