"""Documents for tests: the same matrices in every form."""

import gzip
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from serving.documents import Document, Matrix, read_document
from serving.documents.convert import write_npz, write_xml
from serving.settings import Limits, Names
from serving.signature import TensorSpec

POINTS = 5000


def read(
    content: bytes,
    shape: tuple[int | None, ...] = (3,),
    *,
    names: Names | None = None,
    **limits: int,
) -> list[Matrix]:
    """Every matrix of a document, for a model that takes matrices of `shape`."""
    document = Document(TensorSpec(shape, "float64"), names or Names(), Limits(**limits))
    return list(read_document(io.BytesIO(content), document))


def matrices(
    count: int, shape: tuple[int, ...] = (POINTS, 1), *, decimals: int = 17
) -> list[Matrix]:
    """Random matrices, called "m0", "m1" and so on."""
    rng = np.random.default_rng(1)
    return [Matrix(f"m{i}", np.round(rng.standard_normal(shape), decimals)) for i in range(count)]


def xml(contents: Sequence[Matrix], form: str = "text") -> bytes:
    """The canonical document."""
    file = io.StringIO()
    write_xml(file, contents, (form,))
    return file.getvalue().encode()


def npz(contents: Sequence[Matrix]) -> bytes:
    """The same as npz, with ids."""
    file = io.BytesIO()
    write_npz(file, contents)
    return file.getvalue()


def npy(array: Any) -> bytes:
    """An array as npy."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def every_form(contents: Sequence[Matrix]) -> dict[str, tuple[bytes, dict[str, str]]]:
    """Each form of a document, with the headers that go with it."""
    text, values = xml(contents), xml(contents, "values")
    plain, packed = {"content-type": "application/xml"}, {"content-encoding": "gzip"}
    return {
        "text": (text, plain),
        "values": (values, plain),
        "text, gzip": (gzip.compress(text), plain | packed),
        "values, gzip": (gzip.compress(values), plain | packed),
        "gzip by content": (gzip.compress(text), {"content-type": "application/gzip"}),
        "npz": (npz(contents), {"content-type": "application/x-npz"}),
    }


def one(values: str, attributes: str = "") -> bytes:
    """A document of one matrix."""
    return f"<matrices><matrix{attributes}>{values}</matrix></matrices>".encode()
