"""make bench: parsing, the whole handler and the cold start, each beside what it is compared to.

Both sides of a row are measured in turns, in one run; figures are medians, with least and most.
"""

import io
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from typing import Any

import numpy as np
from defusedxml import ElementTree

from local.event import http_event
from predict.api import create_app
from predict.gateway import create_handler
from serving.documents import Document, read_document
from serving.model import open_model
from serving.settings import Settings
from tests.support.documents import matrices, xml

BUNDLE = Path("models/demo/bundle")
PAGE, RESULTS = Path("docs/performance.md"), Path("bench/results.json")
XML = {"content-type": "application/xml"}
Row = dict[str, Any]


def by_element_tree(content: bytes) -> np.ndarray:
    """What one would write: the whole tree, then float()."""
    return np.array(
        [
            [float(text) for text in ([v.text or "" for v in m] or (m.text or "").split())]
            for m in ElementTree.fromstring(content)
        ]
    )


def compare(name: str, ours: Callable[[], Any], other: Callable[[], Any], rounds: int) -> Row:
    """A row of milliseconds; the sides take turns, so that both meet the same machine."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for side, work in zip(times, (ours, other), strict=True):
            start = perf_counter()
            work()
            side.append((perf_counter() - start) * 1e3)
    return row(name, *times, "ms")


def row(name: str, ours: list[float], other: list[float], unit: str) -> Row:
    """A row; the ratio is the other's median over ours."""
    median = [statistics.median(side) for side in (ours, other)]
    return {
        "name": name,
        "unit": unit,
        "ours": [round(v, 1) for v in (median[0], min(ours), max(ours))],
        "other": [round(v, 1) for v in (median[1], min(other), max(other))],
        "ratio": round(median[1] / median[0], 2),
        "goal": None,
        "met": None,
    }


def parsing() -> list[Row]:
    """Against defusedxml.ElementTree and float()."""
    model, rows = open_model(BUNDLE), []
    for form in ("text", "values"):
        content = xml(matrices(32), form)

        def ours(content: bytes = content) -> list[Any]:
            return list(read_document(io.BytesIO(content), Document(model.spec)))

        def other(content: bytes = content) -> np.ndarray:
            return by_element_tree(content)

        name = f"parse 32 matrices, {form}; other: ElementTree + float"
        rows.append(compare(name, ours, other, 15))
    return rows


def handling() -> list[Row]:
    """The whole handler on an event, against the bare engine on arrays in memory."""
    model = open_model(BUNDLE)
    app = create_app(model, Settings.from_env({"MODEL_DIR": str(BUNDLE)}))
    handler, rows = create_handler(app), []
    for count in (1, 32):
        given = matrices(count)
        batch = np.stack([m.values for m in given]).astype(model.spec.dtype)
        for form in ("text", "values"):
            event = http_event("POST", "/predictions", xml(given, form), XML)

            def ours(event: dict[str, Any] = event) -> Any:
                return handler(event, SimpleNamespace(aws_request_id="1"))

            def other(batch: np.ndarray = batch) -> Any:
                return model._engine.run(batch)

            name = f"warm handler, demo, {count} in a document, {form}; other: the bare engine"
            rows.append(compare(name, ours, other, 15))
    return rows


def starting() -> list[Row]:
    """Process start to first answer, against the same model on the TensorFlow engine."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder, "bundle")
        shutil.copytree(BUNDLE, bundle)
        passport = json.loads((bundle / "passport.json").read_text())
        passport |= {"engine": "tensorflow", "compiled": None}
        (bundle / "passport.json").write_text(json.dumps(passport))
        runs = [(start(BUNDLE), start(bundle)) for _ in range(5)]

    def of(side: int, key: str, factor: float = 1) -> list[float]:
        return [run[side][key] * factor for run in runs]

    against = "the sample document; other: the TensorFlow engine"
    return [
        row(
            f"process start to answer, {against}",
            of(0, "seconds", 1e3),
            of(1, "seconds", 1e3),
            "ms",
        ),
        row(f"peak memory of that, {against}", of(0, "peak_mb"), of(1, "peak_mb"), "MB"),
    ]


def start(bundle: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.start"],
        env=os.environ | {"MODEL_DIR": str(bundle)},
        check=True,
        capture_output=True,
        text=True,
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def page(results: dict[str, Any]) -> str:
    """The results for people."""
    lines = [
        "# Performance\n",
        "<!-- Written by make bench. -->\n",
        f"{results['machine']}; "
        + ", ".join(f"{name} {number}" for name, number in results["versions"].items())
        + ". Medians of interleaved rounds, with least and most; the ratio is other ÷ ours.\n",
        "| what | ours | other | ratio |\n| --- | --- | --- | --- |",
    ]
    for r in results["rows"]:
        ours, other = (f"{v[0]} {r['unit']} ({v[1]} to {v[2]})" for v in (r["ours"], r["other"]))
        lines.append(f"| {r['name']} | {ours} | {other} | {r['ratio']} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, and write both files."""
    names = ("numpy", "onnxruntime", "fastapi", "mangum", "defusedxml", "tensorflow-cpu")
    results = {
        "machine": ", ".join(
            (f"{os.cpu_count()} cores", platform.machine(), f"Python {platform.python_version()}")
        ),
        "versions": {name: version(name) for name in names},
        "rows": [*parsing(), *handling(), *starting()],
    }
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    PAGE.write_text(page(results), encoding="utf-8")
    print(PAGE.read_text())


if __name__ == "__main__":
    main()
