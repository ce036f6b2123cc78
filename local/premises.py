"""What a deployment needs of this machine: parameters that fit, a bundle, Docker, an image."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from local.stage import Stage
from serving.settings import EU_REGIONS

_LARGEST_IMAGE_BYTES = 10 * 1024**3  # Lambda takes 10 GB, unpacked
# How make image and sam build call it.
_IMAGES = ("predictfunction:latest", "verger-predict:fast", "verger-predict:tensorflow")
_RUN = Path("build/env/run/bin/python")

Parameters = dict[str, dict[str, Any]]


class Level(StrEnum):
    """What a finding is to a deployment."""

    OK = "ok"
    WARNING = "warning"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check says: one line, with the way out where there is something to do."""

    level: Level
    what: str
    says: str

    def __str__(self) -> str:
        return f"{self.level:<8} {self.what}: {self.says}"


def ok(what: str, says: str) -> Finding:
    return Finding(Level.OK, what, says)


def warning(what: str, says: str) -> Finding:
    return Finding(Level.WARNING, what, says)


def stop(what: str, says: str) -> Finding:
    return Finding(Level.STOP, what, says)


class _Loader(yaml.SafeLoader):
    """Reads a template for its parameters; what !Ref and the like mean is left open."""


_Loader.add_multi_constructor("!", lambda *_: None)


def read_parameters(path: Path) -> Parameters:
    """The parameters that a template declares."""
    content: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506
    declared: Parameters = content["Parameters"]
    return declared


def values_of(stage: Stage, declared: Parameters) -> dict[str, str]:
    """What each parameter would be."""
    defaults = {name: str(parameter.get("Default", "")) for name, parameter in declared.items()}
    return defaults | stage.given


def check_files(stage: Stage, declared: Parameters) -> Iterator[Finding]:
    """What can be seen in samconfig.toml and template.yaml alone."""
    if stage.region in EU_REGIONS:
        yield ok("region", f"{stage.region} is in the EU")
    else:
        known = ", ".join(sorted(EU_REGIONS))
        yield stop("region", f"{stage.region} is not in the EU: in samconfig.toml, take {known}")
    wrong = list(_wrong_parameters(stage, declared))
    yield from wrong
    if not wrong:
        given = " ".join(f"{name}={value}" for name, value in stage.given.items())
        yield ok("parameters", given or "the template's defaults")
    values = values_of(stage, declared)
    yield from _check_tokens(values)
    if _number(values, "MonthlyBudgetUsd") > 0 and not values.get("AlarmEmail"):
        yield stop("budget", "MonthlyBudgetUsd needs somebody to tell: set AlarmEmail")


def _wrong_parameters(stage: Stage, declared: Parameters) -> Iterator[Finding]:
    for name, value in stage.given.items():
        if name not in declared:
            yield stop("parameters", f"the template has no {name}: see its Parameters")
        elif reason := _refusal(declared[name], value):
            yield stop("parameters", f"{name} is {value}: expected {reason}")


def _refusal(parameter: Mapping[str, Any], value: str) -> str:
    """What CloudFormation would have instead of a value; nothing where it takes it."""
    allowed = [str(one) for one in parameter.get("AllowedValues", [])]
    if allowed and value not in allowed:
        return f"one of {', '.join(allowed)}"
    if parameter.get("Type") == "Number":
        least, most = parameter.get("MinValue", -(2**63)), parameter.get("MaxValue", 2**63)
        if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value) or not least <= float(value) <= most:
            return f"a number from {least} to {most}"
    pattern = str(parameter.get("AllowedPattern", ""))
    if pattern and not re.fullmatch(pattern, value):
        return str(parameter.get("ConstraintDescription", f"what matches {pattern}"))
    return ""


def _check_tokens(values: Mapping[str, str]) -> Iterator[Finding]:
    """Who may call: the tokens of an issuer, or signed requests. Nobody is asked."""
    issuer, audience = values.get("JwtIssuer", ""), values.get("JwtAudience", "")
    if values.get("JwtScope") and not issuer:
        yield stop("authorizer", "JwtScope is of a token: set JwtIssuer and JwtAudience as well")
        return
    if not issuer and not audience:
        yield ok("authorizer", "IAM: requests are signed (JwtIssuer and JwtAudience are empty)")
        return
    if not (issuer and audience):
        yield stop("authorizer", "JwtIssuer and JwtAudience go together: set both, or neither")
        return
    parts = urlsplit(issuer)
    plain = not (parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme != "https" or not parts.hostname or "." not in parts.hostname or not plain:
        yield stop("authorizer", f"JwtIssuer is {issuer}: expected https://HOST/PATH, no more")
        return
    yield ok("authorizer", f"tokens of {parts.hostname} (it was not asked)")


def _number(values: Mapping[str, str], name: str) -> float:
    try:
        return float(values.get(name) or 0)
    except ValueError:
        return 0.0


def check_machine(bundle: Path) -> Iterator[Finding]:
    """The bundle, the container engine, and the image if there is one."""
    yield _check_bundle(bundle)
    engine = _run("docker", "info", "--format", "{{.ServerVersion}}")
    if engine.returncode != 0:
        if os.geteuid() == 0 and shutil.which("apt-get"):
            yield warning("docker", "no engine answers: make deploy starts one, as root on Debian")
        else:
            yield stop("docker", "no engine answers (docker info): start Docker first")
        return
    yield ok("docker", f"engine {engine.stdout.strip()}")
    yield _check_image()


def _check_bundle(bundle: Path) -> Finding:
    if not bundle.resolve().is_relative_to(Path.cwd()):
        return stop("bundle", f"{bundle} is outside of the project, where a build cannot reach it")
    python = str(_RUN) if _RUN.exists() else sys.executable
    done = _run(python, "-m", "serving.bundle", str(bundle))
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["serving.bundle said nothing"]
        return stop("bundle", said[-1].removeprefix("refused: "))
    return ok("bundle", done.stdout.strip())


def _check_image() -> Finding:
    for name in _IMAGES:
        done = _run("docker", "image", "inspect", "--format", "{{.Size}}", name)
        if done.returncode == 0:
            return judge_image(name, int(done.stdout))
    return warning("image", "there is none yet, so its size is unknown: make deploy builds it")


def judge_image(name: str, size_bytes: int) -> Finding:
    """Whether Lambda takes an image of that size."""
    size = f"{name} has {size_bytes / 1e9:.1f} GB"
    if size_bytes > _LARGEST_IMAGE_BYTES:
        return stop("image", f"{size}, Lambda takes 10: a smaller model, or the target fast")
    return ok("image", f"{size}, of the 10 that Lambda takes")


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as cause:
        return subprocess.CompletedProcess(command, 127, "", str(cause))
