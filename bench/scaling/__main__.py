"""make fruits-scaling: sizes by cores by repetitions, the fit, the figure and the page.

`--page` writes figure and page again from the results that are there.
"""

import argparse
import datetime
from importlib.metadata import version
from pathlib import Path

from bench.__main__ import machine
from bench.fruits.material import bundle, orchard
from bench.scaling.figure import draw
from bench.scaling.page import lines_of, render
from bench.scaling.runs import Run, Study, measure

RESULTS = Path("bench/scaling/results.json")
PAGE, FIGURE = Path("docs/fruits-scaling.md"), Path("docs/fruits-scaling.png")
_LIBRARIES = ("pyspark", "onnxruntime", "numpy", "pyarrow")


def main() -> None:
    """Measure, and write the three files."""
    parser = argparse.ArgumentParser(prog="make fruits-scaling", description=__doc__)
    parser.add_argument("--sizes", type=_numbers, default=[300, 600, 1200, 2400])
    parser.add_argument("--cores", type=_numbers, default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--page", action="store_true", help="measure nothing")
    args = parser.parse_args()
    if args.page:
        study = Study.read(RESULTS)
    else:
        study = _study(args.sizes, args.cores, args.repeats)
        lines_of(study.runs)  # a study that has no fit does not replace one that has
        study.write(RESULTS)
    FIGURE.write_bytes(draw(study, lines_of(study.runs)[0]))
    PAGE.write_text(render(study), encoding="utf-8")
    print(f"written: {RESULTS}, {FIGURE}, {PAGE}")


def _study(sizes: list[int], cores: list[int], repeats: int) -> Study:
    folders = {images: orchard(images) for images in sizes}
    runs: list[Run] = []
    for run in measure(sizes, cores, repeats, folders, bundle()):
        runs.append(run)
        parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in run.seconds.items())
        done = f"{len(runs)}/{len(sizes) * len(cores) * repeats}"
        print(f"{done}: {run.images} images, {run.cores} cores: {run.whole:.1f} s ({parts})",
              flush=True)  # fmt: skip
    versions = {name: version(name) for name in _LIBRARIES}
    return Study(machine(), f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}", versions, runs)


def _numbers(text: str) -> list[int]:
    """As in 300,600; also parted by blanks."""
    numbers = sorted({int(part) for part in text.replace(",", " ").split()})
    if not numbers or numbers[0] < 1:
        raise argparse.ArgumentTypeError(f'"{text}": expected whole numbers from 1')
    return numbers


if __name__ == "__main__":
    main()
