"""One picture of one fruit: a pose, its surface, the skin, the light, the camera's noise."""

import numpy as np
from numpy.typing import NDArray

from drawing.kinds import describe
from drawing.looks import Cluster, Colour, Solid
from drawing.shapes import Floats, Pose, Surface, make_grid, rotate, see
from drawing.skins import paint, ripple

TURN = 2 * np.pi / 83  # between one picture and the next, as the fruit turns on its shaft


def draw_fruit(kind: int, number: int, *, size: int = 100, seed: int = 0) -> NDArray[np.uint8]:
    """Picture `number` of a kind as (size, size, 3) RGB on white; same arguments, same pixels.

    Pictures of a kind differ as those of a turning fruit do: rotation, size, light, noise.

    Raises:
        ValueError: there is no such kind, or a number or seed below 0.
    """
    look = describe(kind)
    generator = np.random.default_rng([seed, kind, number])
    pose = _pose(generator, number, 0.84 if look.stalk is not None else 0.94)
    surface = see(look.shape, pose, size)
    colour = _light(paint(surface, look.skin), surface, pose, look.skin.gloss, look.skin.rough)
    colour *= generator.uniform(0.94, 1.06, 3).astype(np.float32)  # white balance
    colour += generator.standard_normal(colour.shape, dtype=np.float32) * np.float32(0.012)
    picture = np.ones_like(colour)
    if look.stalk is not None:
        for start in _stalks(look.shape):
            _draw_stalk(picture, look.stalk, pose, start)
    picture += (colour - picture) * surface.cover[..., None]
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)


def _pose(generator: np.random.Generator, number: int, fill: float) -> Pose:
    spin = number * TURN + generator.normal(0, 0.05)
    roll = generator.normal(0, 0.3)
    light = np.array([-0.45, 0.55, 0.75]) + generator.normal(0, 0.12, 3)
    return Pose(
        spin=float(spin),
        roll=float(roll),
        tilt=float(abs(generator.normal(0, 0.25))),
        fill=float(fill * generator.uniform(0.9, 1.03)),
        light=(light / np.linalg.norm(light)).astype(np.float32),
    )


def _light(colour: Floats, surface: Surface, pose: Pose, gloss: float, rough: float) -> Floats:
    """Ambient and diffuse light on the colour, and a white highlight on what shines."""
    normal = surface.normal
    if rough:
        normal = normal + np.float32(rough) * ripple(surface.turned, 22, 6)[..., None]
    diffuse = np.clip(normal @ pose.light, 0, 1)
    half = pose.light + np.array([0, 0, 1], np.float32)
    shine = np.clip(normal @ (half / np.linalg.norm(half)), 0, 1) ** np.float32(28)
    lit: Floats = colour * (0.42 + 0.68 * diffuse)[..., None]
    return lit + np.float32(0.75 * gloss) * shine[..., None]


def _stalks(shape: Solid | Cluster) -> list[tuple[float, float]]:
    """Where the stalks begin, in the fruit's upright frame; they all end at the top."""
    if isinstance(shape, Cluster):
        return [(-0.42, -0.1), (0.42, -0.1)] if shape.layout == "pair" else [(0.0, 0.6)]
    return [(0.0, 0.6 * min(1.0, shape.aspect))]


def _draw_stalk(picture: Floats, colour: Colour, pose: Pose, start: tuple[float, float]) -> None:
    """A line from the fruit's flesh to a little above it; the fruit is laid over it."""
    size = picture.shape[0]
    x, y = rotate(*make_grid(size), -pose.roll)
    foot = np.array(start) * pose.fill
    tip = np.array((0.08, 1.14)) * pose.fill
    line = tip - foot
    share = ((x - foot[0]) * line[0] + (y - foot[1]) * line[1]) / (line @ line)
    share = np.clip(share, 0, 1)
    away = np.hypot(x - foot[0] - share * line[0], y - foot[1] - share * line[1])
    cover = np.clip((0.032 - away) * (size / 2) + 0.5, 0, 1)[..., None]
    picture += (np.array(colour, np.float32) / 255 - picture) * cover.astype(np.float32)
