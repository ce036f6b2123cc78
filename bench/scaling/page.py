"""docs/fruits-scaling.md: what was measured, the line through it, and where the line would lead."""

import statistics

from bench.scaling.fit import Fit, Interval, fit
from bench.scaling.runs import STAGES, START, Run, Study
from cluster.cost import DRIVER, VCPU_CORES, WORKER, Prices, estimate

_REGION, _NETWORK = "eu-west-3", "mobilenet_v2"
_FAR_IMAGES, _FAR_WORKERS = (90_000, 1_000_000), (1, 2, 4, 8, 16, 32)


def render(study: Study) -> str:
    """The page; the figure stands beside it."""
    line, stages = lines_of(study.runs)
    parts = [
        "# How `make fruits` grows",
        "<!-- Written by make fruits-scaling from bench/scaling/results.json and "
        "bench/scaling/page.py. -->",
        _about(study),
        "![Times with the fitted lines, the stages, and the speed-up](fruits-scaling.png)",
        "## Measured",
        "Seconds, medians; in brackets the least and the most. The line is the fit below.",
        _measured(study, line),
        "## The fit",
        _fitted(study, line, stages),
        "## What no core takes off",
        _overhead(study, line, stages),
        "## Extrapolated",
        _extrapolated(study, line),
    ]
    return "\n\n".join(parts) + "\n"


def lines_of(runs: list[Run]) -> tuple[Fit, dict[str, Fit]]:
    """The fit of the whole runs, and of each stage; those of the stages add up to the whole."""
    images, cores = [run.images for run in runs], [run.cores for run in runs]
    whole = fit(images, cores, [run.whole for run in runs])
    stages = {stage: fit(images, cores, [run.seconds[stage] for run in runs]) for stage in STAGES}
    return whole, stages


def _about(study: Study) -> str:
    repeats = min(len(study.of(images, cores)) for images in study.sizes for cores in study.cores)
    versions = ", ".join(f"{name} {number}" for name, number in study.versions.items())
    sizes = ", ".join(f"{images:,}" for images in study.sizes)
    return (
        f"`jobs/main.py fruits` from nothing to the manifest: {sizes} drawn images of 100×100, "
        f"{_list(study.cores)} cores, {repeats} times each, {len(study.runs)} runs in turns. Each "
        "run is a new process that may use so many cores and no more, its Java machine included; "
        "the bundle (MobileNetV2, random weights) was there before. Start is Python, its imports, "
        "the Java machine and Spark's session; outputs is also the manifest and the end of the "
        f"process.\n\n{study.measured}; {study.machine}; {versions}."
    )


def _measured(study: Study, line: Fit) -> str:
    rows = [["images", "cores", *STAGES, "whole", "line", "images/s", "speed-up"]]
    for images in study.sizes:
        alone = statistics.median(study.of(images, study.cores[0]))
        for cores in study.cores:
            whole = study.of(images, cores)
            middle = statistics.median(whole)
            stages = [f"{statistics.median(study.of(images, cores, s)):.1f}" for s in STAGES]
            spread = f"{middle:.1f} ({min(whole):.1f} to {max(whole):.1f})"
            foreseen = f"{line.seconds(images, cores):.1f}"
            speed = f"{alone / middle:.2f}" if cores > study.cores[0] else ""
            rows.append(
                [f"{images:,}", f"{cores}", *stages, spread, foreseen, f"{images / middle:.0f}",
                 speed]
            )  # fmt: skip
    return table(rows)


def _fitted(study: Study, line: Fit, stages: dict[str, Fit]) -> str:
    rows = [["part", "fixed, s", "an image on one core, ms"]]
    for name, found in [*stages.items(), ("**whole**", line)]:
        rows.append([name, _plus_minus(found.fixed), _plus_minus(found.per_image, 1000)])
    least, most = line.undivided.ends
    worst = max(abs(residual) for residual in line.residuals)
    zero = "holds" if least <= 0 <= most else "does not hold"
    verdict = (
        "so these runs do not tell such a part from none"
        if least <= 0 <= most
        else "so the law is a simplification, and more cores gain less than it says"
        if least > 0
        else "so more cores gained more than they are: start and Java's compiler, which the law "
        "calls fixed, go faster with a second core as well"
    )
    shares = ", ".join(
        f"{line.serial_share(images):.0%} of {images:,} images "
        f"({1 / line.serial_share(images):.1f} times)"
        for images in study.sizes
    )
    return "\n\n".join(
        (
            "Amdahl's law, with the start apart: `t = start + serial + image × images / cores`. "
            "Least squares over all runs, with what a 95 % interval has on either side; each "
            "stage is fitted by itself, and the stages add up to the whole.",
            table(rows),
            f"The line explains {line.explained:.1%} of the variance; residuals have a standard "
            f"deviation of {line.spread:.2f} s, the largest is {worst:.2f} s. A further term for "
            f"what an image takes that cores do not divide comes out at "
            f"{_plus_minus(line.undivided, 1000)} ms; its interval {zero} zero, {verdict}.",
            f"The fixed part is, of one core's time, {shares}; in brackets is how many times as "
            "fast as one core any number of cores could be. Half of the time is fixed at "
            f"{line.fixed.value / line.per_image.value:,.0f} images a core.",
        )
    )


def _overhead(study: Study, line: Fit, stages: dict[str, Fit]) -> str:
    start, serial = stages[START].fixed.value, line.fixed.value - stages[START].fixed.value
    starts = {
        cores: statistics.median(run.seconds[START] for run in study.runs if run.cores == cores)
        for cores in study.cores
    }
    by_cores = _list([f"{seconds:.1f} s on {cores}" for cores, seconds in starts.items()])
    return (
        f"Of the {line.fixed.value:.1f} s, {start:.1f} s are the start and {serial:.1f} s are in "
        "the stages:\n\n"
        f"- **The Java machine and the session** (start, {by_cores}): Python imports Spark, pandas "
        "and Arrow, Java starts, loads some ten thousand classes and compiles the hot ones while "
        "they run. A cluster pays it for the driver and again, at the same time, for each "
        "executor.\n"
        f"- **Listing** ({_fixed(stages, 'listing')}): the driver alone lists a folder, without "
        "Spark.\n"
        f"- **The model** ({_fixed(stages, 'model')}): the driver reads the bundle, checks its "
        "hashes and broadcasts 9 MB.\n"
        f"- **Python workers and the build of the model** (features, "
        f"{_fixed(stages, 'features')}): each core forks a Python worker, which imports NumPy, "
        "Pillow and ONNX Runtime, opens the bundle and runs its golden pair. That is once for "
        "each worker, not for each partition; the workers do it at the same time. A slice ends "
        "with its slowest task.\n"
        f"- **Components on the driver** (components, {_fixed(stages, 'components')}): the "
        "covariance of 1,280 features is summed by the workers, but its decomposition is of "
        "1,280×1,280 whatever the images, on one machine.\n"
        f"- **Outputs** (outputs, {_fixed(stages, 'outputs')}): two plots, a table, one CSV that "
        "one task writes, the agreement of neighbours on at most 5,000 images, the manifest.\n"
        "- **Small files** are in the part of each image: a file of 4 KB is listed, opened, read "
        "and hashed by itself. On this disk that is little; over S3 each is a request of tens of "
        "milliseconds, of which a worker has up to 16 open.\n\n"
        "All but the small files are paid once a run, so a run should be long: ten runs of 600 "
        "images pay them ten times. What was computed is kept, so a run that is continued pays "
        "the start again, and nothing twice."
    )


def _extrapolated(study: Study, line: Fit) -> str:
    rows = [
        ["images", "workers", "vCPUs", "the line, min", "of it fixed", "the line, €",
         "the job's estimate, min", "its €"]
    ]  # fmt: skip
    prices = Prices.of(_REGION)
    for images in _FAR_IMAGES:
        for workers in _FAR_WORKERS:
            vcpus = workers * WORKER.vcpus
            seconds = line.seconds(images, vcpus * VCPU_CORES)
            hours = seconds / 3600
            paid = workers * prices.machine_eur(WORKER, hours) + prices.machine_eur(DRIVER, hours)
            careful = estimate(images, model=_NETWORK, region=_REGION, workers=workers)
            rows.append(
                [f"{images:,}", f"{workers}", f"{vcpus}", f"{seconds / 60:.1f}",
                 f"{line.fixed.value / seconds:.0%}", f"{paid:.2f}",
                 f"{careful.hours * 60:.1f}", f"{careful.eur:.2f}"]
            )  # fmt: skip
    return "\n\n".join(
        (
            "**Nothing in this table was measured.** It is the line above, drawn on from "
            f"{study.sizes[-1]:,} images and {study.cores[-1]} cores to numbers "
            f"{_FAR_IMAGES[-1] // study.sizes[-1]:,} times as large, on machines it has never "
            f"seen: EMR Serverless workers of {WORKER.vcpus} vCPUs and {WORKER.gb} GB in "
            f"{_REGION}, {VCPU_CORES:g} of a core of this machine reckoned for a vCPU, list prices "
            "from memory (`jobs/cluster/prices.toml`). The right half is what the job itself "
            "estimates before it starts, from above, with the parts that the line leaves out "
            "(`jobs/cluster/cost.py`); that is what a budget is compared with.",
            table(rows),
            "The line leaves out:\n\n"
            "- **the start of a cluster**: executors are asked for, and unpack the Python "
            "archive; one to two minutes, billed;\n"
            "- **the network**: images come from S3, each by a request of its own, and the "
            "bundle goes to every executor;\n"
            "- **S3's listing**: 1,000 names a request, by the driver, while the workers wait;\n"
            "- **stragglers**: with more workers the slowest of them is slower, and all wait for "
            "it at the end of a slice;\n"
            "- **the driver**: it sums one covariance for each partition, plans and commits each "
            "slice; what it does for a million files is not what it does for "
            f"{study.sizes[-1]:,};\n"
            "- **other processors**: a vCPU is one of two threads of a core, of a generation that "
            "nobody chooses.\n\n"
            "What the line does say: the images are the part that divides, and beyond the number "
            "of workers where half of the time is fixed, more of them cost more and gain little.",
        )
    )


def table(rows: list[list[str]]) -> str:
    """Of Markdown; the first row is its head."""
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _fixed(stages: dict[str, Fit], name: str) -> str:
    return f"{stages[name].fixed.value:.1f} s"


def _plus_minus(found: Interval, factor: float = 1.0) -> str:
    return f"{found.value * factor:.2f} ± {found.margin * factor:.2f}"


def _list(values: list[int] | list[str]) -> str:
    *first, last = [str(value) for value in values]
    return f"{', '.join(first)} and {last}" if first else last
