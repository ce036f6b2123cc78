"""One matrix of a document, and what holds for all of them whatever the format."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from serving.errors import InvalidInputError, TooLargeError
from serving.settings import Limits
from serving.signature import Float64Array


@dataclass(frozen=True, slots=True)
class Matrix:
    """One measurement.

    Attributes:
        id: the document's own, or the position from 0.
        values: float64, finite, in the model's shape for one matrix.
        line: where it starts in a text document, from 1.
    """

    id: str
    values: Float64Array
    line: int | None = None


def check_id(id: str, position: int, limits: Limits, line: int | None = None) -> None:
    """Refuse an id that is empty, too long, or not text, before any message can hold it.

    Raises:
        InvalidInputError: says which, by the matrix's position.
    """
    if not id:
        raise InvalidInputError(f"matrix {position} has an empty id", line=line)
    if len(id) > limits.id_characters:
        raise TooLargeError(
            f"the id of matrix {position} has {len(id)} characters; "
            f"the limit is {limits.id_characters}",
            line=line,
        )
    try:
        id.encode()
    except UnicodeEncodeError as cause:  # NumPy lets half a surrogate pair pass
        raise InvalidInputError(f"the id of matrix {position} is not text", line=line) from cause


def to_doubles(row: NDArray[Any], id: str) -> Float64Array:
    """The values of one matrix, of any type of real numbers, as float64.

    Raises:
        InvalidInputError: a value is not finite, or an integer that a float64 does not hold.
    """
    with np.errstate(invalid="ignore"):  # a signalling NaN, which is refused as any other
        values = row.astype(np.float64)
    if not (finite := np.isfinite(values)).all():
        raise InvalidInputError(f"value {int(np.argmin(finite))} is not finite", matrix=id)
    if row.dtype.kind in "iu":
        # Compared as integers: 2**53 + 1 is rounded to 2**53, which would pass.
        exact = (row <= 2**53) & (row >= -(2**53))
        if not exact.all():
            raise InvalidInputError(
                f"value {int(np.argmin(exact))} is an integer beyond 2**53", matrix=id
            )
    return values


def all_doubles(rows: NDArray[Any]) -> Float64Array | None:
    """The values of some matrices at once, as `to_doubles` gives them; None where one is wrong."""
    with np.errstate(invalid="ignore"):
        values = rows.astype(np.float64)
    if rows.dtype.kind in "iu":
        return values if (rows <= 2**53).all() and (rows >= -(2**53)).all() else None
    return values if np.isfinite(values).all() else None


def unique(matrices: Iterable[Matrix]) -> Iterator[Matrix]:
    """Pass matrices on, refusing an id that was seen before."""
    seen: set[bytes] = set()  # hashes, since an id may take a kilobyte
    for matrix in matrices:
        known = blake2b(matrix.id.encode(), digest_size=16).digest()
        if known in seen:
            raise InvalidInputError(
                "this id occurs twice (the default is the position, from 0)",
                matrix=matrix.id,
                line=matrix.line,
            )
        seen.add(known)
        yield matrix
