"""ONNX Runtime: starts in a fraction of a second, and needs no TensorFlow."""

import os
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from serving.errors import ModelRefusedError, brief

# Since 1.29 it reports to Microsoft, outside of the EU, and writes beside what it finds in HOME and
# /tmp; it looks at this when it is imported, and never again.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

_NO_MEMORY = ("Failed to allocate memory", "std::bad_alloc", "bad allocation")


class OnnxEngine:
    """Runs one ONNX file with one input and one output."""

    def __init__(self, path: Path, *, mapped: bool = False, threads: int | None = None) -> None:
        """Load the file.

        Args:
            mapped: it finds its large weights in the HDF5 file beside it.
            threads: that compute one batch; None for one on each core.

        Raises:
            ModelRefusedError: it is not a network that ONNX Runtime can run.
        """
        if not path.is_file():
            raise ModelRefusedError(f"{path}: No such file")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
        # Nothing but fatal errors: its messages quote values of the document.
        options.log_severity_level = 4
        if mapped:
            # Else each weight is copied in another order, and there twice.
            options.add_session_config_entry("session.disable_prepacking", "1")
        try:
            self._session = onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"]
            )
        except Exception as cause:  # ONNX Runtime has no common base for its errors
            raise ModelRefusedError(
                f"{path}: ONNX Runtime cannot load it: {brief(cause)}"
            ) from cause
        self._input = self._session.get_inputs()[0].name

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        """See `serving.engines.Engine`."""
        try:
            outputs: list[NDArray[Any]] = self._session.run(None, {self._input: batch})
        except Exception as cause:
            # It has no error of its own for this; else the document would be blamed.
            if any(sign in str(cause) for sign in _NO_MEMORY):
                raise MemoryError("ONNX Runtime") from cause
            raise
        return outputs[0]
