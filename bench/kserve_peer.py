"""KServe's own model server with the same model, as its documentation has it.

`python -m bench.kserve_peer --port PORT --model_name NAME --bundle FOLDER`, in an environment of
its own (requirements/bench-kserve.txt). POST /v2/models/NAME/infer takes the protocol, as JSON and
with the tensor as bytes. Settings, so that it is a fair match:

- its defaults: one process, one worker; its log lines for each request stay on, as ours does
- no gRPC, which nobody asks for here and which would need a port of its own
- as many engine threads as the machine has cores, as ours; all matrices are one batch, where ours
  cuts as its bundle says
- uvloop and httptools, which it brings along; ours has neither
"""

import argparse
import os
from pathlib import Path
from typing import Any

import kserve
import onnxruntime
from kserve import model_server
from kserve.utils.utils import generate_uuid


class _Model(kserve.Model):  # type: ignore[misc]
    def __init__(self, name: str, path: Path) -> None:
        super().__init__(name)
        self._path = path

    def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = len(os.sched_getaffinity(0))
        self._session = onnxruntime.InferenceSession(
            self._path, options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name
        self.ready = True
        return self.ready

    def predict(self, payload: Any, headers: Any = None) -> Any:  # noqa: ARG002  # theirs
        batch = payload.get_input_by_name("input").as_numpy()
        [result] = self._session.run(None, {self._input: batch})
        output = kserve.InferOutput("output", list(result.shape), "FP32")
        output.set_data_from_numpy(result, binary_data=payload.use_binary_outputs)
        return kserve.InferResponse(
            response_id=payload.id or generate_uuid(),
            model_name=self.name,
            infer_outputs=[output],
            use_binary_outputs=payload.use_binary_outputs,
            requested_outputs=payload.request_outputs,
        )


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(parents=[model_server.parser], description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bundle", type=Path, required=True)
    args = parser.parse_args()
    model = _Model(args.model_name, args.bundle / "model.onnx")
    model.load()
    kserve.ModelServer(http_port=args.port, enable_grpc=False).start([model])


if __name__ == "__main__":
    main()
