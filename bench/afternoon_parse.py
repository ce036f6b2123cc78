"""The XML document as one would read it in an afternoon: the whole tree, then float()."""

from collections.abc import Iterator
from typing import BinaryIO
from xml.etree.ElementTree import Element

from defusedxml import ElementTree


def numbers(matrix: Element) -> list[float]:
    """The values of a <matrix>, in either form."""
    if len(matrix):
        return [float(value.text or "") for value in matrix]
    return [float(text) for text in (matrix.text or "").split()]


def parse(content: bytes) -> tuple[list[str], list[list[float]]]:
    """The ids and the values of every matrix."""
    matrices = ElementTree.fromstring(content).findall("matrix")
    ids = [matrix.get("id", str(i)) for i, matrix in enumerate(matrices)]
    return ids, [numbers(matrix) for matrix in matrices]


def stream(file: BinaryIO) -> Iterator[list[float]]:
    """The same for a document that does not fit into memory: a matrix is forgotten once read."""
    root = None
    for event, element in ElementTree.iterparse(file, events=("start", "end")):
        if root is None:
            root = element
        if event == "end" and element.tag == "matrix":
            yield numbers(element)
            root.clear()
