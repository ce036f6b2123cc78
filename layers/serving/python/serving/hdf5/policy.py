"""What an architecture may hold: nothing that runs code, reads files, or is not a function."""

from typing import Any

from serving.errors import ModelRefusedError
from serving.passport import Loader

Config = dict[str, Any]

# Objects that hold Python bytecode, a raw graph, another framework's program, or that call
# whatever method or function their config names.
_CODE = frozenset(
    """
    Lambda __lambda__ TensorFlowOpLayer ResidualWrapper DropoutWrapper DeviceWrapper ClassMethod
    InstanceMethod InstanceProperty TFSMLayer TorchModuleWrapper FlaxLayer JaxLayer
    """.split()  # noqa: SIM905
)
# These name a function of TensorFlow, and some of those write files or call Python.
_CALLS = frozenset({"TFOpLambda", "SlicingOpLambda"})
_HARMLESS_CALLS = ("math.", "nn.", "__operators__.", "linalg.", "signal.", "image.")
_HARMLESS_NAMES = frozenset(
    """
    abs add argmax argmin argsort broadcast_to cast clip_by_value concat convert_to_tensor cos
    divide einsum equal exp expand_dims fill gather gather_nd greater identity less matmul maximum
    minimum multiply norm one_hot ones ones_like pad pow range rank reduce_max reduce_mean
    reduce_min reduce_sum repeat reshape reverse roll round shape sigmoid sin size slice sort split
    sqrt square squeeze stack stop_gradient strided_slice subtract tanh tile transpose unstack
    where zeros zeros_like
    """.split()  # noqa: SIM905
)
# Where Keras takes a list or the path of a file to read it from.
_FILES = ("vocabulary", "idf_weights", "vocabulary_file", "filepath")


def check_object(place: str, found: Config, loader: Loader, *, trust_code: bool) -> None:
    """Check one serialised object of an architecture.

    Args:
        place: where it is, for the message.
        found: the object, a dict with a class name.

    Raises:
        ModelRefusedError: it may not be served; says why.
    """
    config = found.get("config")
    config = config if isinstance(config, dict) else {}
    if config.get("stateful") is True:
        raise ModelRefusedError(
            f"{place}: stateful; its answer to a matrix depends on the matrices before"
        )
    if config.get("time_major") is True:
        raise ModelRefusedError(f"{place}: time-major; its first axis is time, not matrices")
    if any(isinstance(config.get(key), str) for key in _FILES):
        raise ModelRefusedError(f"{place}: reads another file, which is not in this one")
    if loader == "tf-keras" and _trains(found.get("inbound_nodes")):
        raise ModelRefusedError(
            f"{place}: called with training=True; its answers are random, or depend on each other"
        )
    if carried := _code_in(found, config):
        if not trust_code:
            raise ModelRefusedError(
                f"{place}: carries code ({carried}), which loading would execute; "
                "if you trust whoever wrote it: TRUST_CODE=1"
            )
        return
    module = found.get("module")
    if isinstance(module, str) and module.startswith(("keras.src.ops", "keras.ops")):
        raise ModelRefusedError(
            f"{place}: an operation of Keras 3, which its .h5 files cannot express; "
            "use the layer that does the same"
        )
    if isinstance(module, str) and module.partition(".")[0] not in {"keras", "builtins"}:
        raise ModelRefusedError(f"{place}: unknown custom object of the module {module[:60]}")


def _trains(inbound_nodes: Any) -> bool:
    """Whether a layer is called with training=True: Keras 3 overrides that, Keras 2 does not."""
    if isinstance(inbound_nodes, dict):
        return inbound_nodes.get("training") is True or any(map(_trains, inbound_nodes.values()))
    return isinstance(inbound_nodes, list) and any(map(_trains, inbound_nodes))


def _code_in(found: Config, config: Config) -> str | None:
    name = found["class_name"]
    if name in _CODE:
        return "bytecode or a program"
    if name == "function":
        return f"the function {str(found.get('config'))[:60]}"
    if name in _CALLS:
        function = str(config.get("function", found.get("name"))).removeprefix("compat.v1.")
        if function not in _HARMLESS_NAMES and not function.startswith(_HARMLESS_CALLS):
            return f"the call tf.{function[:60]}"
    return None
