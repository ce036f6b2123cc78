"""The sample that an owner gives along: real matrices, and maybe the answers known to be right."""

import zipfile
from pathlib import Path

import numpy as np

from compiler.probes import TOLERANCE, Batch, Probe
from serving.documents import Document, read_document
from serving.errors import InvalidInputError, ModelRefusedError
from serving.hdf5.loading import Loaded
from serving.model import difference, stack
from serving.settings import Limits
from serving.signature import describe


def read_sample(path: Path | None, loaded: Loaded) -> tuple[Batch | None, Batch | None]:
    """The matrices of a sample as one batch, and the answers expected, where there are some.

    Raises:
        ModelRefusedError: it cannot be read, or is not of the model's shape.
    """
    if path is None:
        return None, None
    limits = Limits(inflated_bytes=2_000_000_000, matrix_values=100_000_000)
    try:
        with path.open("rb") as file:
            matrices = list(read_document(file, Document(loaded.input, limits=limits)))
        sample = stack(matrices, loaded.input.dtype)
    except OSError as cause:
        raise ModelRefusedError(f"sample {path}: {cause.strerror}") from cause
    except InvalidInputError as cause:
        raise ModelRefusedError(f"sample {path}: {cause}") from cause
    except ValueError as cause:
        raise ModelRefusedError(f"sample {path}: its matrices differ in shape") from cause
    return sample, _read_expected(path)


def _read_expected(path: Path) -> Batch | None:
    """The array "expected" of an npz, where there is one."""
    if not zipfile.is_zipfile(path):
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            expected = arrays.get("expected")
            return None if expected is None else np.asarray(expected, dtype=np.float64)
    except (ValueError, TypeError) as cause:
        raise ModelRefusedError(f'sample {path}: "expected" does not hold numbers') from cause


def check_expected(sample: Probe, expected: Batch) -> float:
    """How far TensorFlow's answers are from those expected.

    Raises:
        ModelRefusedError: further than tolerated.
    """
    if expected.shape != sample.answer.shape:
        raise ModelRefusedError(
            f"the sample expects answers of shape {describe(expected.shape)}, "
            f"the model gives {describe(sample.answer.shape)}"
        )
    gap = difference(sample.answer, expected)
    if not gap <= TOLERANCE:
        raise ModelRefusedError(
            f"loads, but is {gap:.3g} away from the answers that the sample expects "
            f"(tolerated: {TOLERANCE:g})"
        )
    return gap
