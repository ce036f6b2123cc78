"""Our handler, its model, and the bare engine that is inside of it."""

import io
import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.processes import forget_peak, memory
from bench.sides.requests import handle, timed
from predict.handler import api, model, settings
from serving.documents import Document, Matrix, read_document
from serving.model import Model, open_model
from serving.settings import BATCH_SIZE, Limits
from serving.streaming import predict_stream, threads_for

_ENDLESS = Limits(inflated_bytes=2**62, markup_bytes=2**62, tags=2**62)
# The bare engine: on a whole batch, on parts of it, or as the model itself cuts it. Whoever
# compares takes the fastest.
_WAYS = {"whole": BATCH_SIZE, "parts of 8": 8, "parts of 4": 4, "one by one": 1}


def engine(event: str, way: str, times: int) -> dict[str, Any]:
    """The bare engine on the matrices of an event, which are arrays in memory already."""
    return {"ms": timed(_bare(_matrices(event), way), times)}


def repeat_engine(event: str, way: str, count: int) -> dict[str, Any]:
    """The same until `count` matrices were predicted; the milliseconds of all of them."""
    matrices = _matrices(event)
    once = _bare(matrices, way)
    times = -(-count // len(matrices))
    return {"ms": [sum(timed(once, times)) * count / (times * len(matrices))]}


def parse_stream(path: str) -> dict[str, Any]:
    """Read a document from disk, and keep nothing of it."""

    def work() -> None:
        with open(path, "rb") as file:
            for _ in read_document(file, Document(model.spec, limits=_ENDLESS)):
                pass

    return {"ms": timed(work, 1)}


def stream(path: str) -> dict[str, Any]:
    """Read and predict a document from disk; what is resident after the first batch, and at most.

    Returns:
        also how many predictions came, and the first batch of them.
    """
    one = _with_one_thread()
    outputs: dict[str, Any] = {}
    counted, first = 0, 0.0

    def work() -> None:
        nonlocal counted, first
        with open(path, "rb") as file:
            matrices = read_document(file, Document(model.spec, limits=_ENDLESS))
            for prediction in predict_stream(matrices, one, one.passport.batch_size):
                counted += 1
                if counted <= BATCH_SIZE:
                    outputs[prediction.id] = prediction.output.tolist()
                if counted == BATCH_SIZE:
                    first = memory()["rss"]
                    forget_peak()

    taken = timed(work, 1)
    return {
        "ms": taken,
        "count": counted,
        "outputs": outputs,
        "first_mb": first,
        "most_mb": memory()["peak"],
    }


@cache
def _with_one_thread() -> Model:
    return open_model(settings.model_dir, threads=threads_for(model.passport.batch_size))


@cache
def _matrices(event: str) -> list[Matrix]:
    body = json.loads(Path(event).read_text())["body"].encode()
    return list(read_document(io.BytesIO(body), Document(model.spec)))


def _bare(matrices: list[Matrix], way: str) -> Callable[[], Any]:
    if way == "the model's":
        return lambda: model.predict(matrices)
    batch = np.stack([matrix.values for matrix in matrices]).astype(model.spec.dtype)
    size = _WAYS[way]
    parts = [batch[i : i + size] for i in range(0, len(batch), size)]
    run = model._engine.run
    return lambda: [run(part) for part in parts]


def ways() -> dict[str, Any]:
    """The names of the ways to run the engine."""
    return {"ways": [*_WAYS, "the model's"]}


COMMANDS: dict[str, Callable[..., dict[str, Any]]] = {
    "handle": partial(handle, api),
    "engine": engine,
    "repeat_engine": repeat_engine,
    "parse_stream": parse_stream,
    "stream": stream,
    "ways": ways,
}
