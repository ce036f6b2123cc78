"""TensorFlow: the reference, and the engine of the models that ONNX Runtime cannot run."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from serving.errors import ConfigurationError


class TensorFlowEngine:
    """Runs a Keras HDF5 file through one compiled function with a fixed signature."""

    def __init__(self, path: Path, *, trust_code: bool) -> None:
        """Load the file with the Keras that wrote it.

        Raises:
            ConfigurationError: TensorFlow is not installed here.
            ModelRefusedError: the file cannot be loaded faithfully.
        """
        try:
            from serving.hdf5.loading import load
        except ModuleNotFoundError as cause:
            raise ConfigurationError(
                f"this bundle needs the TensorFlow engine, and {cause.name} is not installed here: "
                "use the image or environment with TensorFlow"
            ) from cause
        self._function = load(path, trust_code=trust_code).function

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        """See `serving.engines.Engine`."""
        result: NDArray[Any] = self._function(batch).numpy()
        return result
