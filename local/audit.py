"""make audit: what is known against the packages that are deployed; a report in build/audit.json.

pip-audit asks a vulnerability service about every line of a lock. What it could not ask about is
counted by itself: it is never shown as sound.
"""

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from local.engine import say

OUT = Path("build/audit.json")
ACCEPTED = Path("requirements/accepted-vulnerabilities.list")
LOCKS = (
    "requirements/predict.txt",
    "requirements/predict-tensorflow.txt",
    "requirements/spark-cluster.txt",
)
SOUND, VULNERABLE, BROKEN, NOT_AUDITED = 0, 1, 2, 3
_TOOL = Path(sys.executable).with_name("pip-audit")
_LONGEST_S = 600


class AuditError(Exception):
    """The audit could not be made, or its list of what is accepted cannot be read."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A vulnerability that somebody decided to live with, until a date."""

    id: str
    until: date
    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A vulnerability of a package, by every name that it has."""

    package: str
    version: str
    ids: tuple[str, ...]
    fixed_in: tuple[str, ...]
    text: str


@dataclass(slots=True)
class Report:
    """What was found in one lock, or in several.

    Attributes:
        sound: packages that were asked about, and against which nothing is known.
        unknown: packages that nothing could be asked about, with the reason.
        accepted: findings that somebody lives with.
        found: all others.
    """

    sound: set[str] = field(default_factory=set)
    unknown: dict[str, str] = field(default_factory=dict)
    accepted: list[Finding] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The exit code: a finding counts more than what could not be asked."""
        if self.found:
            return VULNERABLE
        return NOT_AUDITED if self.unknown or not self.sound else SOUND


def read_accepted(path: Path) -> list[Accepted]:
    """Lines of an id, the last day, and the reason; none where there is no file.

    Raises:
        AuditError: a line that is anything else.
    """
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    numbered = [
        (number, line.partition("#")[0].split(maxsplit=2)) for number, line in enumerate(lines, 1)
    ]
    return [_accept(path, number, parts) for number, parts in numbered if parts]


def _accept(path: Path, number: int, parts: list[str]) -> Accepted:
    try:
        id, until, reason = parts
        return Accepted(id, date.fromisoformat(until), reason)
    except ValueError as cause:
        raise AuditError(
            f"{path}, line {number}: expected an id, the last day (2027-01-31) and the reason"
        ) from cause


def add(report: Report, answer: dict[str, Any], accepted: list[Accepted], today: date) -> None:
    """Sort what pip-audit says of a lock into a report."""
    alive = {given.id for given in accepted if given.until >= today}
    for package in answer["dependencies"]:
        if "skip_reason" in package:
            report.unknown[package["name"]] = package["skip_reason"]
            continue
        label = f"{package['name']} {package['version']}"
        if not package["vulns"]:
            report.sound.add(label)
        for given in package["vulns"]:
            finding = Finding(
                package["name"],
                package["version"],
                (given["id"], *given.get("aliases", ())),
                tuple(given.get("fix_versions", ())),
                given.get("description", ""),
            )
            known = report.accepted if alive & set(finding.ids) else report.found
            if finding not in known:
                known.append(finding)


def ask(lock: Path, service: str, osv_url: str | None) -> dict[str, Any]:
    """What pip-audit says of a lock.

    Raises:
        AuditError: it gave no answer; with the end of what it said.
    """
    command = [
        str(_TOOL), "--requirement", str(lock), "--no-deps", "--disable-pip", "--format", "json",
        "--progress-spinner", "off", "--vulnerability-service", service,
        *(["--osv-url", osv_url] if osv_url else []),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST_S)
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError as cause:
        said = "\n".join(line[:200] for line in done.stderr.strip().splitlines()[-3:])
        raise AuditError(f"pip-audit gave no answer for {lock}:\n{said}") from cause
    return answer


def show(report: Report, accepted: list[Accepted], today: date) -> str:
    """The report for a person."""
    lines = []
    for title, findings in (("known against", report.found), ("accepted for", report.accepted)):
        for finding in findings:
            fixed = ", ".join(finding.fixed_in) or "nothing yet"
            names = " ".join(finding.ids)
            lines.append(f"{title} {finding.package} {finding.version}: {names}; fixed in {fixed}")
    used = {id for finding in report.accepted for id in finding.ids}
    for given in accepted:
        if given.until < today:
            lines.append(f"no longer accepted since {given.until}: {given.id} ({given.reason})")
        elif given.id not in used:
            lines.append(f"accepted, and not found any more: {given.id}")
    asked = len(report.sound) + len({finding.package for finding in report.found + report.accepted})
    lines.append(
        f"{asked} packages were looked up: {len(report.found)} known vulnerabilities, "
        f"{len(report.accepted)} accepted"
    )
    if report.unknown:
        lines.append(
            f"{len(report.unknown)} COULD NOT BE LOOKED UP, so nothing is said of them: "
            f"{', '.join(sorted(report.unknown))}"
        )
    return "\n".join(lines)


def to_json(report: Report, locks: list[Path], service: str) -> str:
    """The report for a program."""

    def plain(findings: list[Finding]) -> list[dict[str, Any]]:
        return [
            {
                "package": finding.package,
                "version": finding.version,
                "ids": finding.ids,
                "fixed_in": finding.fixed_in,
                "description": finding.text,
            }
            for finding in findings
        ]

    content = {
        "status": {SOUND: "sound", VULNERABLE: "vulnerable"}.get(report.status, "not audited"),
        "service": service,
        "locks": [str(lock) for lock in locks],
        "found": plain(report.found),
        "accepted": plain(report.accepted),
        "not_looked_up": dict(sorted(report.unknown.items())),
        "nothing_known": sorted(report.sound),
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Audit the locks.

    Returns:
        0 where nothing is known against any package, 1 where something is, 2 where the list of
        what is accepted cannot be read, 3 where some packages or all could not be looked up.
    """
    parser = argparse.ArgumentParser(prog="make audit", description=__doc__)
    parser.add_argument("locks", nargs="*", type=Path, default=[Path(lock) for lock in LOCKS])
    parser.add_argument("--service", choices=("pypi", "osv"), default="pypi")
    parser.add_argument("--osv-url", help="of a mirror of the service OSV")
    parser.add_argument("--accepted", type=Path, default=ACCEPTED)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    report, today = Report(), datetime.now(UTC).date()
    try:
        accepted = read_accepted(args.accepted)
    except AuditError as refusal:
        say(str(refusal))
        return BROKEN
    for lock in args.locks:
        try:
            answer = ask(lock, args.service, args.osv_url)
        except (AuditError, OSError, subprocess.TimeoutExpired) as refusal:
            say(str(refusal))
            report.unknown[f"everything in {lock}"] = "no answer"
            continue
        add(report, answer, accepted, today)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(to_json(report, args.locks, args.service), encoding="utf-8")
    print(show(report, accepted, today))
    return report.status


if __name__ == "__main__":
    sys.exit(main())
