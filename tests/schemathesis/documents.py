"""Documents that a model takes, as strategies; of what schemathesis' own Python has: no NumPy."""

import gzip
import io
import struct
import zipfile
from math import prod
from typing import Any
from xml.sax.saxutils import quoteattr

from hypothesis import strategies as st

_WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=8)
# A few, repeated: thousands at random are slow to draw, and no other case.
_VALUES = st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=4)
_FORMS = st.sampled_from(["<f4", "<f8", ">f8"])


class Documents:
    """Strategies for a model whose matrices have a fixed shape."""

    def __init__(self, shape: list[int]) -> None:
        self.shape = shape
        self.count = prod(shape)
        binary = st.one_of(self.npy(), self.npz())
        self.by_type: dict[str, st.SearchStrategy[bytes]] = {
            "application/xml": self.xml(),
            "text/xml": self.xml(),
            "application/x-npz": self.npz(),
            "application/x-npy": self.npy(),
            "application/zip": self.npz(),
            "application/gzip": st.builds(gzip.compress, st.one_of(self.xml(), binary)),
            "application/octet-stream": st.one_of(self.xml(), binary),
        }

    def xml(self) -> st.SearchStrategy[bytes]:
        """A document of one to three matrices."""
        matrices = st.lists(st.tuples(_WORDS, _VALUES), min_size=1, max_size=3, unique_by=_first)
        return st.builds(self._xml, matrices)

    def npy(self) -> st.SearchStrategy[bytes]:
        """An array of one to three matrices."""
        return st.builds(self._npy, st.integers(1, 3), _FORMS, _VALUES)

    def npz(self) -> st.SearchStrategy[bytes]:
        """One array, whatever its name; packed or not."""
        arrays = st.dictionaries(_WORDS, self.npy(), min_size=1, max_size=1)
        return st.builds(_zip, arrays, st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))

    def one(self) -> bytes:
        """A document of one matrix."""
        return self._npy(1, "<f4", [0.5])

    def _fill(self, values: list[float], count: int) -> list[float]:
        return (values * (count // len(values) + 1))[:count]

    def _xml(self, matrices: list[tuple[str, list[float]]]) -> bytes:
        shape = " ".join(map(str, self.shape))
        lines = [
            f'<matrix id={quoteattr(name)} shape="{shape}">'
            f"{' '.join(map(repr, self._fill(values, self.count)))}</matrix>"
            for name, values in matrices
        ]
        return "\n".join(["<matrices>", *lines, "</matrices>"]).encode()

    def _npy(self, matrices: int, form: str, values: list[float]) -> bytes:
        shape = [matrices, *self.shape]
        header = f"{{'descr': '{form}', 'fortran_order': False, 'shape': {tuple(shape)}, }}\n"
        count = prod(shape)
        code = f"{form[0]}{count}{'f' if form[2] == '4' else 'd'}"
        return (
            b"\x93NUMPY\x01\x00"
            + struct.pack("<H", len(header))
            + header.encode()
            + struct.pack(code, *self._fill(values, count))
        )

    def tensor(self, name: str) -> dict[str, Any]:
        """The input of an inference request: one matrix of zeros."""
        return {
            "name": name,
            "datatype": "FP32",
            "shape": [1, *self.shape],
            "data": [0.0] * self.count,
        }

    def raw(self) -> bytes:
        """The same as bytes."""
        return bytes(4 * self.count)


def _first(pair: tuple[str, Any]) -> str:
    return pair[0]


def _zip(arrays: dict[str, bytes], compression: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in arrays.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()
