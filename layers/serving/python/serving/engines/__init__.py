"""The engines: a batch of matrices in, a batch of outputs out.

TensorFlow is imported only by the engine of that name, and only when a passport asks for it.
"""

from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from serving.passport import COMPILED, SOURCE, Passport


class Engine(Protocol):
    """Runs the network on a batch."""

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Outputs for a batch of shape (n, …input shape), in the model's own types.

        Any exception means that the network could not be computed on this batch.
        """
        ...


def open_engine(bundle: Path, passport: Passport, threads: int | None = None) -> Engine:
    """Load the engine that the passport names.

    Args:
        threads: that compute one batch; None for one on each core. TensorFlow shares its own.

    Raises:
        ConfigurationError: it cannot be loaded here.
    """
    if passport.engine == "onnx":
        from serving.engines.onnx import OnnxEngine

        mapped = passport.compiled is not None and passport.compiled.mapped
        return OnnxEngine(bundle / COMPILED, mapped=mapped, threads=threads)
    from serving.engines.tensorflow import TensorFlowEngine

    return TensorFlowEngine(bundle / SOURCE, trust_code=passport.source.trusted_code)
