"""What is sent: requests of every form, size and fault, drawn by weight from a seed."""

import gzip
import io
import json
import random
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from local.event import Event, http_event
from serving.documents import Matrix
from tests.support.documents import matrices, npy, npz, one, xml
from tests.support.inference import INFER, LENGTH, Sent, binary, flat

_XML, _NPZ = {"content-type": "application/xml"}, {"content-type": "application/x-npz"}
_GZIP = {"content-encoding": "gzip"}
_DTD = b'<!DOCTYPE a [<!ENTITY b "%s">]><a>&b;</a>'


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        kind: what the counts are by.
        status: that it is answered with.
        weight: how often it is drawn, beside the others.
    """

    kind: str
    event: Event
    status: int
    weight: float


def mix(seed: int) -> Iterator[Request]:
    """Requests without end; the first are one of each."""
    rng, requests = random.Random(seed), [*_predictions(), *_refusals(), *_others()]
    weights = [request.weight for request in requests]
    yield from rng.sample(requests, len(requests))
    while True:
        yield from rng.choices(requests, weights, k=100)


def _predictions() -> Iterator[Request]:
    """1 to 32 matrices in each form; the larger, the rarer."""
    for count in (1, 2, 3, 5, 8, 13, 20, 32):
        given = matrices(count)
        text, values = xml(given), xml(given, "values")
        bodies = {
            "XML, text": (text, _XML),
            "XML, elements": (values, _XML),
            "XML, gzip": (gzip.compress(text, 1), _XML | _GZIP),
            "npz": (npz(given), _NPZ),
        }
        for kind, (body, headers) in bodies.items():
            yield Request(
                kind, http_event("POST", "/predictions", body, headers), 200, 4 / count**1.3
            )
        yield _v2("v2, JSON", flat(_array(given)), 200, 4 / count**1.3)
        yield _v2("v2, bytes", binary(_array(given)), 200, 4 / count**1.3)


def _array(given: list[Matrix]) -> np.ndarray:
    return np.stack([matrix.values for matrix in given])


def _v2(kind: str, sent: Sent, status: int, weight: float) -> Request:
    body, headers = sent
    # As clients send it: bytes behind JSON are no text.
    typed = {} if LENGTH in headers else {"content-type": "application/json"}
    return Request(kind, http_event("POST", INFER, body, headers | typed), status, weight)


def _refusals() -> Iterator[Request]:
    bodies: dict[str, tuple[bytes, dict[str, str], int]] = {
        "too few values": (one("1 2", ' id="a7"'), _XML, 422),
        "no number": (one("1 x " * 2500), _XML, 422),
        "NaN": (one("nan " * 5000), _XML, 422),
        "not well-formed": (b"<matrices><matrix>1 2", _XML, 400),
        "empty": (b"", _XML, 400),
        "another type": (b"{}", {"content-type": "text/csv"}, 415),
        "entities": (_DTD % (b"x" * 1000), _XML, 400),
        "nested": (b"<a>" * 5000 + b"</a>" * 5000, _XML, 413),
        "attributes": (b"<a " + b" ".join(b'a%d="1"' % i for i in range(9999)) + b"/>", _XML, 422),
        "one endless number": (one("1" * 500_000), _XML, 413),
        "damaged gzip": (gzip.compress(b"<a/>")[:-3], _XML | _GZIP, 400),
        "damaged npz": (npz(matrices(1))[:-30], _NPZ, 400),
        "pickle": (npy(np.array([{}], dtype=object)), {"content-type": "application/x-npy"}, 400),
        "too long": (b" " * 6_000_001, _XML, 413),
    }
    for kind, (body, headers, status) in bodies.items():
        weight = 0.1 if len(body) > 1_000_000 else 2
        event = http_event("POST", "/predictions", body, headers)
        yield Request(f"refused: {kind}", event, status, weight)
    for kind, (body, headers) in _bombs().items():
        yield Request(f"bomb: {kind}", http_event("POST", "/predictions", body, headers), 413, 0.1)
    wrong: Sent = json.dumps({"inputs": []}).encode(), {}
    yield _v2("refused: v2 without an input", wrong, 400, 1)
    yield _v2("refused: v2 of another shape", flat(np.zeros((1, 3))), 400, 1)


def _bombs() -> dict[str, tuple[bytes, dict[str, str]]]:
    """Small when they come; 70 MB and more when they are unpacked."""
    archive = io.BytesIO()
    with (
        zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file,
        file.open("matrices.npy", "w") as member,
    ):
        np.lib.format.write_array_header_1_0(
            member, {"descr": "<f8", "fortran_order": False, "shape": (2_000, 5000, 1)}
        )
        for _ in range(80):
            member.write(bytes(1_000_000))
    blanks = gzip.compress(b"<matrices>" + b" " * 70_000_000)
    return {"gzip": (blanks, _XML | _GZIP), "npz": (archive.getvalue(), _NPZ)}


def _others() -> Iterator[Request]:
    for path in ("/health/live", "/health/ready", "/limits", "/openapi.json", "/v2/models/demo"):
        yield Request(path, http_event("GET", path), 200, 3)
    yield Request("nowhere", http_event("GET", "/nowhere"), 404, 1)
    yield Request("another method", http_event("PUT", "/predictions"), 405, 1)
    broken = http_event("POST", "/predictions", b"<a/>", _XML | _GZIP) | {"body": "%%%"}
    yield Request("refused: no base64", broken, 400, 1)
