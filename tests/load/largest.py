"""The largest documents that one request may carry."""

import gzip
from typing import Any

import numpy as np

from local.event import Event, http_event
from serving.documents import Matrix
from tests.support.documents import matrices, npz, xml
from tests.support.inference import INFER, LENGTH, binary, flat

COUNT = 32
_TEXT_BYTES, _UNPACKED_BYTES, _BINARY_BYTES = 6_000_000, 16_000_000, 4_500_000
_GZIP = {"content-encoding": "gzip"}
_XML = {"content-type": "application/xml"}


def document(given: list[Matrix], size: int, form: str) -> bytes:
    """A document of exactly that many bytes: as many digits and blanks as fit."""
    opening, closing = {"text": ("", " "), "values": ("<value>", "</value>")}[form]
    count = sum(matrix.values.size for matrix in given)
    width = (size - 100 * len(given)) // count - len(opening) - len(closing)
    bodies = (
        "".join(f"{opening}{value:.17f}".ljust(width, "0") + closing for value in row)
        for row in (matrix.values.ravel() for matrix in given)
    )
    text = "".join(f"<matrix>{body}</matrix>" for body in bodies)
    return f"<matrices>{text}".encode().ljust(size - len("</matrices>")) + b"</matrices>"


def largest(model: str) -> dict[str, Event]:
    """The largest legal document of 32 matrices in each form, and the largest of many."""
    given = matrices(COUNT)
    packed = {
        "text of 16 MB, packed": document(given, _UNPACKED_BYTES, "text"),
        "elements of 16 MB, packed": document(given, _UNPACKED_BYTES, "values"),
        "300 matrices, packed": xml(matrices(300, decimals=1)),
    }
    bodies: dict[str, tuple[str, bytes, dict[str, str]]] = {
        "text of 6 MB": ("/predictions", document(given, _TEXT_BYTES, "text"), _XML),
        "npz": ("/predictions", npz(given), {"content-type": "application/x-npz"}),
        "v2, bytes": (INFER, *binary(_array(given))),
        "v2, JSON": (INFER, *flat(_array(given))),
    } | {kind: ("/predictions", gzip.compress(body), _XML | _GZIP) for kind, body in packed.items()}
    for kind, (path, body, headers) in bodies.items():
        is_text = kind in {"text of 6 MB", "v2, JSON"}
        assert len(body) <= (_TEXT_BYTES if is_text else _BINARY_BYTES), kind
        if path == INFER:
            path = path.replace("demo", model)
            if LENGTH not in headers:
                headers = {"content-type": "application/json"}
        bodies[kind] = path, body, headers
    return {kind: http_event("POST", *request) for kind, request in bodies.items()}


def _array(given: list[Matrix]) -> Any:
    return np.stack([matrix.values for matrix in given])
