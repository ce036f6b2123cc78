"""docs/performance.md: the results for people, and behind them what was written by hand."""

from pathlib import Path
from typing import Any

from bench.groups import TITLES
from bench.rows import Row

_ABOUT = {
    "start": (
        "Every start is a new process; the clock is that of the process that starts it. The first "
        "request is held against the tenth of the same process."
    ),
    "request": "An event of API Gateway in, the answer out, in one process for each side.",
    "memory": "Resident, pages of files included; `make model` with all of its processes.",
    "load": (
        "Requests of every form, size and fault (`tests/load/mix.py`) to the handler of the demo, "
        "in one process; the largest documents that one request may carry "
        "(`tests/load/largest.py`), each to a process that has seen no other. Resident, pages of "
        "files included."
    ),
    "parsing": "5000 values a matrix, with all 17 digits.",
    "streams": "A document on disk, beside the slower of its two parts alone.",
    "large": (
        "The stand-in for S3 is a process on the same cores. The afternoon version "
        "(`bench/afternoon_batch.py`) reads the whole object, and predicts it at once."
    ),
    "peers": (
        "`make serve` over HTTP on connections that stay open, beside LitServe as set up in "
        "`bench/peers.py`; the clients share the machine."
    ),
    "protocol": (
        "The same numbers in each form (`bench/forms.py`), to the small CNN; text has all digits "
        "of a double, npz has doubles, the protocol's bytes are FP32. Each form stands beside our "
        "own XML: `make serve` over HTTP with one client on a connection that stays open, then "
        "the handler with events, where bytes are base64; the protocol also beside KServe's model "
        "server as set up in `bench/kserve_peer.py`. Nothing is packed."
    ),
    "fruits": (
        "Features of drawn JPEGs of 100×100 with MobileNetV2 (random weights) on Spark, 2 cores. "
        "Ours is `jobs/fruits`; the notebook is the one that everyone copies "
        "(`bench/fruits/notebook.py`: an iterator UDF, weights broadcast, the model built again "
        "for each partition, `predict` on the batch, `repartition(20)`); the version before it "
        "(`bench/fruits/first_try.py`) builds the model for each Arrow batch and predicts image by "
        "image. Each run is a new process and a new session. Cold is from the started session to "
        "features in Parquet; ours counts sharing the bundle, theirs does not count having the "
        "weights on the driver. Warm is the same session again on other images, beside two plain "
        "processes without Spark that have the model open already, each with one thread of the "
        "same engine, the same decoding and half of the files. What stands apart is in cold and "
        "warm (but for the session, and their weights), and was timed again by itself. All sides "
        "gave the same features within 1e-4, in every round. The memory of a worker counts pages "
        "that it shares with the process it was forked from."
    ),
}
PAGE, PROFILE = Path("docs/performance.md"), Path("bench/profile.md")
_METHOD = (
    "Both sides of a row are measured in turns, in one run of `make bench`, each in a process of "
    "its own where threads or memory count; figures are medians, with least and most, and the "
    "ratio is that of the medians. The afternoon version (`bench/afternoon.py`) is what one would "
    "write in an afternoon: defusedxml.ElementTree, `float()`, `keras.models.load_model`, "
    "`model.predict`, FastAPI and Mangum. A limit holds for the most. The goals were set before "
    "the work."
)
_MODELS = (
    "All models take a matrix of (5000, 1) and give two numbers (`bench/models.py`): the demo; a "
    "small CNN of 198,000 parameters; CNN+LSTM; a ResNet-34 along time of 7.2 million; one of "
    "dense layers whose weights are 1 GB."
)


def write(results: dict[str, Any]) -> None:
    """Write the page."""
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    parts = [
        "# Performance",
        "<!-- Written by make bench; the part behind the tables is bench/profile.md. -->",
        _METHOD,
        _MODELS,
        f"{results['machine']}; {versions}.",
    ]
    for group, title in TITLES.items():
        rows = [row for row in results["rows"] if row["group"] == group]
        if rows:
            parts += [f"## {title}", _ABOUT[group], _table(rows), *_notes(rows)]
    if PROFILE.exists():
        parts.append(PROFILE.read_text(encoding="utf-8").strip())
    PAGE.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _table(rows: list[Row]) -> str:
    lines = [
        "| what | ours | beside it | ratio | goal | met |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        ratio = "" if row["ratio"] is None else f"{row['ratio']:g} ({row['quotient']})"
        met = {None: "", True: "yes", False: "**no**"}[row["met"]]
        # A limit is in the unit of the row, any other goal is about the ratio.
        unit = f" {row['unit']}" if row["goal"] and row["quotient"] is None else ""
        cells = (
            row["name"],
            _figure(row["ours"], row["unit"]),
            _beside(row),
            ratio,
            f"{row['goal'] or ''}{unit}",
            met,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _beside(row: Row) -> str:
    if row["other"] is None:
        return ""
    return f"{row['against']}: {_figure(row['other'], row['unit'])}"


def _figure(figures: list[float] | None, unit: str) -> str:
    if figures is None:
        return "not measured"
    middle, least, most = (f"{value:,g}" if value < 1000 else f"{value:,.0f}" for value in figures)
    return f"{middle} {unit}" + ("" if least == most else f" ({least} to {most})")


def _notes(rows: list[Row]) -> list[str]:
    return [f"{row['name']}: {row['note']}." for row in rows if row.get("note")]
