"""docs/fruits-scaling.png: times with the fitted lines, the stages, and the speed-up."""

import io
import statistics
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from bench.scaling.fit import Fit
from bench.scaling.runs import STAGES, Study

_COLOURS = ("#1b6ca8", "#d1603d", "#4f9d69", "#7a5195")
_STAGE_COLOURS = ("#9aa5b1", "#e3c567", "#d1603d", "#1b6ca8", "#7a5195", "#4f9d69")
_FAR_CORES, _FAR_IMAGES = 64, 90_000


def draw(study: Study, line: Fit) -> bytes:
    """The figure as PNG.

    Args:
        line: of the whole runs.
    """
    figure = Figure(figsize=(13, 4.3), layout="constrained", dpi=110)
    times, stages, speed = figure.subplots(1, 3)
    _draw_times(times, study, line)
    _draw_stages(stages, study)
    _draw_speed(speed, study, line)
    for axes in (times, stages, speed):
        axes.spines[["top", "right"]].set_visible(False)
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


def _draw_times(axes: Any, study: Study, line: Fit) -> None:
    ends = np.array([0, study.sizes[-1] * 1.05])
    for colour, cores in zip(_COLOURS, study.cores, strict=False):
        for images in study.sizes:
            seconds = study.of(images, cores)
            axes.plot([images] * len(seconds), seconds, ".", color=colour, alpha=0.5, zorder=3)
            middle = statistics.median(seconds)
            axes.plot(images, middle, "_", color=colour, markersize=14, markeredgewidth=2)
        label = f"{cores} core" + ("s" if cores > 1 else "")
        axes.plot(ends, line.seconds(ends, cores), color=colour, label=label)
    axes.axhline(line.fixed.value, color="#888888", linestyle=":", label="fixed part")
    axes.set(title="Measured, and the fitted lines", xlabel="images", ylabel="s")
    axes.set_xlim(0, ends[1])
    axes.set_ylim(0)
    axes.legend(frameon=False, loc="upper left")


def _draw_stages(axes: Any, study: Study) -> None:
    kinds = [(images, cores) for images in study.sizes for cores in study.cores]
    below = np.zeros(len(kinds))
    for colour, stage in zip(_STAGE_COLOURS, STAGES, strict=True):
        heights = [statistics.median(study.of(*kind, stage)) for kind in kinds]
        axes.bar(range(len(kinds)), heights, bottom=below, color=colour, label=stage, width=0.75)
        below += heights
    names = [f"{images:,}\n{cores}" for images, cores in kinds]
    axes.set_xticks(range(len(kinds)), names, fontsize=8)
    axes.set(title="Where the time goes", xlabel="images, cores", ylabel="s, medians")
    axes.legend(frameon=False, loc="upper left", fontsize=8)


def _draw_speed(axes: Any, study: Study, line: Fit) -> None:
    most = study.cores[-1]
    near, far = np.linspace(1, most, 20), np.geomspace(most, _FAR_CORES, 60)
    sizes = [study.sizes[0], study.sizes[-1], _FAR_IMAGES]
    for colour, images in zip(_COLOURS, sizes, strict=False):
        if images in study.sizes:
            axes.plot(near, line.speed_up(images, near), color=colour)
            alone = statistics.median(study.of(images, study.cores[0]))
            measured = [alone / statistics.median(study.of(images, c)) for c in study.cores]
            axes.plot(study.cores, measured, "o", color=colour)
        else:
            axes.plot(near, line.speed_up(images, near), "--", color=colour)
        axes.plot(far, line.speed_up(images, far), "--", color=colour, label=f"{images:,} images")
    cores = np.geomspace(1, _FAR_CORES, 60)
    axes.plot(cores, cores, ":", color="#888888", label="as many times as cores")
    axes.axvspan(most, _FAR_CORES, color="#000000", alpha=0.05, linewidth=0)
    axes.text(_FAR_CORES * 0.9, 56, "extrapolated", ha="right", va="top", color="#666666", zorder=0)
    ticks = [2**power for power in range(7)]
    for scale, set_ticks in (
        (axes.set_xscale, axes.set_xticks),
        (axes.set_yscale, axes.set_yticks),
    ):
        scale("log", base=2)
        set_ticks(ticks, ticks)
    axes.set(title="Speed-up over one core", xlabel="cores", xlim=(1, _FAR_CORES), ylim=(0.9, 70))
    axes.legend(frameon=False, loc="upper left", fontsize=8)
