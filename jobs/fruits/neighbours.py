"""Whether images of a class lie together: the labels of each point's nearest neighbours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving.errors import InvalidInputError

MOST_ROWS = 5_000
_BLOCK_ROWS = 512
# Squared distances this close, relative to the largest square, are the same: rounding.
_TIE = 1e-12


@dataclass(frozen=True, slots=True)
class Agreement:
    """The mean share of a point's neighbours that have its label, the point itself left out.

    Attributes:
        rows, classes, neighbours: of what it was measured on.
        share: measured. chance: what neighbours picked blindly give, from the labels' shares.
        shuffled: measured again with the labels dealt out anew; about `chance`, or the measure
            is wrong.
    """

    rows: int
    classes: int
    neighbours: int
    share: float
    chance: float
    shuffled: float


def agreement(
    points: NDArray[np.float64], labels: Sequence[str], *, neighbours: int = 5, seed: int = 0
) -> Agreement:
    """Measure it on at most 5,000 rows, chosen by the seed.

    Where points are equally far, each of them counts for its part; so a feature that is the same
    for all gives chance, whatever the order of the rows.

    Args:
        points: (n, k). labels: n.

    Raises:
        InvalidInputError: fewer than 2 rows, no neighbours asked for, or numbers not finite.
    """
    if neighbours < 1:
        raise InvalidInputError(f"neighbours: expected 1 or more, got {neighbours}")
    if len(points) != len(labels) or len(points) < 2:
        raise InvalidInputError(
            f"neighbours: expected 2 rows or more, got {len(points)} with {len(labels)} labels"
        )
    if not np.isfinite(points).all():
        raise InvalidInputError("neighbours: expected finite numbers")
    generator = np.random.default_rng(seed)
    rows = np.sort(generator.permutation(len(points))[:MOST_ROWS])
    names, classes = np.unique(np.asarray(labels, dtype=object)[rows], return_inverse=True)
    count, near = len(rows), min(neighbours, len(rows) - 1)
    dealt = generator.permutation(classes)
    totals = np.zeros(2)
    for first, weights in _weigh(np.asarray(points, np.float64)[rows], near):
        block = slice(first, first + len(weights))
        for i, kinds in enumerate((classes, dealt)):
            totals[i] += (weights * (kinds[block, None] == kinds[None])).sum()
    sizes = np.bincount(classes)
    return Agreement(
        rows=count,
        classes=len(names),
        neighbours=near,
        share=min(1.0, float(totals[0] / count)),
        chance=float((sizes * (sizes - 1)).sum() / (count * (count - 1))),
        shuffled=float(totals[1] / count),
    )


def _weigh(points: NDArray[np.float64], near: int) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Blocks of rows: the first one's number, and how much each point counts as a neighbour.

    A row's weights sum to 1, its own is 0.
    """
    points = points - points.mean(axis=0)
    squares = np.einsum("ij,ij->i", points, points)
    tie = _TIE * squares.max()
    for first in range(0, len(points), _BLOCK_ROWS):
        block = points[first : first + _BLOCK_ROWS]
        away = squares[first : first + len(block), None] + squares[None] - 2 * (block @ points.T)
        away[np.arange(len(block)), first + np.arange(len(block))] = np.inf
        last = np.partition(away, near - 1, axis=1)[:, near - 1 : near]
        nearer = away < last - tie
        tied = (away <= last + tie) & ~nearer
        places = near - nearer.sum(axis=1, keepdims=True)
        yield first, (nearer + tied * (places / tied.sum(axis=1, keepdims=True))) / near
