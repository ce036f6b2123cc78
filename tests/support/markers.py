"""A number that nobody else writes, in every form in which it could get into a log."""

import base64
import re
import struct
from collections.abc import Iterator
from urllib.parse import quote

import numpy as np

DIGITS = "7316495028"
NUMBER = float(DIGITS)


def _packed() -> Iterator[bytes]:
    """The number as binary documents have it, and its digits as text has them."""
    for form in ("<d", ">d", "<f", ">f", "<q", ">q"):
        yield struct.pack(form, int(NUMBER) if form[1] == "q" else NUMBER)
    yield DIGITS.encode()
    yield DIGITS.encode("utf-16-le")


def _written() -> Iterator[str]:
    single = np.float32(NUMBER)
    for value in (NUMBER, float(single)):
        yield f"{value:.0f}"
        yield f"{value:,.0f}"
        yield from (f"{value:.{digits}e}" for digits in (4, 5, 6, 9))
        yield f"{value:g}"
    yield repr(single).removeprefix("np.float32(").removesuffix(")")
    yield f"{int(NUMBER):x}"
    yield f"{int(NUMBER):b}"


def _encoded(data: bytes) -> Iterator[str]:
    yield data.hex()
    yield data.hex(" ")
    yield data.hex(":")
    yield quote(data)
    yield repr(data)[2:-1]
    yield repr(list(data))[1:-1]
    for shift in range(3):  # in base64 a text looks different at each of three places
        whole = base64.b64encode(b"\0" * shift + data + b"\0" * 3).decode()
        yield whole[-(-shift * 4 // 3) : (shift + len(data)) * 4 // 3]


def _needles() -> set[str]:
    packed = {text for data in _packed() for text in _encoded(data)}
    # What is shorter than this is in any log by chance.
    return {text.lower() for text in packed | set(_written()) if len(text) >= 8}


NEEDLES = sorted(_needles())
_ANY = re.compile("|".join(map(re.escape, NEEDLES)))


def found(output: str) -> list[str]:
    """Where the number is in an output, with what is around it; whatever the case of its letters.

    A raw byte that is no text is looked for as well: read the output as Latin-1.
    """
    text = output.lower()
    hits = [match.start() for match in _ANY.finditer(text)]
    hits += [text.find(_raw(data)) for data in _packed() if _raw(data) in text]
    return [output[max(at - 60, 0) : at + 60] for at in hits]


def _raw(data: bytes) -> str:
    return data.decode("latin-1").lower()
