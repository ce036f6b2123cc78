"""Documents for tests: the same matrices in every form."""

import gzip
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from serving.documents import Document, Matrix, read_document
from serving.documents.convert import write_npz, write_xml
from serving.settings import Limits, Names
from serving.signature import TensorSpec

POINTS = 5000
FORMS = ("text", "values")


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


@contextmanager
def long_file(folder: Path, count: int, form: str, distinct: int) -> Iterator[Path]:
    """A document that is too long to hold in memory: matrices that repeat under other ids."""
    path = folder / f"long-{form}.xml"
    lines = xml(matrices(distinct), form).decode().splitlines()[1:-1]
    # Without its id.
    bodies = [line.partition(" shape=")[2] for line in lines]
    try:
        with path.open("w", encoding="utf-8") as file:
            file.write("<matrices>\n")
            for i in range(count):
                file.write(f'<matrix id="m{i}" shape={bodies[i % distinct]}\n')
            file.write("</matrices>\n")
        yield path
    finally:
        path.unlink(missing_ok=True)


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
