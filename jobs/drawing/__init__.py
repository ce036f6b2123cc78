"""Draws fruit: images in the Fruits-360 layout for tests and demonstrations, without a download."""

from drawing.fruit import draw_fruit
from drawing.kinds import KINDS, class_name
from drawing.orchard import FolderTakenError, draw_orchard

__all__ = ["KINDS", "FolderTakenError", "class_name", "draw_fruit", "draw_orchard"]
