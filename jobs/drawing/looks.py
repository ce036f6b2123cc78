"""What a kind of fruit is described by: its shape and its skin."""

from dataclasses import dataclass

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Solid:
    """A body of revolution about the upright axis; its profile is drawn by drawing.shapes."""

    aspect: float = 1.0  # length over width
    square: float = 2.0  # 2 is an ellipse, more is fuller
    taper: float = 0.0  # above 0: wider at the bottom
    neck: float = 0.0  # how much the upper part is drawn in, as a pear's
    bend: float = 0.0  # as a banana's
    ribs: int = 0
    rib_depth: float = 0.0
    blunt: float = 0.5  # of the ends; 1 is a point


@dataclass(frozen=True)
class Cluster:
    """Many small balls: a bunch of grapes, a raspberry, two cherries."""

    layout: str  # "bunch", "cone" or "pair"
    berries: int
    radius: float


@dataclass(frozen=True)
class Skin:
    """The surface: two colours, how they are laid out, and how the light plays on them."""

    base: Colour = (200, 60, 50)
    second: Colour = (230, 200, 80)
    pattern: str = "blush"  # a name in drawing.skins.PATTERNS
    scale: float = 1.0
    amount: float = 1.0
    gloss: float = 0.4
    rough: float = 0.05  # how much the light falls unevenly
    cap: Colour | None = None  # the leaves at the top end


@dataclass(frozen=True)
class Kind:
    """One class of the drawn images."""

    name: str
    shape: Solid | Cluster
    skin: Skin
    stalk: Colour | None = None
