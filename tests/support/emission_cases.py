"""Tiny models of each layer that is emitted, for Keras 3 and for Keras 2 alike."""

from collections.abc import Callable
from typing import Any

Shape = tuple[int | None, ...]
Stacked = tuple[str, dict[str, Any]]
Case = tuple[Shape, Callable[[Any], Any]]

SIGNAL, IMAGE, ROW = (20, 3), (9, 8, 3), (7,)


def one(shape: Shape, name: str, *args: Any, **options: Any) -> Case:
    """A model of one layer."""
    return shape, lambda layers: [getattr(layers, name)(*args, **options)]


def two(shape: Shape, *stack: Stacked) -> Case:
    """A model of some layers, one after the other."""
    return shape, lambda layers: [getattr(layers, name)(**options) for name, options in stack]


def wrapped(name: str, options: dict[str, Any], mode: str) -> Case:
    """A recurrent layer in both directions."""
    return SIGNAL, lambda layers: [
        layers.Bidirectional(getattr(layers, name)(**options), merge_mode=mode)
    ]


def _convolutions() -> dict[str, Case]:
    cases = {
        f"Conv1D {padding} k{size} s{stride} d{dilation} on {length}": one(
            (length, 3), "Conv1D", 4, size,
            strides=stride, padding=padding, dilation_rate=dilation, activation="relu",
        )
        for padding in ("valid", "same", "causal")
        for size, stride, dilation, length in (
            (3, 1, 2, 20), (4, 1, 1, None), (4, 2, 1, 20), (5, 2, 1, None), (2, 3, 1, 19),
        )
    }  # fmt: skip
    for name in ("Conv1D", "SeparableConv1D", "DepthwiseConv1D"):
        first = () if name.startswith("Dep") else (4,)
        cases[f"{name} one channel"] = one((20, 1), name, *first, 5)
        cases[f"{name} no bias"] = one(SIGNAL, name, *first, 4, use_bias=False)
        cases[f"{name} same stride"] = one(SIGNAL, name, *first, 4, strides=3, padding="same")
        cases[f"{name} dilated"] = one(SIGNAL, name, *first, 4, dilation_rate=2, padding="same")
    for name in ("Conv2D", "SeparableConv2D", "DepthwiseConv2D"):
        first = () if name.startswith("Dep") else (4,)
        cases[f"{name} same"] = one(IMAGE, name, *first, (3, 4), padding="same", activation="tanh")
        cases[f"{name} strides"] = one(IMAGE, name, *first, 4, strides=2, padding="same")
        cases[f"{name} valid"] = one((None, None, 3), name, *first, (2, 3), strides=2)
        cases[f"{name} open same"] = one((None, 8, 1), name, *first, 3, strides=2, padding="same")
        cases[f"{name} dilated"] = one(IMAGE, name, *first, 2, dilation_rate=(2, 2))
    cases["SeparableConv1D causal"] = one(SIGNAL, "SeparableConv1D", 4, 3, padding="causal")
    cases["SeparableConv1D multiplier"] = one(SIGNAL, "SeparableConv1D", 4, 3, depth_multiplier=2)
    cases["DepthwiseConv1D multiplier"] = one(SIGNAL, "DepthwiseConv1D", 3, depth_multiplier=2)
    cases["Conv1D groups"] = one((20, 4), "Conv1D", 6, 3, groups=2)
    cases["DepthwiseConv2D multiplier"] = one(IMAGE, "DepthwiseConv2D", 3, depth_multiplier=2)
    return cases


def _poolings() -> dict[str, Case]:
    cases = {
        f"{kind}Pooling{rank}D {padding} p{size} s{stride} {shape}": one(
            shape, f"{kind}Pooling{rank}D", size, strides=stride, padding=padding
        )
        for kind in ("Max", "Average")
        for rank, shape in ((1, SIGNAL), (1, (None, 3)), (2, IMAGE), (2, (None, 8, 3)))
        for padding in ("valid", "same")
        for size, stride in ((3, 2), (2, None if rank == 1 else 3))
    }
    for kind in ("Max", "Average"):
        for rank, shape in ((1, SIGNAL), (2, IMAGE)):
            name = f"Global{kind}Pooling{rank}D"
            cases[name] = one(shape, name)
            cases[f"{name} kept"] = one(shape, name, keepdims=True)
            cases[f"{name} after a convolution"] = two(
                shape, (f"Conv{rank}D", {"filters": 4, "kernel_size": 3}), (name, {})
            )
    return cases


def _activations() -> dict[str, Case]:
    names = """linear relu sigmoid tanh softmax elu selu softplus softsign swish gelu hard_sigmoid
        exponential""".split()  # noqa: SIM905
    cases = {f"Activation {name}": one(SIGNAL, "Activation", name) for name in names}
    cases |= {f"Dense {name}": one(ROW, "Dense", 5, activation=name) for name in names}
    for name in ("relu6", "leaky_relu", "silu", "mish"):
        cases[f"Activation {name}"] = one(SIGNAL, "Activation", name)
    for name in ("softmax", "gelu"):
        cases[f"Conv1D {name}"] = one(SIGNAL, "Conv1D", 4, 3, activation=name)
    for options in ({}, {"max_value": 2.0}, {"negative_slope": 0.1, "max_value": 1.5},
                    {"threshold": 0.5, "negative_slope": 0.2}, {"threshold": 0.3}):  # fmt: skip
        cases[f"ReLU {options}"] = one(SIGNAL, "ReLU", **options)
    for name in ("LeakyReLU", "ELU", "Softmax"):
        cases[name] = one(SIGNAL, name)
    cases["LeakyReLU slope"] = one(SIGNAL, "LeakyReLU", 0.15)
    for shape, shared in (
        (SIGNAL, None),
        (SIGNAL, [1]),
        (IMAGE, [1, 2]),
        (IMAGE, None),
        (ROW, None),
    ):
        cases[f"PReLU {shape} {shared}"] = one(shape, "PReLU", shared_axes=shared)
    cases["PReLU after a convolution"] = (
        SIGNAL,
        lambda layers: [layers.Conv1D(4, 3), layers.PReLU(), layers.Conv1D(4, 3, activation="elu")],
    )
    return cases


def _shapes() -> dict[str, Case]:
    return {
        "ZeroPadding1D": one(SIGNAL, "ZeroPadding1D", (2, 3)),
        "ZeroPadding1D before a convolution": (
            SIGNAL,
            lambda layers: [layers.ZeroPadding1D(2), layers.Conv1D(4, 5, strides=2)],
        ),
        "ZeroPadding2D": one(IMAGE, "ZeroPadding2D", ((1, 2), (3, 0))),
        "Cropping1D": one(SIGNAL, "Cropping1D", (2, 3)),
        "Cropping1D nothing after": one((None, 3), "Cropping1D", (2, 0)),
        "Cropping2D": one(IMAGE, "Cropping2D", ((1, 2), (3, 0))),
        "UpSampling1D": one(SIGNAL, "UpSampling1D", 3),
        "UpSampling2D": one(IMAGE, "UpSampling2D", (2, 3)),
        "Flatten": one(SIGNAL, "Flatten"),
        "Flatten image": one(IMAGE, "Flatten"),
        "Reshape": one(ROW, "Reshape", (7, 1)),
        "Reshape free": one(SIGNAL, "Reshape", (5, -1)),
        "Permute": one(IMAGE, "Permute", (3, 1, 2)),
        "RepeatVector": one(ROW, "RepeatVector", 3),
        "Dropout": one(SIGNAL, "Dropout", 0.5),
        "SpatialDropout1D": one(SIGNAL, "SpatialDropout1D", 0.5),
        "GaussianNoise": one(SIGNAL, "GaussianNoise", 0.5),
        "GaussianDropout": one(SIGNAL, "GaussianDropout", 0.5),
        "AlphaDropout": one(SIGNAL, "AlphaDropout", 0.5),
        "Rescaling": one(SIGNAL, "Rescaling", 0.1, offset=2.0),
        "Dense on steps": one(SIGNAL, "Dense", 4, activation="softmax"),
        "Dense on an image": one(IMAGE, "Dense", 4, use_bias=False),
        "LayerNormalization": one(SIGNAL, "LayerNormalization"),
        "LayerNormalization plain": one(SIGNAL, "LayerNormalization", center=False, scale=False),
        "BatchNormalization": one(SIGNAL, "BatchNormalization"),
        "BatchNormalization row": one(ROW, "BatchNormalization", scale=False),
        "BatchNormalization image": one(IMAGE, "BatchNormalization", center=False, epsilon=0.1),
    }


def _recurrent() -> dict[str, Case]:
    cases = {}
    for name in ("LSTM", "GRU", "SimpleRNN"):
        gated = name != "SimpleRNN"
        variants: dict[str, dict[str, Any]] = {
            "last": {},
            "sequences": {"return_sequences": True},
            "backwards": {"go_backwards": True},
            "backwards sequences": {"go_backwards": True, "return_sequences": True},
            "no bias": {"use_bias": False},
            "relu": {"activation": "relu"},
            "linear": {"activation": "linear", "units": 2},
            "softsign": {"activation": "softsign"},
            **({"hard": {"recurrent_activation": "hard_sigmoid"}} if gated else {}),
            **({"before": {"reset_after": False}} if name == "GRU" else {}),
        }
        for label, options in variants.items():
            cases[f"{name} {label}"] = one(SIGNAL, name, **{"units": 4, **options})
        for mode in ("concat", "sum", "ave", "mul"):
            for sequences in (False, True):
                options = {"units": 4, "return_sequences": sequences}
                cases[f"Bidirectional {name} {mode} {sequences}"] = wrapped(name, options, mode)
    cases["LSTM twice after a convolution"] = (
        (None, 3),
        lambda layers: [
            layers.Conv1D(4, 3, activation="relu"),
            layers.Bidirectional(layers.LSTM(5, return_sequences=True)),
            layers.Dropout(0.5),
            layers.LayerNormalization(),
            layers.LSTM(4, return_sequences=True),
            layers.BatchNormalization(),
            layers.Conv1D(3, 3),
            layers.GRU(4),
            layers.Dense(2),
        ],
    )
    return cases


def _stacks() -> dict[str, Case]:
    """Layers that meet, and open lengths."""
    conv3: Stacked = ("Conv1D", {"filters": 4, "kernel_size": 3})
    normal: Stacked = ("BatchNormalization", {})
    up: Stacked = ("UpSampling2D", {"size": 2})
    crop: Stacked = ("Cropping2D", {"cropping": 1})
    pad: Stacked = ("ZeroPadding2D", {"padding": ((1, 0), (0, 2))})
    turn: Stacked = ("Permute", {"dims": (2, 1)})
    halved = {"pool_size": 2, "padding": "same"}
    sequences = {"units": 4, "return_sequences": True, "go_backwards": True}
    return {
        "open image": two((None, None, 2), up, crop, pad, ("AveragePooling2D", halved)),
        "open channels": two((None, None), ("AveragePooling1D", halved)),
        "open Reshape": two((None, 3), ("Reshape", {"target_shape": (-1, 1, 3)}),
                            ("Conv2D", {"filters": 2, "kernel_size": 1})),
        "open Flatten": two((None, 3), ("Flatten", {})),
        "open LSTM": two((None, 2), ("LSTM", sequences), ("ZeroPadding1D", {}), conv3),
        "one step": two((1, 5), ("Conv1D", {"filters": 3, "kernel_size": 1}), ("Flatten", {}),
                        ("Dense", {"units": 2})),
        "shorter than the window": two(
            (3, 2), ("Conv1D", {"filters": 4, "kernel_size": 7, "padding": "same"}),
            ("MaxPooling1D", {"pool_size": 5, "strides": 1, "padding": "same"}),
        ),
        "zeros before a maximum": two(
            (12, 16), ("ZeroPadding1D", {"padding": 2}), ("MaxPooling1D", {"pool_size": 3}), conv3
        ),
        "zeros before an average": two(
            IMAGE, ("ZeroPadding2D", {"padding": 2}), ("AveragePooling2D", halved), normal
        ),
        "zeros before a convolution that pads": two(
            (12, 16), ("ZeroPadding1D", {"padding": (1, 3)}),
            ("Conv1D", {"filters": 4, "kernel_size": 4, "padding": "same"}), normal,
        ),
        "Permute": two((6, 20), turn, conv3, turn, ("Dense", {"units": 2})),
        "rows": two(ROW, normal, ("Dense", {"units": 4, "use_bias": False}), normal, ("ReLU", {}),
                    ("Dense", {"units": 3}), ("Dropout", {"rate": 0.5}), normal),
        "five dimensions": two((2, 3, 4, 5), ("Dense", {"units": 2}), normal),
        "encoder and decoder": two((8, 2), ("LSTM", {"units": 4}), ("RepeatVector", {"n": 5}),
                                   ("LSTM", sequences), ("Dense", {"units": 1})),
        "steps of LSTM": (
            (4, 6, 3), lambda layers: [layers.TimeDistributed(layers.LSTM(3))],
        ),
        "activation that is a layer": (
            SIGNAL, lambda layers: [layers.Conv1D(4, 3, activation=layers.LeakyReLU())],
        ),
        "directions of their own": (
            SIGNAL,
            lambda layers: [
                layers.Bidirectional(
                    layers.GRU(3, return_sequences=True),
                    backward_layer=layers.GRU(3, return_sequences=True, go_backwards=True),
                )
            ],
        ),
    }  # fmt: skip


CASES: dict[str, Case] = {
    **_convolutions(), **_poolings(), **_activations(), **_shapes(), **_recurrent(), **_stacks(),
}  # fmt: skip
