"""make bench: ours beside the afternoon version, the bare engine and a serving framework.

`--only GROUP` measures one group and keeps the other rows; `--quick` measures a fifth of the
rounds, and prints instead of writing.
"""

import argparse
import json
import os
import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import page
from bench.groups import TITLES, group
from bench.rows import Plan, Row

RESULTS = Path("bench/results.json")
_LIBRARIES = (
    "numpy",
    "onnxruntime",
    "fastapi",
    "mangum",
    "defusedxml",
    "keras",
    "tensorflow-cpu",
    "pyspark",
)


def main() -> None:
    """Measure, and write both files."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", choices=tuple(TITLES), help="one group")
    parser.add_argument("--quick", action="store_true", help="fewer rounds; nothing is written")
    args = parser.parse_args()
    rows = {} if args.only is None else _known()
    for name in TITLES if args.only is None else [args.only]:
        print(f"measuring: {TITLES[name]}", flush=True)
        rows[name] = [{"group": name, **row} for row in group(name)(Plan(args.quick))]
        for row in rows[name]:
            print(_line(row), flush=True)
    if args.quick:
        return
    results = {
        "machine": machine(),
        "versions": {**{name: version(name) for name in _LIBRARIES}, **_peers()},
        "rows": [row for name in TITLES for row in rows.get(name, [])],
    }
    text = json.dumps(results, indent=2, ensure_ascii=False)
    RESULTS.write_text(text + "\n", encoding="utf-8")
    page.write(results)
    print(f"written: {RESULTS}, {page.PAGE}")


def machine() -> str:
    """The machine, as far as it explains figures."""
    processor = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    gigabytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return ", ".join(
        (
            f"{len(os.sched_getaffinity(0))} cores",
            processor[1].strip() if processor else platform.machine(),
            f"{gigabytes:.0f} GB",
            f"Python {platform.python_version()}",
        )
    )


def _known() -> dict[str, list[Row]]:
    """The rows of the last run, by group."""
    rows: dict[str, list[Row]] = {}
    for row in json.loads(RESULTS.read_text(encoding="utf-8"))["rows"] if RESULTS.exists() else []:
        rows.setdefault(row.get("group", ""), []).append(row)
    return rows


def _peers() -> dict[str, str]:
    """The frameworks live in environments of their own; the locks know their versions."""
    locks = [
        Path(f"requirements/{name}.txt").read_text(encoding="utf-8")
        for name in ("bench", "bench-kserve")
    ]
    return dict(re.findall(r"^(litserve|kserve)==(\S+)", "".join(locks), re.MULTILINE))


def _line(row: dict[str, Any]) -> str:
    met = {None: "    ", True: "met ", False: "NOT "}[row["met"]]
    return (
        f"{met} {row['name']}: {row['ours']} {row['unit']}; {row['against']}: {row['other']}; "
        f"{row['ratio']} {row['quotient'] or ''} goal {row['goal']} {row.get('note', '')}"
    )


if __name__ == "__main__":
    main()
