"""make chaos: prints the counts, and writes docs/chaos.md."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from tests.chaos.chaos import run
from tests.chaos.page import page, summary
from tests.chaos.planning import Size

_PAGE = Path(__file__).parents[2] / "docs/chaos.md"
_LEAST_DOCUMENTS = 100
_LEAST_FAULTS = 1000


def main() -> int:
    """Run; 1 with the reasons where a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="what the plan comes from")
    parser.add_argument("--documents", type=int, default=Size().documents, help="how many")
    args = parser.parse_args()
    if args.documents < _LEAST_DOCUMENTS:
        parser.error(f"--documents: expected {_LEAST_DOCUMENTS} at least")
    report = run(args.seed, replace(Size(), documents=args.documents))
    print(summary(report))
    broken = report.broken
    if args.documents >= Size().documents:
        if report.faults < _LEAST_FAULTS:
            broken.append(f"only {report.faults:,} faults, expected {_LEAST_FAULTS:,}")
        _PAGE.write_text(page(report), encoding="utf-8")
    for reason in broken:
        print(f"broken: {reason}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
