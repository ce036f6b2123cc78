"""Windows that slide over a signal or an image: what convolutions and pooling have in common."""

from dataclasses import dataclass
from typing import Any

from compiler.emission.graph import Shape
from compiler.emission.layer import Layer
from compiler.emission.layouts import Tensor

# The others have no such padding, or ignore it.
_CAUSAL = frozenset({"Conv1D", "Convolution1D", "SeparableConv1D"})


@dataclass(frozen=True, slots=True)
class Window:
    """A window, with one entry for each spatial dimension.

    Attributes:
        attributes: strides, padding and the like, for an ONNX operator on four dimensions.
        spatial: the dimensions that come out.
    """

    size: tuple[int, ...]
    attributes: dict[str, Any]
    spatial: Shape


def slide(
    layer: Layer,
    x: Tensor,
    size: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...] | None = None,
) -> Window:
    """How a window of the layer's options slides over a tensor.

    Raises:
        NotEmittedError: the padding is unknown, or the window does not fit.
    """
    padding = layer.options.get("padding", "valid")
    causal = layer.class_name in _CAUSAL and padding == "causal"
    if padding not in {"valid", "same"} and not causal:
        raise layer.refused(f"padding={padding}")
    spread = dilations or (1,) * len(size)
    reach = tuple((k - 1) * d + 1 for k, d in zip(size, spread, strict=True))
    if not all((*size, *strides, *spread)):
        raise layer.refused("a window or a stride of 0")
    if max(spread) > 1 and max(strides) > 1:
        raise layer.refused("strides and dilation at once")
    pads = [_pads(padding, *each) for each in zip(x.spatial, reach, strides, strict=True)]
    attributes: dict[str, Any] = {"kernel_shape": size, "strides": strides}
    if dilations:
        attributes["dilations"] = dilations
    if None in pads:
        # ONNX Runtime pads as TensorFlow does, once it knows the length.
        attributes["auto_pad"] = "SAME_UPPER"
    else:
        known = [pad for pad in pads if pad]
        attributes["pads"] = [begin for begin, _ in known] + [end for _, end in known]
    spatial = tuple(
        _out(padding, *each) for each in zip(x.spatial, reach, strides, pads, strict=True)
    )
    if any(d is not None and d < 1 for d in spatial):
        raise layer.refused("its window is larger than its input")
    return Window(size, _in_four_dimensions(attributes), spatial)


def _pads(padding: str, length: int | None, reach: int, stride: int) -> tuple[int, int] | None:
    """Zeros before and after; TensorFlow puts an odd one after. None: the length decides."""
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return reach - 1, 0
    if stride == 1:
        total = reach - 1
    elif length is None:
        return None
    else:
        total = max((-(-length // stride) - 1) * stride + reach - length, 0)
    return total // 2, total - total // 2


def _out(
    padding: str, length: int | None, reach: int, stride: int, pads: tuple[int, int] | None
) -> int | None:
    if length is None:
        return None
    if padding == "same" or pads is None:
        return -(-length // stride)
    return (length + sum(pads) - reach) // stride + 1


def _in_four_dimensions(attributes: dict[str, Any]) -> dict[str, Any]:
    """A signal is an image of height 1."""
    if len(attributes["kernel_shape"]) == 2:
        return attributes
    flat: dict[str, Any] = {
        key: [1, *value]
        for key, value in attributes.items()
        if key in {"kernel_shape", "strides", "dilations"}
    }
    if "pads" in attributes:
        begin, end = attributes["pads"]
        return {**flat, "pads": [0, begin, 0, end]}
    return {**flat, "auto_pad": attributes["auto_pad"]}
