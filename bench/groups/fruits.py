"""Features of images on Spark: `jobs/fruits` beside two notebooks and two plain processes."""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.fruits.equality import check_equal
from bench.fruits.family import on_cores
from bench.fruits.material import NETWORK, PLACE, bundle, orchard
from bench.processes import Answer, Worker
from bench.rows import Plan, Row, compare

_CORES, _COLD, _WARM, _FEW = 2, 600, 2_400, 60
_ROUNDS, _WARM_PASSES = 5, 2
_NOTEBOOKS = {"notebook": "the notebook", "first try": "the version before the notebook"}
_PLAIN = "two plain processes"
_GOALS = {"notebook": "≥ 6", "first try": "≥ 20"}
_OUT = PLACE / "out"

Figures = dict[str, list[float]]


class Seen(dict[str, Figures]):
    """Figures of each side, by name."""

    def add(self, side: str, **figures: float) -> None:
        for name, figure in figures.items():
            self.setdefault(side, {}).setdefault(name, []).append(figure)


def measure(plan: Plan) -> list[Row]:
    """Each side of a round is a new process; what a side gives is compared before it counts."""
    model = bundle()
    cold, warm, few = (str(orchard(count)) for count in (_COLD, _WARM, _FEW))
    with on_cores(_CORES):
        # Nothing is measured before all agree; and files and libraries are in memory from here on.
        _round(Seen(), model, few, few)
        seen = Seen()
        for _ in range(plan.rounds(_ROUNDS)):
            _round(seen, model, cold, warm)
    return _rows(seen)


def _round(seen: Seen, model: Path, cold: str, warm: str) -> None:
    shutil.rmtree(_OUT, ignore_errors=True)
    _OUT.mkdir(parents=True)
    _ours_and_plain(seen, model, cold, warm)
    for way in _NOTEBOOKS:
        _notebook(seen, way, model, cold)


def _ours_and_plain(seen: Seen, model: Path, cold: str, warm: str) -> None:
    """Cold first; then, on other images, warm in turns with the plain processes."""
    with ExitStack() as stack:
        ours = stack.enter_context(Worker("fruits_ours"))
        start, share = ours.ask("start", cores=_CORES), ours.ask("share", bundle=str(model))
        first = ours.ask("extract", network=NETWORK, images=cold, out=_out("cold"))
        seen.add(
            "ours",
            session=start["s"],
            cold=share["s"] + first["s"],
            weights=share["s"],
            partitions=first["partitions"],
            builds=first["builds"],
        )
        plain = [stack.enter_context(Worker("fruits_plain")) for _ in range(_CORES)]
        together(plain, lambda worker: worker.ask("start", bundle=str(model)))
        _plain(plain, cold, "plain-cold")  # what a first pass makes, it has now
        check_equal(_OUT / "cold", _OUT / "plain-cold")
        for turn in range(_WARM_PASSES):
            again = ours.ask("extract", network=NETWORK, images=warm, out=_out(f"warm{turn}"))
            seen.add("ours", warm=again["s"])
            parts = _plain(plain, warm, f"plain-warm{turn}")
            seen.add(_PLAIN, **parts)
            check_equal(_OUT / f"warm{turn}", _OUT / f"plain-warm{turn}")
        seen.add("ours", list=ours.ask("list", images=warm)["s"])
        _memory(seen, "ours", ours.ask("stop"))


def _plain(plain: list[Worker], images: str, out: str) -> dict[str, float]:
    """All processes at once, each with its share; of the parts, the longest of them."""
    paths = sorted(str(path) for path in Path(images).rglob("*.jpg"))
    (_OUT / out).mkdir()
    shares = dict(zip(plain, (paths[i :: len(plain)] for i in range(len(plain))), strict=True))
    places = {worker: str(_OUT / out / f"{i}.parquet") for i, worker in enumerate(plain)}
    answers = together(
        plain,
        lambda worker: worker.ask(
            "extract", network=NETWORK, images=shares[worker], out=places[worker]
        ),
    )
    names = answers[0]["parts"]
    longest = {name: max(answer["parts"][name] for answer in answers) for name in names}
    return longest | {
        "warm": max(answer["s"] for answer in answers),
        "worker": max(answer["memory"]["peak"] for answer in answers),
    }


def together(workers: list[Worker], ask: Callable[[Worker], Answer]) -> list[Answer]:
    """Ask all of them at the same time."""
    with ThreadPoolExecutor(len(workers)) as pool:
        return list(pool.map(ask, workers))


def _notebook(seen: Seen, way: str, model: Path, cold: str) -> None:
    with Worker("fruits_keras") as worker:
        start = worker.ask("start", cores=_CORES)
        share = worker.ask("share", model=str(model / "model.h5"))
        done = worker.ask("extract", way=way, images=cold, out=_out(way))
        check_equal(_OUT / "cold", _OUT / way)
        seen.add(
            way,
            session=start["s"],
            cold=done["s"],
            weights=share["s"],
            partitions=done["partitions"],
            builds=done["builds"],
        )
        _memory(seen, way, worker.ask("stop"))


def _memory(seen: Seen, side: str, found: dict[str, Any]) -> None:
    for peak in found["worker_mb"]:
        seen.add(side, worker=peak)
    seen.add(side, java=found["java_mb"])


def _out(name: str) -> str:
    return str((_OUT / name).resolve())


def _rows(seen: Seen) -> list[Row]:
    ours, plain = seen["ours"], seen[_PLAIN]

    def speed(seconds: list[float], images: int) -> list[float]:
        return [images / s for s in seconds]

    rows = [
        compare(
            f"cold, {_COLD} images: from a started session to features written",
            "s",
            (ours["cold"], seen[way]["cold"]),
            title,
            goal=_GOALS[way],
        )
        for way, title in reversed(_NOTEBOOKS.items())
    ]
    rows.append(
        compare(
            f"warm, {_WARM:,} images: files to features written",
            "images/s",
            (speed(ours["warm"], _WARM), speed(plain["warm"], _WARM)),
            _PLAIN,
            quotient="ours ÷ other",
            goal="≥ 0.85",
        )
    )
    for name, unit, text in (
        ("session", "s", "apart: start of the session"),
        ("weights", "s", "apart: weights on the driver"),
        ("partitions", "partitions", f"partitions of {_COLD} images"),
        ("builds", "models", f"models built for {_COLD} images"),
        ("worker", "MB", "most memory of a Python worker"),
        ("java", "MB", "most memory of the Java machine"),
    ):
        rows += [
            compare(text, unit, (ours[name], seen[way][name]), title)
            for way, title in _NOTEBOOKS.items()
        ]
    rows.append(
        compare("most memory of a Python worker", "MB", (ours["worker"], plain["worker"]), _PLAIN)
    )
    rows.append(compare(f"apart: listing, {_WARM:,} images", "s", (ours["list"], ()), ""))
    rows += [
        compare(f"apart: {text}, {_WARM:,} images, in each of {_PLAIN}", "s", (plain[name], ()), "")
        for name, text in (
            ("read", "reading"),
            ("decode", "decoding"),
            ("infer", "the engine"),
            ("write", "writing"),
        )
    ]
    return rows
