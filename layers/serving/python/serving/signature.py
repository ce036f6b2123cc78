"""What a model takes and gives: shapes without the batch axis, None where a dimension is open."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, ...]
Float64Array = NDArray[np.float64]

_LONGEST_SHAPE = 200
_SHAPE = re.compile(r"[0-9]{1,9}(?:[ ,]+[0-9]{1,9})*", re.ASCII)


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Shape (without the batch axis) and type of one matrix, as the model declares them."""

    shape: tuple[int | None, ...]
    dtype: str

    @property
    def count(self) -> int | None:
        """How many values a matrix has; None where a dimension is open."""
        return None if None in self.shape else prod(d for d in self.shape if d is not None)

    def accepts(self, shape: Sequence[int]) -> bool:
        """Whether a matrix of this shape is one that the model takes."""
        return len(shape) == len(self.shape) and all(
            wanted in (None, given) for wanted, given in zip(self.shape, shape, strict=True)
        )

    def shape_of(self, count: int, declared: Shape | None = None) -> Shape:
        """The shape of a matrix of `count` values in row-major order.

        Args:
            count: how many values were given.
            declared: the shape that the document states, if it does.

        Raises:
            ValueError: the count or the declared shape does not fit; the text says why.
        """
        if declared is not None:
            return self._declared(count, declared)
        known = prod(d for d in self.shape if d is not None)
        if (n := self.shape.count(None)) > 1:
            raise ValueError(f"the model leaves {n} dimensions open: {self}; state the shape")
        if n == 0 and count != known:
            raise ValueError(f"expected {known} values, got {count}")
        if n == 1 and (count == 0 or count % known):
            wanted = f"a multiple of {known} values, at least one" if known > 1 else "a value"
            raise ValueError(f"expected {wanted}, got {count}")
        return tuple(count // known if d is None else d for d in self.shape)

    def _declared(self, count: int, shape: Shape) -> Shape:
        if not self.accepts(shape):
            raise ValueError(f"expected shape {self}, got {describe(shape)}")
        if (stated := prod(shape)) != count or count == 0:
            raise ValueError(f"expected {stated} values, got {count}")
        return shape

    def __str__(self) -> str:
        return describe(self.shape)


class AnyTensor(TensorSpec):
    """Takes whatever shape the document states: for tools that know no model."""

    def __init__(self) -> None:
        super().__init__((None,), "float64")

    def accepts(self, shape: Sequence[int]) -> bool:  # noqa: ARG002
        return True


def describe(shape: Sequence[int | None]) -> str:
    """A shape as people write it: (5000, 1), an open dimension as "any"."""
    return f"({', '.join('any' if d is None else str(d) for d in shape)})"


def parse_shape(text: str) -> Shape | None:
    """ "5000 1", "5000,1" or "(5000, 1)" as (5000, 1); None for anything else."""
    if len(text) > _LONGEST_SHAPE:  # what is cut off could be another dimension
        return None
    text = text.strip()
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1].strip().removesuffix(",")
    if not _SHAPE.fullmatch(text):
        return None
    return tuple(int(d) for d in re.split(r"[ ,]+", text))
