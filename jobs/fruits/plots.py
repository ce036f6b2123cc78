"""Two pictures of a run, as PNG: how much each component explains, and where the classes lie."""

import colorsys
import io
import unicodedata
from collections.abc import Sequence
from functools import cache

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.legend import Legend
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

MOST_POINTS = 5_000
NAMED = 24  # up to so many classes the names stand in the picture; beyond, their numbers
MOST_NAMES = 150
LONGEST = 26  # characters of a name
HEIGHT = 0.024  # of a name, as a share of the picture's
MARKERS = "os^vDPX<>*"
CHOSEN, LEFT, LINE, INK = "#2b6a4d", "#c4d6cb", "#b5542b", "#333333"
PERCENT = 100.0


def scree(explained: Sequence[float], k: int, criterion: str = "") -> bytes:
    """A PNG: a bar for each component's share of the variance, and the line of their sum.

    Args:
        explained: shares in 0 to 1, of all components computed.
        k: how many are kept, drawn darker. criterion: why, in words.
    """
    shares = np.asarray(explained, np.float64) * PERCENT
    number = np.arange(1, len(shares) + 1)
    total = np.cumsum(shares)
    figure = Figure(figsize=(9, 5), dpi=120, layout="constrained")
    bars = figure.add_subplot()
    bars.bar(number, shares, width=0.82, color=np.where(number <= k, CHOSEN, LEFT).tolist())
    bars.set(xlabel="component", ylabel="of the variance, %", xlim=(0.3, len(shares) + 0.7))
    bars.xaxis.set_major_locator(MaxNLocator(integer=True))
    bars.spines[["top", "right"]].set_visible(False)
    sums = bars.twinx()
    sums.plot(number, total, color=LINE, marker="o", markersize=3, linewidth=1.4)
    sums.axvline(k + 0.5, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
    sums.set(ylim=(0, 105))
    sums.set_ylabel("sum, %", color=LINE)
    sums.tick_params(axis="y", colors=LINE)
    sums.spines[["top", "left"]].set_visible(False)
    kept = total[min(k, len(total)) - 1] if k else 0.0
    title = f"{k} of {len(shares)} components kept: {kept:.1f} % of the variance"
    _write_title(bars, title, criterion)
    return _render(figure)


def scatter(
    points: NDArray[np.float64],
    labels: Sequence[str],
    *,
    explained: Sequence[float] = (),
    total: int | None = None,
    most: int = MOST_POINTS,
    seed: int = 0,
) -> bytes:
    """A PNG: each image at its first two components, coloured and marked by class.

    Args:
        points: (n, k); of one component alone, the class is the other direction.
        labels: n. explained: shares of the variance, for the axes.
        total: images that the points were sampled from; None: these are all.
        most: how many points are drawn; of more, the seed chooses, and the picture says so.
    """
    rows = np.random.default_rng(seed).permutation(len(points))[:most]
    names, classes = _number(np.asarray(labels, dtype=object)[rows])
    x = points[rows, 0]
    y = points[rows, 1] if points.shape[1] > 1 else classes.astype(np.float64)
    many = len(names) > NAMED
    figure = Figure(figsize=(16 if many else 11, 9 if many else 7.5), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    colours = pick_colours(len(names))
    for kind, colour in enumerate(colours):
        mine = classes == kind
        marker = MARKERS[kind % len(MARKERS)]
        axes.scatter(x[mine], y[mine], s=16, c=[colour], marker=marker, alpha=0.75, linewidths=0)
    texts = [str(i) if many else legible(name) for i, name in enumerate(names, start=1)]
    middles = np.array([_find_middle(x, y, classes == kind) for kind in range(len(names))])
    reach = np.ptp(np.stack((x, y), axis=-1), axis=0)
    for place, text, colour in zip(spread(middles, reach, texts), texts, colours, strict=True):
        _write_name(axes, place, text, colour)
    _finish(axes, points.shape[1], explained)
    total = total or len(points)
    drawn = f"{len(rows):,} of them drawn" if len(rows) < total else ""
    _write_title(axes, f"{total:,} images of {len(set(labels))} classes", drawn)
    _write_legend(figure, axes, [f"{i}  {legible(name)}" for i, name in enumerate(names, start=1)])
    return _render(figure)


def _number(labels: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.intp]]:
    """The names, and each row's number among them; rare classes are one where there are many."""
    names, classes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if len(names) <= MOST_NAMES:
        return names, classes
    kept = np.sort(np.argsort(-sizes, kind="stable")[: MOST_NAMES - 1])
    numbers = np.full(len(names), MOST_NAMES - 1)
    numbers[kept] = np.arange(len(kept))
    rest = f"{len(names) - len(kept)} other classes"
    return np.append(names[kept], rest), numbers[classes]


def pick_colours(count: int) -> list[tuple[float, float, float]]:
    """Different colours that can be told apart on white: neighbours in the list differ most."""
    hues = (np.arange(count) * 0.618034) % 1
    depths = [(0.46, 0.85), (0.36, 0.6), (0.58, 0.75)]  # lightness and saturation
    return [colorsys.hls_to_rgb(hue, *depths[i % 3]) for i, hue in enumerate(hues)]


def legible(name: str) -> str:
    """A name as the font can draw it, in one line and not too long."""
    drawable = "".join(c if _has_glyph(c) else "?" for c in name)
    return drawable if len(drawable) <= LONGEST else f"{drawable[: LONGEST - 1]}…"


@cache
def _has_glyph(character: str) -> bool:
    if unicodedata.category(character)[0] in "CZ" and character != " ":
        return False
    return bool(get_font(findfont("DejaVu Sans")).get_char_index(ord(character)))


def spread(
    middles: NDArray[np.float64], reach: NDArray[np.float64], texts: Sequence[str]
) -> NDArray[np.float64]:
    """Places for names, (n, 2): their middles, moved up or down until none covers another.

    Args:
        middles: (n, 2). reach: width and height of the picture, (2,), in the same units.
    """
    places = middles / np.where(reach > 0, reach, 1)
    wide = np.array([0.004 + 0.0045 * len(text) for text in texts])
    apart = wide[:, None] + wide[None]  # half of one and half of the other
    order = np.arange(len(texts))
    for _ in range(60):
        gap = places[:, None, 1] - places[None, :, 1]
        beside = np.abs(places[:, None, 0] - places[None, :, 0]) < apart
        close = beside & (np.abs(gap) < HEIGHT) & (order[:, None] != order[None])
        if not close.any():
            break
        way = np.where(gap != 0, np.sign(gap), np.sign(order[:, None] - order[None]))
        places[:, 1] += 0.3 * (close * way * (HEIGHT - np.abs(gap))).sum(axis=1)
    return places * np.where(reach > 0, reach, 1)


def _find_middle(
    x: NDArray[np.float64], y: NDArray[np.float64], mine: NDArray[np.bool_]
) -> tuple[float, float]:
    return float(np.median(x[mine])), float(np.median(y[mine]))


def _write_name(
    axes: Axes, place: NDArray[np.float64], text: str, colour: tuple[float, float, float]
) -> None:
    dark = tuple(0.6 * part for part in colour)
    halo = [patheffects.withStroke(linewidth=2.5, foreground="white")]
    axes.text(
        place[0], place[1], text, size=8, weight="bold", color=dark, ha="center", va="center",
        path_effects=halo, parse_math=False,
    )  # fmt: skip


def _write_title(axes: Axes, title: str, more: str) -> None:
    axes.set_title(title, loc="left", color=INK, size=12, pad=22 if more else 8)
    if more:
        axes.text(
            0, 1.015, more, transform=axes.transAxes, size=9, color="#666666", parse_math=False
        )


def _finish(axes: Axes, components: int, explained: Sequence[float]) -> None:
    shares = [f", {share * PERCENT:.1f} % of the variance" for share in explained[:2]]
    shares += [""] * 2
    axes.set_xlabel(f"component 1{shares[0]}")
    axes.set_ylabel(f"component 2{shares[1]}" if components > 1 else "class, by number")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#eeeeee", linewidth=0.8)
    axes.set_axisbelow(True)


def _write_legend(figure: Figure, axes: Axes, names: list[str]) -> None:
    columns = -(-len(names) // 44)
    legend: Legend = figure.legend(
        axes.collections,
        names,
        loc="outside right upper",
        ncols=columns,
        fontsize=8 if columns == 1 else 7,
        frameon=False,
        markerscale=1.6,
        handletextpad=0.2,
        columnspacing=0.8,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)  # a name with two "$" is no formula


def _render(figure: Figure) -> bytes:
    """The same figure gives the same bytes."""
    png = io.BytesIO()
    figure.savefig(png, format="png", metadata={"Software": None})
    return png.getvalue()
