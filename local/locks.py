"""A lock file of requirements/ as data: which packages, in which versions, with which hashes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class LockError(Exception):
    """A lock file does not say exactly what is installed; names the line."""


@dataclass(frozen=True, slots=True)
class Locked:
    """A package as it is locked.

    Attributes:
        name: as package indexes compare it, in lower case and with hyphens.
        hashes: SHA-256 of each file that may be installed for it, in hexadecimal.
    """

    name: str
    version: str
    hashes: frozenset[str]


def read_lock(path: Path, python: str) -> list[Locked]:
    """What a lock installs on Linux, by name.

    Args:
        python: the version that it is for ("3.12").

    Raises:
        LockError: a line without a version or a hash.
    """
    return sorted(_read(path, python), key=lambda locked: locked.name)


def _read(path: Path, python: str) -> Iterator[Locked]:
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
    }
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("#"):
            continue
        stated, *_ = line.partition(" --hash=")
        try:
            requirement = Requirement(stated)
        except InvalidRequirement as cause:
            raise LockError(f"{path}: {stated[:80]}: {cause}") from cause
        versions = [clause.version for clause in requirement.specifier if clause.operator == "=="]
        hashes = frozenset(_HASH.findall(line))
        if len(versions) != 1 or not hashes:
            raise LockError(f"{path}: {stated[:80]}: expected one version, and its hashes")
        if requirement.marker is None or requirement.marker.evaluate(environment):
            yield Locked(canonical(requirement.name), versions[0], hashes)


def canonical(name: str) -> str:
    """A package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
