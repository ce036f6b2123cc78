"""A serving framework with the same model: LitServe, as its documentation has it.

`python -m bench.peers --port PORT --engine onnx|keras --model FILE [--batch N]`, in an environment
of its own (requirements/bench.txt). POST /json takes its own format, {"input": [5000 numbers]};
POST /xml takes our document, read the afternoon way. Settings, so that it is a fair match:

- one worker for each path, of which one is asked at a time, and one process for HTTP; ours is one
  process for everything
- as many engine threads as the machine has cores, as ours; Keras has its default, the same
- its default queue: its fast one (ZeroMQ) made no difference here
- uvloop and httptools, which it brings along; ours has neither
- batching as N says: 1 is its default; more waits 2 ms for others to join
- no log line for each request; ours writes one
"""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import litserve
import numpy as np
from fastapi import Body, Request

from bench.afternoon_parse import parse

_BATCH_TIMEOUT_S = 0.002


def _open(engine: str, path: Path) -> Callable[[Any], Any]:
    """What predicts a batch."""
    if engine == "keras":
        import keras

        model = keras.models.load_model(path, compile=False)
        return lambda batch: model.predict(batch, verbose=0)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = len(os.sched_getaffinity(0))
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda batch: session.run(None, {name: batch})[0]


class _Api(litserve.LitAPI):  # type: ignore[misc]
    """What both paths share."""

    def __init__(self, engine: str, path: Path, batch: int, api_path: str) -> None:
        timeout = _BATCH_TIMEOUT_S if batch > 1 else 0.0
        super().__init__(max_batch_size=batch, batch_timeout=timeout, api_path=api_path)
        self._engine, self._path = engine, path

    def setup(self, device: str) -> None:  # noqa: ARG002  # its name is the framework's
        self._run = _open(self._engine, self._path)

    def predict(self, x: Any) -> Any:
        if self.max_batch_size > 1:
            return self._run(x)
        return self._run(x[np.newaxis])[0]

    def encode_response(self, output: Any) -> Any:
        return {"output": output.tolist()}


class _Json(_Api):
    # The framework reads the type of a request from here, and hands over what it held.
    def decode_request(self, request: Request) -> Any:
        return np.array(request["input"], dtype=np.float32).reshape(-1, 1)


_Document = Annotated[bytes, Body(media_type="application/xml")]


class _Xml(_Api):
    def decode_request(self, request: _Document) -> Any:
        _, rows = parse(request)
        return np.array(rows[0], dtype=np.float32).reshape(-1, 1)


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--engine", choices=("onnx", "keras"), required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--batch", type=int, default=1)
    args = parser.parse_args()
    apis = [
        kind(args.engine, args.model, args.batch, path)
        for kind, path in ((_Json, "/json"), (_Xml, "/xml"))
    ]
    server = litserve.LitServer(apis, accelerator="cpu", devices=1, workers_per_device=1)
    server.run(
        host="127.0.0.1",
        port=args.port,
        num_api_servers=1,
        log_level="warning",
        generate_client_file=False,
    )


if __name__ == "__main__":
    main()
