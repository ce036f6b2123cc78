"""A long run of numbers in the bytes of a document, converted at once.

Everything here answers None for what is not plainly a run of numbers that it knows: the caller's
slow reader then says what it is. What is converted is what the slow reader of XML (`collector`,
`numbers`) gives.
"""

import re
from collections.abc import Iterator

import numpy as np
import simdjson

from serving.documents.numbers import LONGEST_NUMBER
from serving.signature import Float64Array

_BLANKS = b" \t\r\n"
_NUMERALS = b"0123456789+-.eE"


def _table(kept: bytes, to_commas: bytes = b"") -> bytes:
    """For bytes.translate: what is neither kept nor a comma becomes what no JSON parser takes."""
    table = bytearray(b"!" * 256)
    for byte in kept:
        table[byte] = byte
    for byte in to_commas:
        table[byte] = ord(",")
    return bytes(table)


_OF_TEXT = _table(_NUMERALS, to_commas=_BLANKS)
_OF_ELEMENTS = _table(_NUMERALS + _BLANKS + b",")
_PLAIN = b"0123456789+-."
_OF_PLAIN = bytes(b if b in _PLAIN else ord(",") if b == ord("/") else ord(" ") for b in range(256))
_BLOCK_BYTES = 262_144  # simdjson takes about ten times the memory of what it reads
# Integers, to JSON, have no negative zero; to XML Schema they have.
_NEGATIVE_ZEROS = tuple(b"-0" + end for end in (b",", b"]", b" ", b"\t", b"\r", b"\n"))


class NumberReader:
    """Converts numbers between commas; holds the memory that the conversion needs."""

    def __init__(self) -> None:
        self._parser = simdjson.Parser()

    def read(self, joined: bytes) -> Float64Array | None:
        """The numbers, by a JSON parser; what it takes for one is a part of xs:double."""
        if _has_long_number(joined):
            return None
        blocks: list[Float64Array] = []
        for block in _blocks(joined):
            numbers = self._block(b"[%b]" % block)
            if numbers is None:
                return None
            blocks.append(numbers)
        return np.concatenate(blocks) if len(blocks) != 1 else blocks[0]

    def _block(self, array: bytes) -> Float64Array | None:
        try:
            parsed = self._parser.parse(array)
            if not isinstance(parsed, simdjson.Array):
                return None
            numbers = np.frombuffer(parsed.as_buffer(of_type="d"))
        except (ValueError, RuntimeError, TypeError):  # whatever it finds wrong
            return None
        if (numbers == 0).any() and any(zero in array for zero in _NEGATIVE_ZEROS):
            return None
        return numbers


class RunReader:
    """Converts runs.

    Args:
        value: the local name of the element around one number.
    """

    def __init__(self, value: str) -> None:
        self._numbers = NumberReader().read
        self._opening = re.compile(
            rb"[ \t\r\n]*<((?:[A-Za-z_][\w.-]*:)?" + re.escape(value.encode()) + rb")>"
        )

    def text(self, run: bytes) -> Float64Array | None:
        """The numbers of a run separated by blanks."""
        joined = run.strip(_BLANKS).translate(_OF_TEXT)
        numbers = self._numbers(joined)
        if numbers is None and b",," in joined:  # more than one blank between two numbers
            numbers = self._numbers(b",".join(filter(None, joined.split(b","))))
        return numbers

    def values(self, run: bytes) -> Float64Array | None:
        """The numbers of a run of elements, which all look like the first two."""
        opening = self._opening.match(run)
        if opening is None or b"," in run:
            return None
        tag, closing = b"<" + opening[1] + b">", b"</" + opening[1] + b">"
        last = run.rfind(closing)
        if last < opening.end() or run[last + len(closing) :].strip(_BLANKS):
            return None
        first = run.find(closing)
        second = run.find(b"<", first + len(closing))
        between = run[first + len(closing) : second] if second > 0 else b""
        if between.strip(_BLANKS):
            return None
        body, separator = run[opening.end() : last], closing + between + tag
        if not body.strip(_BLANKS):  # an empty element, which an empty array would hide
            return None
        joined = _blanked(body, separator)
        if joined is None:
            # A "<" that is left was something else, and becomes what no parser takes.
            joined = body.replace(separator, b",").translate(_OF_ELEMENTS)
        return self._numbers(joined)


def _blanked(body: bytes, separator: bytes) -> bytes | None:
    """Numbers with blanks and a comma where the separators stand: half the time of replacing them.

    None where there is anything but separators and numbers of digits, signs, points and exponents.
    Proven by counting: the separators, and the characters that nothing else may hold.
    """
    if len(separator.translate(None, _PLAIN)) < len(separator):
        return None
    count = body.count(separator)
    characters = np.frombuffer(body, dtype=np.uint8)
    # From "+" to "9" there are, beside the plain ones, the comma, which was excluded, and "/".
    is_plain = characters - np.uint8(ord("+")) < 15
    others = len(body) - int(np.count_nonzero(is_plain)) - count * (len(separator) - 1)
    if int(np.count_nonzero(characters == ord("/"))) != count:
        return None
    if others == 0:
        return body.translate(_OF_PLAIN)
    # In a separator no plain character follows an "e".
    exponents = np.flatnonzero((characters[:-1] | 0x20 == ord("e")) & is_plain[1:])
    if others != len(exponents):
        return None
    joined = np.frombuffer(bytearray(body.translate(_OF_PLAIN)), dtype=np.uint8)
    joined[exponents] = ord("e")
    return joined.tobytes()


def _has_long_number(joined: bytes) -> bool:
    last_comma = joined.rfind
    start, end = 0, len(joined) - LONGEST_NUMBER
    while start < end:
        start = last_comma(b",", start, start + LONGEST_NUMBER) + 1
        if start == 0:
            return True
    return False


def _blocks(joined: bytes) -> Iterator[bytes]:
    """Pieces that end before a comma."""
    start = 0
    while len(joined) - start > _BLOCK_BYTES:
        end = joined.rfind(b",", start, start + _BLOCK_BYTES)
        yield joined[start:end]
        start = end + 1
    yield joined[start:]
