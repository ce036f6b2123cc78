"""make preflight: whether a deployment can go well, before it is begun; a line for each check."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from local.account import check_account
from local.premises import Finding, Level, check_files, check_machine, read_parameters, values_of
from local.stage import Stage, StageError

_TEMPLATE = Path("template.yaml")


def check(stage: Stage, bundle: Path) -> Iterator[Finding]:
    """All checks, the quick ones first."""
    declared = read_parameters(_TEMPLATE)
    yield from check_files(stage, declared)
    yield from check_machine(bundle)
    yield from check_account(stage, values_of(stage, declared))


def main() -> int:
    """Print what is found; 1 where a deployment would fail."""
    parser = argparse.ArgumentParser(prog="make preflight", description=__doc__)
    parser.add_argument("--stage", default="default", help="of samconfig.toml")
    parser.add_argument("--bundle", type=Path, default=Path("models/demo/bundle"))
    args = parser.parse_args()
    found: list[Finding] = []
    try:
        for finding in check(Stage.read(args.stage), args.bundle):
            print(finding, flush=True)
            found.append(finding)
    except (StageError, OSError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    stops = sum(finding.level is Level.STOP for finding in found)
    warnings = sum(finding.level is Level.WARNING for finding in found)
    print(f"{stops} to mend, {warnings} to know; nothing was changed, and nothing deployed")
    return 1 if stops else 0


if __name__ == "__main__":
    sys.exit(main())
