"""The predictions of one document, kept until its last matrix is right.

Nothing of a document with a fault may come out, and the fault may be in its last line. So they wait
here, on disk from 16 MB on, instead of being read twice or taken back by a join.
"""

import tempfile
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import pyarrow as pa

from serving.errors import UnavailableError
from serving.model import Prediction

_SPOOLED_BYTES = 16_000_000
# Of a batch of rows; the larger of the two that is reached first.
_ROWS, _VALUES = 4_096, 500_000
SCHEMA = pa.schema(
    [
        ("position", pa.int64()),
        ("id", pa.string()),
        ("output", pa.list_(pa.float64())),
        ("shape", pa.list_(pa.int32())),
    ]
)


class Staging:
    """A context in which predictions are added, then given out as batches of rows."""

    def __init__(self) -> None:
        self.count = 0
        self._file: Any = tempfile.SpooledTemporaryFile(_SPOOLED_BYTES)  # noqa: SIM115
        self._writer = pa.ipc.new_stream(self._file, SCHEMA)
        self._held: list[Prediction] = []
        self._values = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, prediction: Prediction) -> None:
        """Keep the next one.

        Raises:
            UnavailableError: the disk is full.
        """
        self._held.append(prediction)
        self._values += prediction.output.size
        if len(self._held) == _ROWS or self._values >= _VALUES:
            self._write()

    def finish(self) -> None:
        """Nothing more is added; raises as `add` does."""
        self._write()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All that was kept, in the order of the document; columns as in `SCHEMA`."""
        self._writer.close()
        self._file.seek(0)
        yield from pa.ipc.open_stream(self._file)

    def _write(self) -> None:
        if not self._held:
            return
        first = self.count
        self.count += len(self._held)
        outputs = [np.asarray(p.output) for p in self._held]
        ends = np.cumsum([0, *(output.size for output in outputs)], dtype=np.int32)
        values = pa.array(np.concatenate([output.ravel() for output in outputs]))
        columns = [
            pa.array(range(first, self.count), pa.int64()),
            pa.array([p.id for p in self._held], pa.string()),
            pa.ListArray.from_arrays(pa.array(ends), values),
            pa.array([output.shape for output in outputs], pa.list_(pa.int32())),
        ]
        self._held, self._values = [], 0
        try:
            self._writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=SCHEMA))
        except OSError as cause:
            reason = cause.strerror or type(cause).__name__
            raise UnavailableError(
                f"the predictions cannot be kept on disk meanwhile: {reason}"
            ) from cause
