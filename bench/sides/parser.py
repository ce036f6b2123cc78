"""Parsing alone, ours and the afternoon version's; no model is loaded."""

import io
from collections.abc import Callable
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from bench.afternoon_parse import parse, stream
from bench.processes import forget_peak, memory
from bench.sides.requests import timed
from serving.documents import Document, Matrix, read_document
from serving.settings import Limits
from serving.signature import TensorSpec
from tests.support.documents import POINTS

_SPEC = TensorSpec((POINTS, 1), "float32")
_DOCUMENT = Document(_SPEC, limits=Limits(inflated_bytes=2**62, markup_bytes=2**62, tags=2**62))


def ours(path: str, times: int) -> dict[str, Any]:
    """A document in memory, to matrices."""
    content = _bytes(path)
    read = timed(lambda: _ours(content), times)
    # Not a comparison of two different things.
    given = np.array([matrix.values.ravel() for matrix in _ours(content)])
    assert np.array_equal(given, np.array(parse(content)[1]))
    return {"ms": read}


def other(path: str, times: int) -> dict[str, Any]:
    """The same by ElementTree and float()."""
    content = _bytes(path)
    return {"ms": timed(lambda: np.array(parse(content)[1]), times)}


def our_stream(path: str) -> dict[str, Any]:
    """A document on disk; how much more is resident at most than before."""
    count = 0

    def work() -> None:
        nonlocal count
        with open(path, "rb") as file:
            for _ in read_document(file, _DOCUMENT):
                count += 1

    return _grown(work) | {"count": count}


def other_stream(path: str, count: int) -> dict[str, Any]:
    """The first matrices of it by iterparse and float()."""

    def work() -> None:
        with open(path, "rb") as file:
            for values in islice(stream(file), count):
                np.array(values)

    return _grown(work)


def _ours(content: bytes) -> list[Matrix]:
    return list(read_document(io.BytesIO(content), _DOCUMENT))


def _grown(work: Callable[[], None]) -> dict[str, Any]:
    forget_peak()
    before = memory()["rss"]
    taken = timed(work, 1)
    return {"ms": taken, "grown_mb": memory()["peak"] - before}


@cache
def _bytes(path: str) -> bytes:
    return Path(path).read_bytes()


COMMANDS = {
    "ours": ours,
    "other": other,
    "our_stream": our_stream,
    "other_stream": other_stream,
}
