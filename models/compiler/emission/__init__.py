"""Writes an ONNX graph straight from a Keras HDF5 file, without TensorFlow."""

from compiler.emission.emitter import emit
from compiler.emission.errors import NotEmittedError

__all__ = ["NotEmittedError", "emit"]
