"""What an image holds: asked of the image itself, in a container without network or rights."""

import json
import subprocess
from dataclasses import dataclass, field
from typing import Any

from local.engine import EngineError, run
from local.locks import canonical

PACKAGES = "/opt/packages"
_BASE_LABEL = "org.opencontainers.image.base.name"

# Runs in the image, on its own Python, with nothing but the standard library.
_LOOK = r"""
import json, platform, shutil, subprocess
from importlib.metadata import distributions

def licences(metadata):
    if metadata.get("License-Expression"):
        return {"expression": metadata["License-Expression"]}
    named = (metadata.get("License") or "").strip()
    if named and "\n" not in named and len(named) < 80:
        return {"names": [named]}
    found = [c.split(" :: ")[-1] for c in metadata.get_all("Classifier") or []
             if c.startswith("License ::")]
    return {"names": found}

def system():
    if shutil.which("dpkg-query"):
        form = "${binary:Package}\t${Version}\t${Architecture}\n"
        return "deb", ["dpkg-query", "-W", "-f", form]
    form = "%{NAME}\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\t%{ARCH}\n"
    return "rpm", ["rpm", "-qa", "--qf", form]

kind, command = system()
listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
print(json.dumps({
    "python": ".".join(platform.python_version_tuple()[:2]),
    "os": platform.freedesktop_os_release(),
    "kind": kind,
    "system": [line.split("\t") for line in listed.splitlines()],
    "distributions": [
        {"name": d.name, "version": d.version, "folder": str(d.locate_file("")),
         "licences": licences(d.metadata)}
        for d in distributions()
    ],
}))
"""


@dataclass(frozen=True, slots=True)
class Distribution:
    """A Python package that is installed; the base's own lie elsewhere than ours."""

    name: str
    version: str
    is_ours: bool
    expression: str | None = None
    licences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SystemPackage:
    """A package of the base's distribution."""

    name: str
    version: str
    architecture: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in an image, beside our own code.

    Attributes:
        base, base_digest: what it was built on, and the digest where the engine knows one.
        kind: of the system's packages: "deb" or "rpm".
        os: /etc/os-release.
    """

    python: str
    base: str
    base_digest: str | None
    kind: str
    os: dict[str, str]
    system: list[SystemPackage] = field(default_factory=list)
    distributions: list[Distribution] = field(default_factory=list)


def exists(image: str) -> bool:
    """Whether the engine has an image of that name."""
    found = subprocess.run(["docker", "image", "inspect", image], capture_output=True)
    return found.returncode == 0


def look_into(image: str) -> Contents:
    """What an image holds.

    Raises:
        EngineError: it cannot be started.
    """
    [config] = json.loads(run(["docker", "image", "inspect", image]))
    base = (config["Config"].get("Labels") or {}).get(_BASE_LABEL, "unknown")
    seen = json.loads(
        run(
            [
                "docker", "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL",
                "--entrypoint", "python3", image, "-c", _LOOK,
            ]
        )
    )  # fmt: skip
    return Contents(
        python=seen["python"],
        base=base,
        base_digest=_digest(base),
        kind=seen["kind"],
        os=seen["os"],
        system=[SystemPackage(*package) for package in seen["system"]],
        distributions=[_distribution(given) for given in seen["distributions"]],
    )


def _distribution(given: dict[str, Any]) -> Distribution:
    return Distribution(
        name=canonical(given["name"]),
        version=given["version"],
        is_ours=given["folder"] == PACKAGES,
        expression=given["licences"].get("expression"),
        licences=tuple(given["licences"].get("names", ())),
    )


def _digest(base: str) -> str | None:
    """What BASE=image@sha256:… pins; an image that was made here has none, but an id."""
    try:
        [config] = json.loads(run(["docker", "image", "inspect", base]))
    except EngineError:
        return None
    digests = [name.partition("@")[2] for name in config.get("RepoDigests") or []]
    digest: str = next(iter(digests), config["Id"])
    return digest
