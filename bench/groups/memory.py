"""What each model takes: while it is compiled, once it is loaded, after 32 matrices; the image."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.bundles import TITLES, bundle, compile_model, keras_file
from bench.documents import event_file
from bench.groups.request import agree
from bench.processes import Worker
from bench.rows import AFTERNOON, Plan, Row, compare, limit, missing
from local import engine
from local.image import TAG

_SERVING, _LOADING, _COMPILING = "≤ 4000", "≤ 2000", "≤ 6000"
_LARGE = "≤ 1300"
_SHARE = {"small": "≤ 0.333", "resnet": "≤ 0.333"}
# Keras takes 3.5 GB to load the large model; a smaller machine leaves that side out.
_KERAS_LARGE_MB = 5_000


@dataclass(slots=True)
class _Side:
    """The figures of one side, one for each process."""

    load_ms: list[float] = field(default_factory=list)
    loaded_peak: list[float] = field(default_factory=list)
    resident: list[float] = field(default_factory=list)
    mapped: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)

    def add(self, worker: Worker, event: Path) -> dict[str, Any]:
        """Send 32 matrices to a fresh process, and note what it takes."""
        answer = worker.ask("handle", event=str(event), times=1)
        held = answer["memory"]
        self.load_ms.append(worker.hello["load_ms"])
        self.loaded_peak.append(worker.hello["memory"]["peak"])
        self.resident.append(held["rss"])
        self.mapped.append(held["mapped"])
        self.peak.append(held["peak"])
        outputs: dict[str, Any] = answer["outputs"]
        return outputs


def measure(plan: Plan) -> list[Row]:
    """Every figure from a fresh process; the sides take turns."""
    rows = []
    for name in TITLES:
        compiled = compile_model(name)
        title = f"peak while compiling, {TITLES[name]}"
        if compiled.fault:
            rows.append(missing(title, "MB", _COMPILING, compiled.fault))
            if name == "large":
                rows.append(missing(_large_title(), "MB", _LARGE, compiled.fault))
            continue
        rows.append(limit(title, "MB", [compiled.peak_mb], _COMPILING))
        rows += _served(name, plan)
    return sorted(rows, key=lambda row: str(row["name"]).startswith("peak")) + _image()


def _served(name: str, plan: Plan) -> list[Row]:
    ours, other = _sides(name, plan.rounds(3) if name in _SHARE else 1)
    title = TITLES[name]
    rows = [
        limit(
            f"peak once loaded, {title}",
            "MB", ours.loaded_peak, _LOADING, other.loaded_peak, AFTERNOON,
        ),
        limit(
            _large_title() if name == "large" else f"peak from start to 32 matrices, {title}",
            "MB", ours.peak, _LARGE if name == "large" else _SERVING, other.peak, AFTERNOON,
        ),
        compare(
            f"resident after 32 matrices, {title}",
            "MB", (ours.resident, other.resident), AFTERNOON,
            quotient="ours ÷ other", goal=_SHARE.get(name),
        ),
    ]  # fmt: skip
    if name == "large":
        rows[1]["note"] = f"{max(ours.mapped):.0f} MB of what stays are pages of files"
        load = [[ms / 1e3 for ms in side.load_ms] for side in (ours, other)]
        rows.append(compare(f"import and load, {title}", "s", load, AFTERNOON))
    return rows


def _sides(name: str, rounds: int) -> tuple[_Side, _Side]:
    ours, other = _Side(), _Side()
    event = event_file(32, "text")
    with_keras = name != "large" or _available_mb() > _KERAS_LARGE_MB
    for _ in range(rounds):
        with Worker("ours", {"MODEL_DIR": str(bundle(name))}) as worker:
            answers = [ours.add(worker, event)]
        if with_keras:
            with Worker("afternoon", {"KERAS_FILE": str(keras_file(name))}) as worker:
                answers.append(other.add(worker, event))
        agree(answers)
    return ours, other


def _large_title() -> str:
    return f"peak from start to 32 matrices, {TITLES['large']}"


def _available_mb() -> float:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def _image() -> list[Row]:
    """The last images that were built, where an engine runs that has them."""
    sizes = {target: _image_mb(target) for target in ("fast", "tensorflow")}
    if sizes["fast"] is None:
        return []
    other = None if sizes["tensorflow"] is None else [sizes["tensorflow"]]
    title = "the image without TensorFlow, unpacked, with its base and the demo"
    return [limit(title, "MB", [sizes["fast"]], "≤ 450", other, "the image with TensorFlow")]


def _image_mb(target: str) -> float | None:
    if shutil.which("docker") is None:
        return None
    own = f"unix://{engine._SOCKET}"
    for address in (os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"), own):
        done = subprocess.run(
            ["docker", "--host", address, "image", "inspect", f"{TAG}:{target}"],
            capture_output=True,
        )
        if done.returncode == 0:
            return float(json.loads(done.stdout)[0]["Size"]) / 1e6
    return None
