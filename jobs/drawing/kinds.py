"""The 131 kinds that can be drawn, by number: a family, and which of its five varieties."""

from dataclasses import replace
from functools import cache

import numpy as np

from drawing.families import FAMILIES
from drawing.looks import Colour, Kind, Solid

KINDS = 131  # as many classes as Fruits-360 has


@cache
def describe(kind: int) -> Kind:
    """The look of kind 0 to 130. Varieties of a family differ in colour and a little in form."""
    if not 0 <= kind < KINDS:
        raise ValueError(f"kind {kind}: there are {KINDS}, numbered from 0")
    variety, number = divmod(kind, len(FAMILIES))
    family = FAMILIES[number]
    base, second = (_read_colour(text) for text in family.colours.split()[variety].split("-"))
    generator = np.random.default_rng([17, kind])
    stretch, scale, gloss = generator.uniform((0.92, 0.8, 0.8), (1.08, 1.25, 1.2)).tolist()
    shape = family.shape
    skin = replace(family.skin, base=base, second=second, gloss=family.skin.gloss * gloss)
    if variety:
        skin = replace(skin, scale=skin.scale * scale)
        if isinstance(shape, Solid):
            shape = replace(shape, aspect=shape.aspect * stretch)
        else:
            shape = replace(shape, radius=shape.radius * stretch)
    return Kind(f"{family.name} {variety + 1}", shape, skin, family.stalk)


def _read_colour(text: str) -> Colour:
    red, green, blue = bytes.fromhex(text)
    return red, green, blue


def class_name(kind: int) -> str:
    """The folder of a kind, "Apple 1": with a blank, as the folders of Fruits-360 have."""
    return describe(kind).name
