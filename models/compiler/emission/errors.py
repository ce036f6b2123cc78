"""What is raised where a network has no emission."""


class NotEmittedError(Exception):
    """The network has a layer or an option that is not written as ONNX; the text says which."""
