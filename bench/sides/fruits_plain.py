"""One of two plain processes: the engine in one thread, the same decoding, and no Spark."""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fruits.images import decode
from fruits.models import NETWORKS
from serving.model import Batch, Model, open_model

model: Model


def start(bundle: str) -> dict[str, Any]:
    """Open the model, as a worker of ours does."""
    global model
    started = perf_counter()
    model = open_model(Path(bundle), threads=1)
    return {"s": perf_counter() - started}


def extract(network: str, images: list[str], out: str) -> dict[str, Any]:
    """From files to features in Parquet; the seconds of each part, and of all."""
    prepare = NETWORKS[network].prepare
    height, width, _ = (size or 0 for size in model.spec.shape)
    size, rows = model.passport.batch_size, []
    parts = dict.fromkeys(("read", "decode", "infer"), 0.0)
    clock = started = perf_counter()

    def lap(part: str) -> None:
        nonlocal clock
        now = perf_counter()
        parts[part] += now - clock
        clock = now

    for first in range(0, len(images), size):
        contents = [Path(path).read_bytes() for path in images[first : first + size]]
        lap("read")
        batch = np.stack([decode(content, (height, width)) for content in contents])
        lap("decode")
        rows += list(model.compute(Batch([], prepare(batch))))
        lap("infer")
    table = pa.table({"path": images, "features": pa.array(rows, pa.list_(pa.float32()))})
    pq.write_table(table, out)
    parts["write"] = perf_counter() - clock
    return {"s": perf_counter() - started, "parts": parts}


COMMANDS: dict[str, Callable[..., dict[str, Any]]] = {"start": start, "extract": extract}
