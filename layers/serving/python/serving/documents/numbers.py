"""Text to numbers: exactly the finite xs:double of XML Schema, nothing that Python adds to it."""

import re
from array import array
from typing import NoReturn

import numpy as np

from serving.errors import InvalidInputError, TooLargeError
from serving.signature import Float64Array

# XML Schema Part 2, 3.3.5 (double), without INF and NaN.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
# float() also takes "1_000", digits of other scripts, "nan" and "infinity", and split() takes
# blanks that XML has not: with these characters alone, both do what XML Schema says.
_PLAIN = re.compile(r"[0-9eE+.\- \t\r\n]*", re.ASCII)
_BLANKS = " \t\r\n"
_RUN_OF_BLANKS = re.compile(r"[ \t\r\n]+")
LONGEST_NUMBER = 1_000  # characters
_SHOWN = 40


class Numbers:
    """Collects the values of one matrix, from either form, in bounded memory.

    Args:
        expected: how many values there must be, where the model says so.
        limit: how many there may be where it does not.
    """

    def __init__(self, expected: int | None, limit: int) -> None:
        self.values = array("d")
        self._all: Float64Array | None = None
        self._expected = expected
        self._most = limit if expected is None else expected
        self._tail = ""

    def take_all(self, values: Float64Array) -> bool:
        """Take every value of the matrix, all finite; False where there are more than may be."""
        if len(values) > self._most:
            return False
        self._all = values
        return True

    def add_text(self, text: str, *, last: bool = False) -> None:
        """Take a piece of blank-separated text; a number may be cut by the end of the piece."""
        text = self._tail + text
        if not last and text and text[-1] not in _BLANKS:
            text, self._tail = _cut(text)
        else:
            self._tail = ""
        if text:
            self._extend(text)
        if len(self._tail) > LONGEST_NUMBER:
            self._refuse_first([self._tail])

    def extend_value(self, text: str, piece: str) -> str:
        """The text of a value element so far, with another piece of it."""
        # One blank stands for many: "1 2" must not become "12", nor blanks fill the memory.
        text = _RUN_OF_BLANKS.sub(" ", text + piece).lstrip(" ")
        if len(text.rstrip(" ")) > LONGEST_NUMBER:
            self._refuse_long(len(self.values))
        return text

    def add_value(self, text: str) -> None:
        """Take the text of one value element."""
        try:
            if len(self.values) == self._most or len(text) > LONGEST_NUMBER:
                raise ValueError
            if not _PLAIN.fullmatch(text):
                raise ValueError
            self.values.append(float(text))
        except ValueError:
            number = _RUN_OF_BLANKS.sub(" ", text).strip(" ")
            self._refuse_first([number])
            self.values.append(float(number))

    def finish(self) -> Float64Array:
        """All values, once the last piece was taken."""
        self.add_text("", last=True)
        if self._all is not None:
            return self._all
        values: Float64Array = np.frombuffer(self.values, dtype=np.float64)
        if not (finite := np.isfinite(values)).all():
            raise InvalidInputError(
                f"value {int(np.argmin(finite))} is too large for a double (1.8e308)"
            )
        return values

    def _extend(self, text: str) -> None:
        tokens = text.split()
        try:
            if not _PLAIN.fullmatch(text) or max(map(len, tokens), default=0) > LONGEST_NUMBER:
                raise ValueError
            numbers = list(map(float, tokens))
            if len(self.values) + len(numbers) > self._most:
                raise ValueError
        except ValueError:
            self._refuse_first(_RUN_OF_BLANKS.split(text.strip(_BLANKS)))
            raise
        self.values.extend(numbers)

    def _refuse_first(self, tokens: list[str]) -> None:
        """Refuse the first that is wrong, so that the refusal does not depend on the pieces."""
        for position, token in enumerate(tokens, len(self.values)):
            if len(token) > LONGEST_NUMBER:
                self._refuse_long(position)
            if position == self._most:
                self._refuse_more()
            if not _NUMBER.fullmatch(token):
                raise InvalidInputError(f"value {position}: {_why(token)}")

    def _refuse_more(self) -> NoReturn:
        if self._expected is not None:
            raise InvalidInputError(f"expected {self._expected} values, got more")
        raise TooLargeError(f"more than {self._most:,} values in one matrix")

    def _refuse_long(self, position: int) -> NoReturn:
        raise TooLargeError(f"value {position} has more than {LONGEST_NUMBER:,} characters")


def is_blank(text: str) -> bool:
    """Whether it is white space to XML, which is less than to Python."""
    return not text.strip(_BLANKS)


def _cut(text: str) -> tuple[str, str]:
    """What ends with a blank, and the number that may go on in the next piece."""
    end = max(text.rfind(blank) for blank in _BLANKS) + 1
    return text[:end], text[end:]


def _why(token: str) -> str:
    shown = token if len(token) <= _SHOWN else token[:_SHOWN] + "…"
    if not token:
        return "empty, expected a number"
    if token.lstrip("+-").lower() in {"nan", "inf", "infinity"}:
        return f'"{shown}" is not finite'
    if "," in token:
        return f'"{shown}" is not a number: decimals take a point, values are separated by blanks'
    return f'"{shown}" is not a number'
