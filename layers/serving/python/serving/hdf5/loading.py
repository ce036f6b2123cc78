"""Loads a Keras HDF5 file with the Keras that wrote it, as one TensorFlow function.

Keras 3 reads what Keras 3 wrote; tf-keras, which is Keras 2 kept alive, reads what Keras 2 and
tf.keras wrote. They are not interchangeable: Keras 3 changed hard_sigmoid, for one, and loads an
old LSTM without a word and with other numbers. This module imports TensorFlow.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow reads it at import

import h5py
import keras
import tensorflow as tf
import tf_keras

from serving.errors import ModelRefusedError, brief
from serving.hdf5.inspection import Inspection, inspect, walk
from serving.passport import Loader
from serving.signature import TensorSpec, describe

_MODULES: dict[Loader, ModuleType] = {"keras": keras, "tf-keras": tf_keras}
# What a config holds besides layers, initialisers and the like: models, values, trusted code.
_OTHERS = frozenset(
    """
    Functional Model Sequential TensorShape
    __keras_tensor__ __tuple__ __tensor__ __numpy__ __ellipsis__ __slice__
    Lambda __lambda__ function TFOpLambda SlicingOpLambda TensorFlowOpLayer
    ClassMethod InstanceMethod InstanceProperty ResidualWrapper DropoutWrapper DeviceWrapper
    """.split()  # noqa: SIM905
)
_NUMBERS = frozenset(
    {"float16", "bfloat16", "float32", "float64"}
    | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory.

    Attributes:
        function: a tf.function from a batch to a batch, in inference mode.
        input: shape and type of one matrix.
        output: shape and type of one answer.
    """

    inspection: Inspection
    loader_version: str
    function: Callable[..., Any]
    input: TensorSpec
    output: TensorSpec


def load(path: Path, *, trust_code: bool = False) -> Loaded:
    """Inspect a file, then load it.

    Raises:
        ModelRefusedError: it cannot be loaded faithfully; the text says why.
    """
    inspection = inspect(path, trust_code=trust_code)
    library = _MODULES[inspection.loader]
    _check_known(inspection, library)
    model = _load(inspection, library, trust_code=trust_code)
    given, answer = _signature(model)
    _check_input_shape(inspection, given)
    signature = tf.TensorSpec((None, *given.shape), given.dtype)

    @tf.function(input_signature=[signature])  # type: ignore[untyped-decorator]
    def predict(batch: Any) -> Any:
        answers = model(batch, training=False)
        # A Keras 3 model answers in the structure of its output, which may be a list of one.
        return tf.nest.flatten(answers)[0]

    return Loaded(inspection, str(library.__version__), predict, given, answer)


def _signature(model: Any) -> tuple[TensorSpec, TensorSpec]:
    # A Sequential that was never built has no such attributes in Keras 3, and None in Keras 2.
    inputs, outputs = (getattr(model, name, None) for name in ("inputs", "outputs"))
    if not inputs or not outputs:
        raise ModelRefusedError("states no input shape: build the model before saving it")
    if (counts := (len(inputs), len(outputs))) != (1, 1):
        raise ModelRefusedError(
            f"{counts[0]} inputs and {counts[1]} outputs: one of each is served"
        )
    return _spec(inputs[0], "input"), _spec(outputs[0], "output")


def _load(inspection: Inspection, library: ModuleType, *, trust_code: bool) -> Any:
    # tf-keras heeds safe_mode in its own format only; its scope makes HDF5 heed it as well.
    scope = library.src.saving.serialization_lib.SafeModeScope(not trust_code)
    try:
        with scope, _readable(inspection) as path:
            # Without the optimiser, which is of no use here.
            return library.models.load_model(str(path), compile=False, safe_mode=not trust_code)
    except Exception as cause:  # Keras raises whatever its layers raise
        raise ModelRefusedError(
            f"{inspection.loader} {library.__version__} cannot load it "
            f"(written by Keras {inspection.keras_version}): {brief(cause)}"
        ) from cause


@contextmanager
def _readable(inspection: Inspection) -> Iterator[Path]:
    """The file itself, or a copy with the batch size freed; Keras 3 insists on the suffix."""
    if inspection.freed_batch_size is None and inspection.path.suffix == ".h5":
        yield inspection.path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "model.h5")
        shutil.copyfile(inspection.path, copy)
        with h5py.File(copy, "r+") as file:
            # Attributes end at 64 kB; a long architecture is written as Keras itself does.
            del file.attrs["model_config"]
            file.attrs["model_config"] = json.dumps(inspection.config).encode()
        yield copy


def _check_known(inspection: Inspection, library: ModuleType) -> None:
    """Refuse every object that is not this Keras' own, before Keras looks at the file."""
    known = _OTHERS | _names(library)
    for place, found in walk(inspection.config):
        if found["class_name"] not in known:
            raise ModelRefusedError(
                f"{place}: unknown custom layer; only the layers of Keras itself are served"
            )


def _names(library: ModuleType) -> set[str]:
    spaces = [library.layers, library.initializers, library.regularizers, library.constraints]
    names = {name for space in [*spaces, library.mixed_precision] for name in dir(space)}
    if library is tf_keras:
        # Aliases of older versions, such as BatchNormalizationV1.
        registry = library.src.layers.serialization
        registry.populate_deserializable_objects()
        names |= set(registry.LOCAL.ALL_OBJECTS)
    return names


def _spec(tensor: Any, what: str) -> TensorSpec:
    dtype = tf.as_dtype(tensor.dtype).name
    if dtype not in _NUMBERS:
        raise ModelRefusedError(f"the {what} is of type {dtype}: only numbers are served")
    shape = tuple(tensor.shape)
    if not shape:
        raise ModelRefusedError(f"the {what} has no batch axis")
    return TensorSpec(tuple(None if d is None else int(d) for d in shape[1:]), dtype)


def _check_input_shape(inspection: Inspection, given: TensorSpec) -> None:
    """Some Sequential files of Keras 2.3 load with another rank than they were saved with."""
    stored = inspection.batch_input_shape
    if stored is not None and stored[1:] != given.shape:
        raise ModelRefusedError(
            f"loads with input shape {given}, while the file states {describe(stored[1:])}"
        )
