"""make sbom: what the image is made of, as CycloneDX 1.6 in build/sbom.json.

From the lock come the Python packages with their hashes, from the passport the model, and from the
image, where an engine has it, the base, its packages, and every licence.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from local import contents, engine
from local.contents import Contents, Distribution, SystemPackage
from local.engine import EngineError, say
from local.image import TAG
from local.locks import Locked, LockError, read_lock
from serving import __version__

Component = dict[str, Any]
OUT = Path("build/sbom.json")
_LOCKS = {"fast": "predict", "tensorflow": "predict-tensorflow"}
_ROOT = "verger"
_SPACE = uuid.UUID("8a1c5a5e-5a0f-5f0e-9b57-3c1f6d3c1b1e")  # any: it makes serial numbers ours


class SbomError(Exception):
    """What the image holds is not what its lock says, or cannot be said; with both sides."""


def describe(
    lock: Iterable[Locked], passport: dict[str, Any], found: Contents | None, commit: "Commit"
) -> Component:
    """The whole bill of materials.

    Args:
        found: what the image holds; None where there is none to look into.

    Raises:
        SbomError: the image has other packages than its lock.
    """
    installed = {} if found is None else _compare(lock, found)
    components = [
        *(_python(locked, installed.get(locked.name)) for locked in lock),
        _model(passport),
        *([] if found is None else _base(found)),
    ]
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": commit.time, "component": _service(commit)},
        "components": components,
        "dependencies": [{"ref": _ROOT, "dependsOn": [part["bom-ref"] for part in components]}],
        "compositions": [
            {"aggregate": "incomplete" if found is None else "complete", "assemblies": [_ROOT]}
        ],
    }
    # The same content has the same number.
    serial = uuid.uuid5(_SPACE, json.dumps(bill, sort_keys=True))
    return bill | {"serialNumber": f"urn:uuid:{serial}"}


def _compare(lock: Iterable[Locked], found: Contents) -> dict[str, Distribution]:
    """The image's packages of the lock, by name."""
    ours = {given.name: given for given in found.distributions if given.is_ours}
    locked = {given.name: given.version for given in lock}
    versions = {name: given.version for name, given in ours.items()}
    different = sorted({*locked.items()} ^ {*versions.items()})
    if different:
        listed = ", ".join(f"{name} {version}" for name, version in different[:6])
        raise SbomError(
            f"the image and its lock differ in: {listed}. Build the image again: make image"
        )
    return ours


class Commit:
    """What was built: the commit of this folder, or nothing where there is no git.

    Attributes:
        uid: of the commit; None without git.
        time: when it was made, in UTC; 1970 without git.
        is_changed: whether files differ from it.
    """

    def __init__(self) -> None:
        self.uid = _git("rev-parse", "HEAD")
        seconds = int(_git("show", "--no-patch", "--format=%ct", "HEAD") or 0)
        # So that the same commit gives the same bytes.
        self.time = _utc(seconds)
        self.is_changed = bool(_git("status", "--porcelain", "--untracked-files=no"))


def _utc(seconds: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _service(commit: Commit) -> Component:
    properties = [{"name": "verger:worktree", "value": "changed" if commit.is_changed else "clean"}]
    pedigree = {"pedigree": {"commits": [{"uid": commit.uid}]}} if commit.uid else {}
    return {
        "type": "application",
        "bom-ref": _ROOT,
        "name": "verger",
        "version": __version__,
        "properties": properties,
    } | pedigree


def _python(locked: Locked, installed: Distribution | None) -> Component:
    """A locked package; its hashes are of the files that the lock lets in, of which one is in."""
    purl = f"pkg:pypi/{locked.name}@{quote(locked.version)}"
    hashes = [{"alg": "SHA-256", "content": content} for content in sorted(locked.hashes)]
    return {
        "type": "library",
        "bom-ref": purl,
        "name": locked.name,
        "version": locked.version,
        "purl": purl,
        "hashes": hashes,
    } | (_licences(installed) if installed else {})


def _licences(installed: Distribution) -> Component:
    if installed.expression:
        return {"licenses": [{"expression": installed.expression}]}
    named = [{"license": {"name": name}} for name in installed.licences]
    return {"licenses": named} if named else {}


def _model(passport: dict[str, Any]) -> Component:
    source, compiled = passport["source"], passport.get("compiled")
    properties = [{"name": "verger:engine", "value": passport["engine"]}]
    if compiled:
        properties.append({"name": "verger:compiled:sha256", "value": compiled["sha256"]})
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:{passport['name']}@{passport['version']}",
        "name": passport["name"],
        "version": passport["version"],
        "hashes": [{"alg": "SHA-256", "content": source["sha256"]}],
        "properties": properties,
    }


def _base(found: Contents) -> list[Component]:
    """The base image, its system, the system's packages, and the Python packages it brings."""
    # Without the registry: who reads this need not know where a company keeps its images.
    first, _, rest = found.base.partition("/")
    name = rest if rest and ("." in first or ":" in first or first == "localhost") else found.base
    name, _, tag = name.partition("@")[0].partition(":")
    image = {"type": "container", "bom-ref": "base", "name": name, "version": tag or "latest"}
    if found.base_digest:
        content = found.base_digest.removeprefix("sha256:")
        image["hashes"] = [{"alg": "SHA-256", "content": content}]  # type: ignore[assignment]
    system = {
        "type": "operating-system",
        "bom-ref": "system",
        "name": found.os["ID"],
        "version": found.os.get("VERSION_ID", "unknown"),
    }
    theirs = [given for given in found.distributions if not given.is_ours]
    return [
        image,
        system,
        *(_brought(given) for given in sorted(theirs, key=lambda given: given.name)),
        *(_packaged(given, found) for given in sorted(found.system, key=lambda one: one.name)),
    ]


def _brought(given: Distribution) -> Component:
    purl = f"pkg:pypi/{given.name}@{quote(given.version)}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": given.name,
        "version": given.version,
        "purl": purl,
        "properties": [{"name": "verger:origin", "value": "base"}],
    } | _licences(given)


def _packaged(given: SystemPackage, found: Contents) -> Component:
    system = found.os["ID"]
    name, _, architecture = given.name.partition(":")  # "libc6:amd64" beside another libc6
    version, more = given.version, ""
    if found.kind == "rpm":
        epoch, _, version = version.partition(":")
        more = f"&epoch={epoch}" if epoch not in {"", "0"} else ""
    release = f"{system}-{found.os.get('VERSION_ID', 'unknown')}"
    purl = (
        f"pkg:{found.kind}/{system}/{quote(name, safe='')}@{quote(version, safe='~.-')}"
        f"?arch={architecture or given.architecture}&distro={release}{more}"
    )
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "properties": [{"name": "verger:origin", "value": "base"}],
    }


def check(text: str) -> None:
    """Hold it against the schema of CycloneDX.

    Raises:
        SbomError: it does not fit; with the first fault.
    """
    validator = importlib.import_module("cyclonedx.validation.json").JsonStrictValidator
    version = importlib.import_module("cyclonedx.schema").SchemaVersion.V1_6
    fault = validator(version).validate_str(text)
    if fault is not None:
        raise SbomError(f"not CycloneDX 1.6: {str(fault).splitlines()[0]}")


def _look(image: str) -> Contents | None:
    address = engine.find()
    if address is None:
        return None
    os.environ["DOCKER_HOST"] = address
    return contents.look_into(image) if contents.exists(image) else None


def main() -> int:
    """Write it."""
    parser = argparse.ArgumentParser(prog="make sbom", description=__doc__)
    parser.add_argument("--bundle", type=Path, default=Path("models/demo/bundle"))
    parser.add_argument("--target", choices=tuple(_LOCKS), default="fast")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--lock-only", action="store_true", help="look into no image")
    args = parser.parse_args()
    try:
        found = None if args.lock_only else _look(f"{TAG}:{args.target}")
        python = found.python if found else "{}.{}".format(*sys.version_info)
        lock = read_lock(Path(f"requirements/{_LOCKS[args.target]}.txt"), python)
        passport = json.loads((args.bundle / "passport.json").read_text(encoding="utf-8"))
        bill = describe(lock, passport, found, Commit())
        text = json.dumps(bill, indent=1, ensure_ascii=False) + "\n"
        check(text)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(text, encoding="utf-8")
    except (SbomError, LockError, EngineError, OSError, ValueError) as refusal:
        say(str(refusal))
        return 1
    say(f"{args.out}: {len(bill['components'])} components")
    if found is None:
        say("no image to look into (make image): without the base, its packages and the licences")
    return 0


if __name__ == "__main__":
    sys.exit(main())
