"""In a worker: photographs in, features out. Read, decoded, stacked and inferred in one step.

names of files -> images that are taken -> batches as the engine wants them -> features
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark import Accumulator

from cluster.imports import forget_archives
from cluster.models import SharedModel
from fruits.images import ImageRefusedError, decode
from fruits.models import Network
from fruits.photographs import Photographs
from fruits.slices import ROWS
from serving.documents.matrix import Matrix
from serving.errors import InvalidInputError
from serving.model import Batch

_NOT_FINITE = "the network gives no finite number for this image"
_NO_VALUES = np.empty(0)  # an image's place in a batch is all that the engine needs of it


@dataclass(slots=True)
class Photograph:
    """A row on its way: what is known of a file, and its pixels or why there are none."""

    known: dict[str, Any]
    pixels: NDArray[np.uint8] | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Inference:
    """What a worker does in each task.

    Attributes:
        photographs: to be read, by the number of a task.
        size: height and width that the network takes.
        inferred: images that a forward pass was made for; a task that is tried again counts twice.
        rows: files that are done, good or not; as above.
    """

    photographs: Photographs
    shared: SharedModel
    network: Network
    size: tuple[int, int]
    inferred: Accumulator[int]
    rows: Accumulator[int]

    def __call__(self, number: int) -> Iterator[pa.RecordBatch]:
        """A task's number in; rows of FEATURES out, for those of its files that can be read."""
        waiting: list[Photograph] = []
        for photograph in map(self._decode, self.photographs.read(number)):
            if photograph.pixels is None:
                self.rows.add(1)
                yield _refusals([photograph])
                continue
            waiting.append(photograph)
            if len(waiting) == self.shared.batch_size:
                yield from self._infer(waiting)
                waiting = []
        if waiting:
            yield from self._infer(waiting)
        forget_archives()

    def _decode(self, found: tuple[dict[str, Any], bytes]) -> Photograph:
        """One image at a time is held as a file."""
        row, content = found
        photograph = Photograph(row | {"sha256": hashlib.sha256(content).hexdigest()})
        try:
            photograph.pixels = decode(content, self.size)
        except ImageRefusedError as refusal:
            photograph.reason = str(refusal)
        return photograph

    def _infer(self, photographs: list[Photograph]) -> Iterator[pa.RecordBatch]:
        self.rows.add(len(photographs))
        good, features, refused = self._forward(photographs)
        if good:
            finite = np.asarray(np.isfinite(features).all(axis=1))
            for photograph, usable in zip(good, finite.tolist(), strict=True):
                photograph.reason = None if usable else _NOT_FINITE
            refused += [p for p in good if p.reason]
            if finite.any():
                yield _features([p for p in good if not p.reason], features[finite])
        if refused:
            yield _refusals(refused)

    def _forward(
        self, photographs: list[Photograph]
    ) -> tuple[list[Photograph], NDArray[np.float32], list[Photograph]]:
        """One pass for all of them; again without the one that the engine fails on."""
        model = self.shared.open()
        good, refused = list(photographs), []
        while good:
            pixels = np.stack([p.pixels for p in good if p.pixels is not None])
            matrices = [Matrix(str(row), _NO_VALUES) for row in range(len(good))]
            try:
                outputs = model.compute(Batch(matrices, self.network.prepare(pixels)))
            except InvalidInputError as refusal:
                if refusal.matrix is None:
                    raise
                fault = good.pop(int(refusal.matrix))
                fault.reason = refusal.problem
                refused.append(fault)
            else:
                self.inferred.add(len(good))
                return good, outputs.astype(np.float32, copy=False), refused
        return good, np.empty((0, 0), np.float32), refused


def _features(photographs: list[Photograph], features: NDArray[np.float32]) -> pa.RecordBatch:
    count, width = features.shape
    offsets = pa.array(np.arange(count + 1, dtype=np.int32) * width)
    values = pa.array(np.ascontiguousarray(features).reshape(-1))
    return _rows(photographs, pa.ListArray.from_arrays(offsets, values))


def _refusals(photographs: list[Photograph]) -> pa.RecordBatch:
    return _rows(photographs, pa.nulls(len(photographs), pa.list_(pa.float32())))


def _rows(photographs: list[Photograph], features: pa.Array) -> pa.RecordBatch:
    known = pa.RecordBatch.from_pylist([p.known for p in photographs], schema=_KNOWN)
    reasons = pa.array([p.reason for p in photographs], pa.string())
    return pa.RecordBatch.from_arrays([*known.columns, features, reasons], schema=ROWS)


_KNOWN = pa.schema(list(ROWS)[:-2])
