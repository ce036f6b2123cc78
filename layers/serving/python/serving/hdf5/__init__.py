"""Keras HDF5 files: looked at without executing them, then loaded by the Keras that wrote them."""
