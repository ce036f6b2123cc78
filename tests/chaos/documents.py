"""What is sent: good documents in every form, bad ones of every kind, and what each must end in."""

import gzip
import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np

from predict.answer import to_json
from predict.problems import explain, to_bytes
from serving.documents import Document, Matrix, read_document
from serving.errors import InvalidInputError
from serving.model import Model, predict_all
from serving.settings import Limits
from tests.chaos.bundle import BATCH_SIZE, VALUES
from tests.support.documents import npy, npz, one, xml

# Among the values of each document, the bad ones included; no log may hold it.
MARKER = 0.7654321987
_ANY_SIZE = 10**10


@dataclass(frozen=True, slots=True)
class Expected:
    """The result that a document must have: its status, and the SHA-256 of its bytes."""

    status: int
    sha256: str


def _matrices(rng: Random, count: int) -> list[Matrix]:
    values = np.random.default_rng(rng.getrandbits(64)).standard_normal((count, VALUES))
    values[:, 0] = MARKER
    return [Matrix(f"é{i}" if i % 3 else f"m {i}", row) for i, row in enumerate(values)]


_FORMS: dict[str, Callable[[list[Matrix]], bytes]] = {
    "XML": xml,
    "XML with value elements": lambda given: xml(given, "values"),
    "XML, gzip": lambda given: gzip.compress(xml(given)),
    "npz": npz,
}


def good(rng: Random, count: int) -> tuple[str, bytes]:
    """A document of so many matrices, in any form."""
    form = rng.choice(list(_FORMS))
    return form, _FORMS[form](_matrices(rng, count))


def _numbers(rng: Random, *, count: int = VALUES, last: str = "") -> str:
    numbers = [str(MARKER), *(str(rng.gauss(0, 1)) for _ in range(count - 1))]
    return " ".join([*numbers[: -1 if last else None], *([last] if last else [])])


def _twice(rng: Random) -> bytes:
    matrix = f'<matrix id="x">{_numbers(rng)}</matrix>'
    return f"<matrices>\n{matrix}\n{matrix}\n</matrices>".encode()


def _late(rng: Random) -> bytes:
    """Wrong in its last matrix, when parts of its result are written already."""
    return xml(_matrices(rng, 400)).rpartition(b"</matrix>")[0] + b" high</matrix></matrices>"


BAD: dict[str, Callable[[Random], bytes]] = {
    "empty": lambda _: b"",
    "text, no XML": lambda rng: f"{MARKER} {rng.random()}".encode(),
    "an element left open": lambda rng: f"<a>\n<matrix>{_numbers(rng)}</a>".encode(),
    "cut short": lambda rng: xml(_matrices(rng, 3))[:-30],
    "a DTD": lambda rng: b'<!DOCTYPE a [<!ENTITY b "c">]>' + one(_numbers(rng)),
    "no matrix": lambda rng: f"<matrices><!-- {rng.random()} --></matrices>".encode(),
    "a value too few": lambda rng: one(_numbers(rng, count=VALUES - 1)),
    "NaN": lambda rng: one(_numbers(rng, last="NaN")),
    "infinity": lambda rng: one(_numbers(rng, last="INF")),
    "a word among the numbers": lambda rng: one(_numbers(rng, last="high")),
    "a number over the range of float32": lambda rng: one(_numbers(rng, last="1e300")),
    "an id used twice": _twice,
    "damaged gzip": lambda rng: gzip.compress(xml(_matrices(rng, 2)))[:-9],
    "gzip in gzip": lambda rng: gzip.compress(gzip.compress(one(_numbers(rng)))),
    "npz: another shape": lambda rng: npy(np.full((2, 40), MARKER + rng.random())),
    "npz: half of it": lambda rng: npz(_matrices(rng, 2))[:-300],
    "wrong in its last matrix": _late,
}


def expect(content: bytes, model: Model) -> Expected:
    """What the inline path gives for a document."""
    document = Document(
        model.spec, limits=Limits(inflated_bytes=_ANY_SIZE, markup_bytes=_ANY_SIZE, tags=_ANY_SIZE)
    )
    try:
        matrices = read_document(io.BytesIO(content), document)
        result = to_json(model, predict_all(matrices, model, BATCH_SIZE), _ANY_SIZE)
        status = 200
    except InvalidInputError as fault:
        problem = explain(fault)
        result, status = to_bytes(problem), problem["status"]
    return Expected(status, hashlib.sha256(result).hexdigest())
