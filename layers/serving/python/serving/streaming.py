"""A long document: batches are computed beside the reading of the next ones.

Reading is one thread's work, and it holds Python's lock. So the engine is opened with one thread
(`threads_for`), and runs in as many threads at once as it takes to keep up with the
reader, which do nothing else. Measured: docs/decisions/0008.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from math import ceil
from time import perf_counter
from typing import Any

from numpy.typing import NDArray

from serving.documents import Matrix
from serving.errors import InvalidInputError, ServingError
from serving.model import Batch, Model, Prediction, in_batches
from serving.settings import BATCH_SIZE

_ALONE = 2  # batches that are computed by themselves, to see how long that takes
_MOST_AT_ONCE = BATCH_SIZE  # matrices: what a function's memory is chosen for


def threads_for(batch_size: int) -> int | None:
    """How many threads the engine of a stream is opened with: one, or one on each core.

    None, one on each core, where no more than one batch may be in computing.
    """
    return 1 if batch_size * 2 <= _MOST_AT_ONCE else None


def predict_stream(
    matrices: Iterable[Matrix], model: Model, batch_size: int
) -> Iterator[Prediction]:
    """Predict a stream in order; two batches more than there are cores are held at most.

    Raises:
        InvalidInputError: as `predict_all` does: the fault of the first batch that has one, be it
            in reading or in computing.
        ServingError: any other fault of the reader, at once: what is done by then was given out.
    """
    batches = _batches(matrices, model, batch_size)
    reading = computing = 0.0
    for _ in range(_ALONE):
        start = perf_counter()
        if (batch := next(batches, None)) is None:
            return
        read = perf_counter()
        outputs = model.compute(batch)
        reading, computing = read - start, perf_counter() - read
        yield from model.predictions(batch, outputs)
    cores = len(os.sched_getaffinity(0))
    workers = min(cores, ceil(computing / max(reading, 1e-6)), _MOST_AT_ONCE // batch_size)
    yield from _beside(batches, model, max(1, workers))


def _batches(matrices: Iterable[Matrix], model: Model, size: int) -> Iterator[Batch]:
    for some in in_batches(matrices, size):
        yield from model.batches(some)


def _beside(batches: Iterator[Batch], model: Model, workers: int) -> Iterator[Prediction]:
    held: deque[tuple[Batch, Future[NDArray[Any]]]] = deque()
    fault: ServingError | None = None
    pool = ThreadPoolExecutor(workers)
    try:
        while True:
            try:
                batch = next(batches, None)
            except ServingError as error:  # a batch before it may have one in computing
                fault = error
                break
            if batch is None:
                break
            held.append((batch, pool.submit(model.compute, batch)))
            if len(held) > workers + 1:
                yield from _done(held, model)
        # A document's fault comes after the batches before it; any other ends this at once.
        patient = fault is None or isinstance(fault, InvalidInputError)
        while held and (patient or held[0][1].done()):
            yield from _done(held, model)
    finally:
        pool.shutdown(cancel_futures=True)
    if fault is not None:
        raise fault


def _done(held: deque[tuple[Batch, Future[NDArray[Any]]]], model: Model) -> list[Prediction]:
    batch, computed = held.popleft()
    return model.predictions(batch, computed.result())
