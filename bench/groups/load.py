"""Ten thousand requests to one process, and the largest documents to the model of 1 GB."""

import json
from pathlib import Path

from bench import FOLDER
from bench.bundles import DEMO, TITLES, bundle, compile_model
from bench.processes import Worker
from bench.rows import Plan, Row, limit, missing
from local.event import Event
from tests.load.largest import largest

_REQUESTS = 10_000
_GROWTH, _PEAK = "≤ 20", "≤ 4000"


def measure(plan: Plan) -> list[Row]:
    """Each in a process of its own."""
    return [_growth(plan.matrices(_REQUESTS)), *_peaks()]


def _growth(count: int) -> Row:
    """Beyond what was resident after the first tenth, which is the warm-up."""
    with Worker("load", {"MODEL_DIR": str(DEMO)}) as worker:
        found = worker.ask("send", count=count)
    assert not found["wrong"], found["wrong"]
    first, *later = found["rows"]
    title = f"growth over {count:,} requests of every kind and size, after {count // 10:,}"
    row = limit(title, "MB", [max(row["rss_mb"] for row in later) - first["rss_mb"]], _GROWTH)
    row["note"] = (
        f"{first['rss_mb']:.0f} MB after {count // 10:,} requests, themselves among it, "
        f"{later[-1]['rss_mb']:.0f} MB after {count:,}; as many descriptors "
        f"({later[-1]['descriptors']}) and threads ({later[-1]['threads']}) as before; "
        f"{found['cpu_s']:.0f} s of computing"
    )
    assert (first["descriptors"], first["threads"]) == (
        later[-1]["descriptors"],
        later[-1]["threads"],
    )
    return row


def _peaks() -> list[Row]:
    compiled = compile_model("large")
    titles = {
        kind: f"peak from start to 32 matrices, {TITLES['large']}, {kind}"
        for kind in ("text of 6 MB", "text of 16 MB, packed", "elements of 16 MB, packed")
    }
    if compiled.fault:
        return [missing(title, "MB", _PEAK, compiled.fault) for title in titles.values()]
    events = largest("large")
    return [limit(title, "MB", [_peak(events[kind])], _PEAK) for kind, title in titles.items()]


def _peak(event: Event) -> float:
    """In a process that has seen nothing else."""
    path = Path(FOLDER, "events", "largest.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(event), encoding="utf-8")
    with Worker("ours", {"MODEL_DIR": str(bundle("large"))}) as worker:
        return float(worker.ask("handle", event=str(path), times=1)["memory"]["peak"])
