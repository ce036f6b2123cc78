"""How the two colours of a skin are laid out: each pattern is a share of the second colour."""

from collections.abc import Callable
from functools import cache

import numpy as np

from drawing.looks import Skin
from drawing.shapes import Floats, Surface

GOLDEN = np.pi * (3 - np.sqrt(5))


def ease(values: Floats, low: float, high: float) -> Floats:
    """0 below low, 1 above high, smooth between."""
    t = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    eased: Floats = t * t * (3 - 2 * t)
    return eased


@cache
def _waves(count: int) -> tuple[Floats, Floats]:
    generator = np.random.default_rng([11, count])
    directions = generator.normal(0, 1, (3, count))
    lengths = np.linspace(0.75, 1.7, count) / np.linalg.norm(directions, axis=0)
    phases = generator.uniform(0, 2 * np.pi, count)
    return (directions * lengths).astype(np.float32), phases.astype(np.float32)


def ripple(points: Floats, frequency: float, count: int = 5) -> Floats:
    """Smooth noise in space, about -1 to 1: a sum of waves in fixed directions."""
    directions, phases = _waves(count)
    waves = np.sin(points @ (directions * np.float32(frequency)) + phases)
    return waves @ np.full(count, 1 / count, np.float32)


@cache
def _scatter_points(count: int) -> Floats:
    number = np.arange(count)
    height = 1 - 2 * (number + 0.5) / count
    ring, angle = np.sqrt(1 - height**2), number * GOLDEN
    points = np.stack((ring * np.sin(angle), height, ring * np.cos(angle)), axis=-1)
    return points.astype(np.float32)


def dot(surface: Surface, count: int, radius: float, soft: float = 0.35) -> Floats:
    """Spots spread evenly over a ball: 1 within radius of a centre."""
    # Row by row: one large product would start BLAS threads, which cost more than they give.
    nearest = np.max(_scatter_points(count) @ surface.turned.transpose(0, 2, 1), axis=1)
    away = np.sqrt(np.clip(2 - 2 * nearest, 0, None))
    return 1 - ease(away, radius * (1 - soft), radius * (1 + soft))


def _both(one: Floats, other: Floats) -> Floats:
    larger: Floats = np.maximum(one, other)
    return larger


def _blush(surface: Surface, skin: Skin) -> Floats:
    towards = surface.turned @ np.array([0.75, 0.45, 0.5], np.float32)
    return ease(towards + 0.25 * ripple(surface.turned, 4 * skin.scale), -0.1, 0.8)


def _tips(surface: Surface, skin: Skin) -> Floats:
    ends = ease(np.abs(surface.height), 0.84, 0.97)
    return _both(ends, 0.6 * ease(ripple(surface.turned, 11 * skin.scale, 7), 0.42, 0.6))


def _stripes(surface: Surface, skin: Skin) -> Floats:
    wobble = 1.2 * ripple(surface.turned, 6)
    return ease(np.cos(round(skin.scale) * surface.angle + wobble), -0.2, 0.6)


def _net(surface: Surface, skin: Skin) -> Floats:
    veins = np.minimum(
        np.abs(ripple(surface.turned, 9 * skin.scale, 4)),
        np.abs(ripple(surface.turned[..., ::-1], 9 * skin.scale, 5)),
    )
    return 1 - ease(veins, 0.03, 0.14)


def _diamonds(surface: Surface, skin: Skin) -> Floats:
    turn, rise = round(skin.scale) * surface.angle / 2, surface.height * skin.scale
    lines = np.minimum(np.abs(np.sin(turn + rise)), np.abs(np.sin(turn - rise)))
    return 1 - ease(lines, 0.08, 0.45)


def _kernels(surface: Surface, skin: Skin) -> Floats:
    turn, rise = round(skin.scale) * surface.angle, surface.height * 5 * skin.scale / 2
    lines = np.minimum(np.abs(np.sin(turn)), np.abs(np.sin(rise)))
    return 1 - ease(lines, 0.1, 0.5)


def _crease(surface: Surface, skin: Skin) -> Floats:
    line = ease(np.cos(surface.angle), 0.985, 1.0) * 0.8
    return _both(line, 0.9 * _blush(surface, skin))


def _crown(surface: Surface, skin: Skin) -> Floats:
    star = 0.62 + 0.1 * np.cos(5 * surface.angle) + 0.02 * skin.scale
    towards = surface.turned @ np.array([0.0, 0.6, 0.8], np.float32)
    return _both(ease(towards, 0.86, 0.94), 0.7 * ease(surface.height - star, 0, 0.1))


Pattern = Callable[[Surface, Skin], Floats]
PATTERNS: dict[str, Pattern] = {
    "blush": _blush,
    "bloom": lambda s, k: 0.6 * ease(ripple(s.turned, 3 * k.scale), -0.3, 0.7),
    "bumps": lambda s, k: ease(ripple(s.turned, 14 * k.scale, 6), -0.2, 0.4),
    "crease": _crease,
    "crown": _crown,
    "diamonds": _diamonds,
    "fuzz": lambda s, k: ease(ripple(s.turned, 26 * k.scale, 9), -0.3, 0.4),
    "gradient": lambda s, k: ease(s.height + 0.4 * ripple(s.turned, 3 * k.scale), -0.5, 0.8),
    "kernels": _kernels,
    "net": _net,
    "plain": lambda s, k: 0.5 * ease(ripple(s.turned, 2 * k.scale), -0.5, 0.9),
    "pores": lambda s, k: 0.5 * dot(s, round(170 * k.scale), 0.05, 0.8),
    "scales": lambda s, k: 1 - dot(s, round(110 * k.scale), 0.13, 0.5),
    "seeds": lambda s, k: dot(s, round(90 * k.scale), 0.07),
    "speckle": lambda s, k: 0.7 * dot(s, round(150 * k.scale), 0.045, 0.6),
    "spines": lambda s, k: dot(s, round(46 * k.scale), 0.1),
    "stripes": _stripes,
    "tips": _tips,
}


def paint(surface: Surface, skin: Skin) -> Floats:
    """The colour of every pixel before light, (n, n, 3) in 0 to 1."""
    share = (PATTERNS[skin.pattern](surface, skin) * np.float32(skin.amount))[..., None]
    base, second = (np.array(c, np.float32) / 255 for c in (skin.base, skin.second))
    colour: Floats = base + (second - base) * share.astype(np.float32)
    if skin.cap is not None:
        leaf = np.array(skin.cap, np.float32) / 255
        jagged = surface.height - 0.1 * np.cos(7 * surface.angle)
        colour += (leaf - colour) * ease(jagged, 0.62, 0.7)[..., None]
    return colour
