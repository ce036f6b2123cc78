"""A long document: batches are computed beside the reading of the next ones.

Reading is one thread's work. So the engine is opened with one thread (`open_model(threads=1)`)
and as many batches are computed at once as there are cores; an engine with all cores in each run
would leave them to wait for the reader. Measured: docs/decisions/0008.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice

from serving.documents import Matrix
from serving.errors import ServingError
from serving.model import Model, Prediction


def predict_stream(
    matrices: Iterable[Matrix], model: Model, batch_size: int
) -> Iterator[Prediction]:
    """Predict a stream in order; two batches more than there are cores are held at most.

    Raises:
        ServingError: as `predict_all` does: the fault of the first batch that has one, be it in
            reading or in computing.
    """
    workers = len(os.sched_getaffinity(0))
    computing: deque[Future[list[Prediction]]] = deque()
    fault: ServingError | None = None
    left = iter(matrices)
    pool = ThreadPoolExecutor(workers)
    try:
        while True:
            try:
                batch = list(islice(left, batch_size))
            except ServingError as error:  # a batch before it may have one in computing
                fault = error
                break
            if not batch:
                break
            computing.append(pool.submit(model.predict, batch))
            if len(computing) > workers:
                yield from computing.popleft().result()
        while computing:
            yield from computing.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
    if fault is not None:
        raise fault
