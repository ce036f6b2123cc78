"""What a worker does with documents: read, predict, hand on; or say what is wrong with one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from pyspark import Accumulator

from cluster.files import UNREADABLE
from cluster.models import SharedModel
from cluster.shares import Shares, numbers_of
from scoring.problems import Problem, explain, to_line
from scoring.sources import open_source
from scoring.staging import SCHEMA, Staging
from serving.documents import Document, read_document
from serving.errors import ConfigurationError, TooLargeError, UnavailableError
from serving.model import predict_all
from serving.passport import Passport
from serving.settings import Limits, Settings

# A row is a prediction, or the problem of a document; the columns of the other are null.
ROWS = (
    "path string, position long, id string, output array<double>, shape array<int>, "
    "status int, problem string"
)
_SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        *SCHEMA,
        ("status", pa.int32()),
        ("problem", pa.string()),
    ]
)
_TRIES = 3


def limits_of(limits: Limits) -> Limits:
    """Those of an uploaded document: packed or not, it is as long as an upload may be."""
    whole = limits.upload_bytes
    return replace(limits, inflated_bytes=whole, markup_bytes=whole, tags=whole)


@dataclass(frozen=True)
class Scorer:
    """Goes with the tasks: documents of a listing in, rows of `ROWS` out.

    Attributes:
        document: how documents are read; its limits are `limits_of` the service's.
        batch_size: how many matrices the engine takes at once; as in the service, since the last
            bits of a prediction may depend on it.
        done: counts documents; seen by the driver when a task has ended.
    """

    shared: SharedModel
    document: Document
    batch_size: int
    region: str | None
    endpoint: str | None
    done: Accumulator[int]

    def score(self, documents: pa.Table) -> Iterator[pa.RecordBatch]:
        """Score documents, one after the other; columns as of `list_documents`."""
        for row in documents.to_pylist():
            yield from self._score(row["url"], row["path"], row["length"])
            self.done.add(1)

    def _score(self, url: str, path: str, length: int) -> Iterator[pa.RecordBatch]:
        tries_left = _TRIES
        while True:
            tries_left -= 1
            with Staging() as staging:
                try:
                    self._predict(url, length, staging)
                except ConfigurationError:  # of the model: no document is at fault
                    raise
                except Exception as error:
                    if isinstance(error, UnavailableError) and tries_left:
                        continue
                    yield _refusal(path, explain(error))
                else:
                    yield from (_predictions(path, batch) for batch in staging.batches())
                return

    def _predict(self, url: str, length: int, staging: Staging) -> None:
        limit_bytes = self.document.limits.inflated_bytes
        if length > limit_bytes:
            raise TooLargeError(f"{length:,} bytes; the limit of a document is {limit_bytes:,}")
        if length == UNREADABLE:
            raise UnavailableError("the document cannot be read: it is no file, or a link to none")
        model = self.shared.open()
        with open_source(url, self.region, self.endpoint) as source:
            matrices = read_document(source, self.document)
            for prediction in predict_all(matrices, model, self.batch_size):
                staging.add(prediction)
        staging.finish()


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker does with the number of a task."""

    shares: Shares
    scorer: Scorer

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Numbers in, rows of `ROWS` out."""
        for number in numbers_of(batches):
            yield from self.scorer.score(self.shares.of(number))


def create_scorer(
    shared: SharedModel, passport: Passport, settings: Settings, done: Accumulator[int]
) -> Scorer:
    """The scorer that does what a Lambda with these settings does with an uploaded document."""
    document = Document(passport.input.spec, settings.names, limits_of(settings.limits))
    batch_size = settings.batch_size or passport.batch_size
    return Scorer(shared, document, batch_size, settings.region, settings.endpoint, done)


def _predictions(path: str, batch: pa.RecordBatch) -> pa.RecordBatch:
    return _rows(path, batch.num_rows, dict(zip(batch.schema.names, batch.columns, strict=True)))


def _refusal(path: str, problem: Problem) -> pa.RecordBatch:
    return _rows(path, 1, {"status": [problem["status"]], "problem": [to_line(path, problem)]})


def _rows(path: str, count: int, given: dict[str, Any]) -> pa.RecordBatch:
    """Rows of `ROWS` with the columns given; the others are null."""
    given = {"path": [path] * count} | given
    columns = []
    for field in _SCHEMA:
        column = given.get(field.name, [None] * count)
        is_array = isinstance(column, pa.Array)
        columns.append(column.cast(field.type) if is_array else pa.array(column, field.type))
    return pa.RecordBatch.from_arrays(columns, schema=_SCHEMA)
