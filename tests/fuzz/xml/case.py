"""A document in its parts, so that each can be changed alone, and its form as a file."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from serving.settings import Limits
from serving.signature import TensorSpec
from tests.fuzz.packing import PACK
from tests.fuzz.xml.arrays import Array, npy, npz

SHAPES: dict[str, tuple[int | None, ...]] = {
    "three": (3,),
    "sheet": (2, 2),
    "open": (None,),
    "pairs": (None, 2),
    "any": (None, None),
    "number": (),
    "long": (120,),
}
LIMITS = {
    "default": Limits(matrices=100_000),  # all of them are held, to be compared
    "low": Limits(
        inflated_bytes=4_000,
        markup_bytes=2_000,
        matrices=4,
        matrix_values=150,
        id_characters=12,
        depth=6,
    ),
}
FORMATS = ("xml", "npy", "npz")
_ENCODE: dict[str, Callable[[str], bytes]] = {
    "utf-16": lambda text: text.encode("utf-16", "surrogatepass"),
    "utf-16 without mark": lambda text: text.encode("utf-16-le", "surrogatepass"),
    "utf-16, large end first": lambda text: text.encode("utf-16-be", "surrogatepass"),
    "utf-16, mark, large end first": lambda text: ("\ufeff" + text).encode(
        "utf-16-be", "surrogatepass"
    ),
    "utf-8 with mark": lambda text: text.encode("utf-8-sig", "surrogatepass"),
    "utf-32": lambda text: text.encode("utf-32", "surrogatepass"),
    "iso-8859-1": lambda text: text.encode("iso-8859-1", "replace"),
    "us-ascii": lambda text: text.encode("ascii", "xmlcharrefreplace"),
    "utf-7": lambda text: text.encode("utf-7", "replace"),
    "cp037": lambda text: text.encode("cp037", "replace"),
}
ENCODINGS = ("", *_ENCODE)
_MOST_BYTES = 70_000_000
_MOST_PLAIN_BYTES = 8_000_000  # of what is not packed


@dataclass(frozen=True, slots=True)
class Case:
    """A document, and how it is read.

    Attributes:
        shape, limits: by name: what the model takes, and what is too much.
        text: the XML, in UTF-8 unless it is damaged.
        arrays: of an npz, by name; an npy is the first.
        method: how the members of an npz are packed: a number of the zip format.
        repeat: (start, end, times): a part of the text that is there many times.
        encoding: what the text becomes; what it declares is in itself.
        chunk_bytes, shortest_run_bytes: how the reader of XML is set; None: as it is.
        source_bytes: how much the file gives at once; None: as much as it is asked for.
        packings: are applied one after the other.
        edits: (position, dropped bytes, inserted bytes) of what was packed.
    """

    format: str = "xml"
    shape: str = "three"
    limits: str = "default"
    text: bytes = b""
    arrays: tuple[tuple[str, Array], ...] = ()
    method: int = 0
    repeat: tuple[int, int, int] | None = None
    encoding: str = ""
    chunk_bytes: int | None = None
    shortest_run_bytes: int | None = None
    source_bytes: int | None = None
    packings: tuple[str, ...] = ()
    edits: tuple[tuple[int, int, bytes], ...] = ()

    def to_bytes(self) -> bytes:
        """As a file, which a person can read."""
        parts = {name: value for name, value in asdict(self).items() if value not in (None, (), "")}
        return json.dumps(
            parts, indent=1, default=lambda data: {"bytes": data.decode("latin-1")}
        ).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Case | None":
        """Read a file; None for one that holds no case."""
        try:
            parts = json.loads(content, object_hook=_parts)
            case = cls(**{name: _frozen(value) for name, value in parts.items()})
            known = {*case.packings} <= {*PACK} and case.format in FORMATS
            return case if known and case.shape in SHAPES and case.limits in LIMITS else None
        except (ValueError, TypeError, AttributeError):
            return None

    @property
    def spec(self) -> TensorSpec:
        """What one matrix looks like to the model."""
        return TensorSpec(SHAPES[self.shape], "float64")

    @property
    def named_limits(self) -> Limits:
        """What is too much."""
        return LIMITS[self.limits]

    @property
    def size_bytes(self) -> int:
        """How much it is once it is unpacked."""
        size = len(self.text) + sum(len(array.data) * array.times for _, array in self.arrays)
        if self.repeat is not None:
            start, end, times = self.repeat
            size += len(self.text[start:end]) * max(0, times - 1)
        return min(size, self._most_bytes)

    @property
    def _most_bytes(self) -> int:
        return _MOST_BYTES if self.packings else _MOST_PLAIN_BYTES

    def content(self) -> bytes:
        """What is read: encoded, packed, and damaged."""
        content = self._plain()
        for packing in self.packings:
            content = PACK[packing](content)
        for position, dropped, inserted in self.edits:
            start = position % (len(content) + 1)
            content = content[:start] + inserted + content[start + dropped :]
        return content

    def _plain(self) -> bytes:
        if self.format == "npz":
            return npz(self.arrays, self.method)
        if self.format == "npy":
            return npy(self.arrays[0][1]) if self.arrays else b""
        text = self.text
        if self.repeat is not None:
            start, end, times = self.repeat
            times = min(times, self._most_bytes // max(1, end - start))
            text = text[:start] + text[start:end] * times + text[end:]
        if self.encoding not in _ENCODE:
            return text
        return _ENCODE[self.encoding](text.decode(errors="replace"))


def _parts(content: dict[str, Any]) -> Any:
    if set(content) == {"bytes"}:
        return content["bytes"].encode("latin-1")
    return Array(**content) if "header" in content else content


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
