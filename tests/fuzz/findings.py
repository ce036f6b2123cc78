"""What was found: saved as files, each with the command that repeats it."""

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tests.fuzz.target import FaultError


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault, and the file with the input that showed it first."""

    key: str
    detail: str
    path: Path
    target: str

    @property
    def command(self) -> str:
        return f"make fuzz TARGET={self.target} REPLAY={os.path.relpath(self.path)}"

    def __str__(self) -> str:
        return "\n    ".join([self.key, *self.detail.splitlines()[:20], self.command])


def save(fault: FaultError, data: bytes, target: str, folder: Path) -> Finding:
    """Save an input, and beside it what it showed."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{target}-{sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    path.with_suffix(".txt").write_text(f"{fault}\n", encoding="utf-8", errors="replace")
    return Finding(fault.key, fault.detail, path, target)
