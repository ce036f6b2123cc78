"""From a shape and a pose to a visible surface: where each pixel is, and which way it faces."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drawing.looks import Cluster, Solid

Floats = NDArray[np.floating[Any]]
STEPS = 512  # of a profile's table
MIDDLE = 0.4  # of a bent shape: where its axis crosses the picture's


@dataclass(frozen=True)
class Pose:
    """How the fruit lies before the camera: angles in radians, fill as a share of the frame."""

    spin: float  # about its own axis
    roll: float  # in the plane of the picture
    tilt: float  # the axis towards the camera
    fill: float
    light: Floats  # (3,) of length 1


@dataclass(frozen=True)
class Surface:
    """What the camera sees, by pixel, with n pixels a side."""

    cover: Floats  # (n, n): 1 inside, 0 outside, between at the edge
    normal: Floats  # (n, n, 3): x to the right, y up, z to the camera
    turned: Floats  # (n, n, 3): the point in the fruit's own frame, about a unit ball
    height: Floats  # (n, n): along the axis, -1 at the bottom, 1 at the top
    angle: Floats  # (n, n): about the axis, in radians


@cache
def make_grid(size: int) -> tuple[Floats, Floats]:
    """Coordinates of the pixels' centres in -1 to 1: x to the right, y up."""
    line = ((np.arange(size) + 0.5) / size * 2 - 1).astype(np.float32)
    x, y = np.meshgrid(line, -line)
    return x, y


def rotate(x: Floats, y: Floats, radians: float) -> tuple[Floats, Floats]:
    """The point (x, y) turned about the origin."""
    c, s = np.float32(np.cos(radians)), np.float32(np.sin(radians))
    return c * x - s * y, s * x + c * y


@cache
def tabulate(shape: Solid) -> tuple[Floats, Floats]:
    """Half the width along the axis at STEPS heights of -1 to 1, widest 1, and its slope."""
    t = np.linspace(-1, 1, STEPS)
    width = np.clip(1 - np.abs(t) ** shape.square, 0, 1) ** shape.blunt
    width = width * np.exp(-shape.taper * t - shape.neck / (1 + np.exp(-7 * (t - 0.25))))
    width = width / width.max()
    return width.astype(np.float32), np.gradient(width, t).astype(np.float32)


def see(shape: Solid | Cluster, pose: Pose, size: int) -> Surface:
    """The surface of a shape in a pose, in a frame of size x size pixels."""
    if isinstance(shape, Cluster):
        return _see_cluster(shape, pose, size)
    return _see_solid(shape, pose, size)


def _see_solid(shape: Solid, pose: Pose, size: int) -> Surface:
    """Every height has a circle about the axis: the half of it that faces the camera is seen."""
    long = max(1.0, shape.aspect * np.cos(pose.tilt)) if shape.aspect > 1 else shape.aspect
    bow = np.float32(shape.bend * long)
    zoom = np.float32(_reach(shape, long, pose.roll) / pose.fill)
    x, y = rotate(*make_grid(size), -pose.roll)
    height = y * zoom / np.float32(long)
    across = x * zoom - bow * (height * height - np.float32(MIDDLE))
    widths, slopes = tabulate(shape)
    step = np.clip((height + 1) * ((STEPS - 1) / 2), 0, STEPS - 1).astype(np.intp)
    width, slope = widths[step], slopes[step] / np.float32(long)
    lean = slope + 2 * bow / np.float32(long) * height * np.sign(across)
    inside = (width - np.abs(across)) / np.sqrt(1 + lean * lean)
    inside = np.where(np.abs(height) < 1, inside, -1)
    cover = np.clip(inside * (size / 2) / zoom + 0.5, 0, 1)
    side = np.clip(across / np.maximum(width, 1e-3), -1, 1)
    depth = np.sqrt(1 - side * side)
    angle = np.arcsin(side) + np.float32(pose.spin)
    normal = _face(side, -slope, depth, pose.roll)
    if shape.ribs:
        dent = np.float32(shape.rib_depth) * np.sin(shape.ribs * angle) * depth
        normal[..., 0] += dent * np.float32(np.cos(pose.roll))
        normal[..., 1] += dent * np.float32(np.sin(pose.roll))
    ring = np.sqrt(np.clip(1 - height * height, 0, 1))
    turned = np.stack((ring * np.sin(angle), height, ring * np.cos(angle)), axis=-1)
    return Surface(cover, normal, turned, height, angle)


def _reach(shape: Solid, long: float, roll: float) -> float:
    """How far the outline goes from the middle of the frame, to a side or upwards."""
    width, _ = tabulate(shape)
    t = np.linspace(-1, 1, STEPS, dtype=np.float32)
    bow = np.float32(shape.bend * long) * (t * t - np.float32(MIDDLE))
    x, y = rotate(np.stack((bow - width, bow + width)), np.stack((t, t)) * long, roll)
    return float(max(np.abs(x).max(), np.abs(y).max()))


def _face(x: Floats, y: Floats, z: Floats, roll: float) -> Floats:
    """The direction (x, y, z) of length 1, from the fruit's upright frame to the picture's."""
    x, y = rotate(x, y, roll)
    normal = np.stack((x, y, z), axis=-1)
    normal /= np.sqrt(np.einsum("ijk,ijk->ij", normal, normal))[..., None] + np.float32(1e-6)
    return normal


@cache
def _place(shape: Cluster) -> Floats:
    """Centres of a cluster's berries, (berries, 3), within about a unit ball."""
    generator = np.random.default_rng([5, shape.berries])
    if shape.layout == "pair":
        return np.array([[-0.46, -0.3, 0.0], [0.46, -0.38, 0.15]], np.float32)
    number = np.arange(shape.berries)
    height = 1 - 2 * (number + 0.5) / shape.berries
    angle = number * np.pi * (3 - np.sqrt(5))
    if shape.layout == "bunch":  # more above than below
        height = 0.74 - 1.54 * ((number + 0.5) / shape.berries) ** 1.2
        ring = 0.5 * np.clip(0.85 + height * 0.5, 0.1, 1.1)
        ring = ring * np.where(number % 3 == 0, 0.5, 1.0)
    else:
        ring = np.sqrt(1 - height**2) * (0.66 + 0.12 * height)
        height = height * 0.84
    points = np.stack((ring * np.sin(angle), height, ring * np.cos(angle)), axis=-1)
    return (points + generator.normal(0, 0.025, points.shape)).astype(np.float32)


def _see_cluster(shape: Cluster, pose: Pose, size: int) -> Surface:
    """Of all balls the one nearest to the camera is seen."""
    centres = _place(shape)
    spin = pose.spin if shape.layout != "pair" else 0.5 * np.sin(pose.spin)
    cx, cz = rotate(centres[:, 0], centres[:, 2], spin)
    near = cz > -0.35  # the others are behind these
    cx, cy, cz = cx[near], centres[near, 1], cz[near]
    zoom = np.float32(1.06 / pose.fill)
    x, y = rotate(*make_grid(size), -pose.roll)
    dx = x[None] * zoom - cx[:, None, None]
    dy = y[None] * zoom - cy[:, None, None]
    radius = np.float32(shape.radius)
    gap = radius * radius - dx * dx - dy * dy
    front = np.sqrt(np.maximum(gap, 0)) + np.where(gap > 0, cz[:, None, None], np.float32(-9))
    first = np.argmax(front, axis=0)[None]
    edge = np.max(gap, axis=0) / (2 * radius)
    cover = np.clip(edge * (size / 2) / zoom + 0.5, 0, 1).astype(np.float32)
    dx, dy = (np.take_along_axis(part, first, axis=0)[0] for part in (dx, dy))
    depth = np.sqrt(np.clip(radius * radius - dx * dx - dy * dy, 0, None))
    normal = _face(dx, dy, depth, pose.roll)
    # The middle of the whole is lit more than its sides.
    whole = np.stack((cx[first[0]], cy[first[0]], cz[first[0]]), axis=-1)
    turned = whole + normal * radius
    angle = np.arctan2(turned[..., 0], turned[..., 2]) + np.float32(pose.spin)
    return Surface(cover, normal + whole * np.float32(0.25), turned, turned[..., 1], angle)
