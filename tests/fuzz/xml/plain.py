"""A second reader of XML documents: ElementTree and float(), and the rules of docs/document.md.

It shares no code with the one that it is held against, but for expat below both.
"""

import re
from dataclasses import dataclass, field
from math import isfinite, prod
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers import expat

import numpy as np
from defusedxml import DefusedXmlException, ElementTree

from serving.settings import Limits

Shape = tuple[int | None, ...]

_ENCODINGS = {"utf-8", "utf-16", "iso-8859-1", "us-ascii"}
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_SHAPE = re.compile(r"[0-9]{1,9}([ ,]+[0-9]{1,9})*", re.ASCII)
_BLANKS = " \t\r\n"
_BEFORE = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"  # of any encoding
_MOST_BYTES, _MOST_TAGS = 8_000_000, 200_000


class WrongError(Exception):
    """It is no document that is read here."""


class UnknownError(Exception):
    """It may be one, and this reader does not say."""


@dataclass(frozen=True, slots=True)
class Found:
    """A matrix."""

    id: str
    shape: tuple[int, ...]
    values: bytes
    line: int | None = None


@dataclass(slots=True)
class Reading:
    """What a document means.

    Attributes:
        doubts: why another reader may refuse it.
        lines: of the matrices by their ids, as far as it is XML.
    """

    matrices: list[Found] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    lines: dict[str, set[int]] = field(default_factory=dict)

    def doubt(self, why: str, if_so: bool = True) -> None:
        """Note one."""
        if if_so:
            self.doubts.append(why)


class _Plain:
    """Expat's own events, without namespaces: the lines, and a tree where those are wrong."""

    def __init__(self, content: bytes) -> None:
        self.declared: str | None = None
        self.places: list[tuple[str, int]] = []
        self.root: Element | None = None
        self._inside = 0
        self._builder = TreeBuilder()
        self._expat = expat.ParserCreate()
        self._expat.buffer_text = True
        self._expat.ordered_attributes = False
        self._expat.XmlDeclHandler = self._declare
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._builder.data
        self._expat.StartDoctypeDeclHandler = self._refuse
        try:
            self._expat.Parse(content, True)
            self.root = self._builder.close()
        except (expat.ExpatError, WrongError, ValueError, LookupError):
            self.root = None

    def _declare(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self.declared = encoding

    def _refuse(self, *_: Any) -> None:
        raise WrongError("a DTD")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._inside or _local(name) == "matrix":
            self._inside += 1
        if self._inside == 1:
            place = _id(attributes, len(self.places)), self._expat.CurrentLineNumber
            self.places.append(place)
        self._builder.start(name, attributes)

    def _end(self, name: str) -> None:
        self._inside = max(0, self._inside - 1)
        self._builder.end(name)


def read(content: bytes, shape: Shape, limits: Limits, reading: Reading) -> None:
    """Read XML, in bytes that are not packed.

    Raises:
        WrongError: it is not a document.
        UnknownError: there is more of it than this reader has the patience for.
    """
    if len(content) > _MOST_BYTES or content.count(b"<") > _MOST_TAGS:
        raise UnknownError("long")
    plain = _Plain(content)
    for id, line in plain.places:
        reading.lines.setdefault(id, set()).add(line)
    root = _tree(content, plain)
    if plain.declared is not None and plain.declared.lower() not in _ENCODINGS:
        raise WrongError("an encoding that is not read")
    reading.doubt("many blanks before it", not content[:1_000].strip(_BEFORE))
    reading.doubt("a long tag", len(content) > 1_000_000)
    reading.doubt("limits: markup", len(content) > limits.markup_bytes)
    reading.doubt("limits: tags", content.count(b"<") > limits.tags)
    elements = _matrices(root, limits)
    if not elements:
        raise WrongError("no matrix")
    if len(elements) > limits.matrices:
        raise WrongError("limits: matrices")
    for position, (element, place) in enumerate(zip(elements, plain.places, strict=True)):
        reading.doubt("a long shape", len(element.attrib.get("shape", "")) > 200)
        found = _matrix(element, position, shape, limits, place[1])
        reading.matrices.append(found)
    if len({found.id for found in reading.matrices}) < len(elements):
        raise WrongError("an id twice")


def _tree(content: bytes, plain: _Plain) -> Element:
    """What ElementTree makes of it; where only the namespaces are wrong, what expat does."""
    try:
        root: Element = ElementTree.fromstring(content, forbid_dtd=True)
    except ParseError as cause:
        if b":" not in content or plain.root is None:
            raise WrongError("not well-formed") from cause
        return plain.root
    except DefusedXmlException as cause:
        raise WrongError("a DTD") from cause
    except (ValueError, LookupError) as cause:
        raise WrongError("an encoding that nobody reads") from cause
    names = (name.rpartition("}")[2] for each in root.iter() for name in (each.tag, *each.attrib))
    if any(":" in name for name in names) and plain.root is not None:
        return plain.root  # of two colons, namespaces mean something else
    return root


def _local(name: str) -> str:
    return name.rpartition("}")[2].rpartition(":")[2]


def _matrices(root: Element, limits: Limits) -> list[Element]:
    """The outermost elements of that name, in order."""
    found: list[Element] = []
    waiting = [(root, 1, False)]
    while waiting:
        element, depth, is_inside = waiting.pop()
        if depth > limits.depth:
            raise WrongError("limits: depth")
        is_matrix = _local(element.tag) == "matrix"
        if is_matrix and not is_inside:
            found.append(element)
        waiting += [(child, depth + 1, is_inside or is_matrix) for child in reversed(element)]
    return found


def _id(attributes: dict[str, str], position: int) -> str:
    if "id" in attributes:
        return attributes["id"]
    for name, value in attributes.items():
        if _local(name) == "id" and name.rpartition(":")[0] != "xmlns":
            return value
    return str(position)


def _matrix(element: Element, position: int, shape: Shape, limits: Limits, line: int) -> Found:
    id = _id(element.attrib, position)
    check_id(id, limits)
    texts = _texts(element)
    if shape.count(None) and len(texts) > limits.matrix_values:
        raise WrongError("limits: values")
    if any(len(text) > 1_000 for text in texts):
        raise WrongError("limits: a number")
    if not all(map(_NUMBER.fullmatch, texts)):
        raise WrongError("not a number")
    values = [float(text) for text in texts]
    if not all(map(isfinite, values)):
        raise WrongError("beyond a double")
    stated = _stated(element.attrib["shape"]) if "shape" in element.attrib else None
    return Found(id, fitted(len(values), shape, stated), np.array(values, "f8").tobytes(), line)


def _texts(element: Element) -> list[str]:
    """The numbers as they are written, in one form or the other."""
    outside = [element.text or "", *(child.tail or "" for child in element)]
    if len(element) == 0:
        return [text for text in re.split(f"[{_BLANKS}]+", outside[0]) if text]
    if any(text.strip(_BLANKS) for text in outside):
        raise WrongError("text beside values")
    if any(_local(child.tag) != "value" or len(child) for child in element):
        raise WrongError("another element in a matrix")
    return [(child.text or "").strip(_BLANKS) for child in element]


def _stated(text: str) -> tuple[int, ...]:
    text = text.strip()
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1].strip().removesuffix(",")
    if not _SHAPE.fullmatch(text):
        raise WrongError("a shape that is none")
    return tuple(map(int, re.split("[ ,]+", text)))


def check_id(id: str, limits: Limits) -> None:
    """Raises WrongError: it is empty, long, or not text."""
    if not id or len(id) > limits.id_characters:
        raise WrongError("an id that is none")
    if re.search("[\ud800-\udfff]", id):
        raise WrongError("an id that is not text")


def fitted(count: int, wanted: Shape, stated: tuple[int, ...] | None) -> tuple[int, ...]:
    """The shape of so many values; raises WrongError where there is none."""
    known = prod(n for n in wanted if n is not None)
    if stated is not None:
        is_wanted = len(stated) == len(wanted) and all(
            n in (None, m) for n, m in zip(wanted, stated, strict=True)
        )
        if not is_wanted or prod(stated) != count or count == 0:
            raise WrongError("another shape")
        return stated
    if wanted.count(None) > 1:
        raise WrongError("no shape")
    if (count == 0 or count % known) if None in wanted else count != known:
        raise WrongError("too few or too many values")
    return tuple(count // known if n is None else n for n in wanted)
