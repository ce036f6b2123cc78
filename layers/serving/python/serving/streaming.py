"""A long document: batches are computed beside the reading of the next ones.

Reading is one thread's work, and it holds Python's lock. So the engine is opened with one thread
(`open_model(threads=1)`), and runs in as many threads at once as it takes to keep up with the
reader, which do nothing else. Measured: docs/decisions/0008.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from math import ceil
from time import perf_counter
from typing import Any

from numpy.typing import NDArray

from serving.documents import Matrix
from serving.errors import ServingError
from serving.model import Batch, Model, Prediction

_ALONE = 2  # batches that are computed by themselves, to see how long that takes


def predict_stream(
    matrices: Iterable[Matrix], model: Model, batch_size: int
) -> Iterator[Prediction]:
    """Predict a stream in order; two batches more than there are cores are held at most.

    Raises:
        ServingError: as `predict_all` does: the fault of the first batch that has one, be it in
            reading or in computing.
    """
    batches = _batches(iter(matrices), model, batch_size)
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
    yield from _beside(batches, model, max(1, min(cores, ceil(computing / max(reading, 1e-6)))))


def _batches(matrices: Iterator[Matrix], model: Model, size: int) -> Iterator[Batch]:
    while some := list(islice(matrices, size)):
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
        while held:
            yield from _done(held, model)
    finally:
        pool.shutdown(cancel_futures=True)
    if fault is not None:
        raise fault


def _done(held: deque[tuple[Batch, Future[NDArray[Any]]]], model: Model) -> list[Prediction]:
    batch, computed = held.popleft()
    return model.predictions(batch, computed.result())
