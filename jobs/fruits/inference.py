"""In a worker: photographs in, features out. They are decoded, stacked and inferred in one step.

Arrow batches of files -> images that are taken -> batches as the engine wants them -> features
"""

import hashlib
from collections.abc import Iterable, Iterator
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
    """What `mapInArrow` calls in a worker, once for each partition.

    Attributes:
        size: height and width that the network takes.
        inferred: images that a forward pass was made for; a task that is tried again counts twice.
        rows: files that are done, good or not; as above.
    """

    shared: SharedModel
    network: Network
    size: tuple[int, int]
    inferred: Accumulator[int]
    rows: Accumulator[int]

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Rows path, label, length, modified, content in; rows of FEATURES out, in any order."""
        waiting: list[Photograph] = []
        for batch in batches:
            refused: list[Photograph] = []
            for photograph in self._decode(batch):
                (refused if photograph.pixels is None else waiting).append(photograph)
                if len(waiting) == self.shared.batch_size:
                    yield from self._infer(waiting)
                    waiting = []
            if refused:
                self.rows.add(len(refused))
                yield _refusals(refused)
        if waiting:
            yield from self._infer(waiting)
        forget_archives()

    def _decode(self, batch: pa.RecordBatch) -> Iterator[Photograph]:
        """One image at a time is held as a file."""
        known = batch.drop_columns(["content"]).to_pylist()
        for row, content in zip(known, batch.column("content"), strict=True):
            photograph = Photograph(row)
            data = content.as_py()
            row["sha256"] = hashlib.sha256(data).hexdigest()
            try:
                photograph.pixels = decode(data, self.size)
            except ImageRefusedError as refusal:
                photograph.reason = str(refusal)
            yield photograph

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
    return pa.RecordBatch.from_arrays(
        [*known.columns, features, reasons], names=[*_KNOWN.names, "features", "reason"]
    )


_KNOWN = pa.schema(
    [
        ("path", pa.string()),
        ("label", pa.string()),
        ("length", pa.int64()),
        ("modified", pa.timestamp("us", tz="UTC")),
        ("sha256", pa.string()),
    ]
)
