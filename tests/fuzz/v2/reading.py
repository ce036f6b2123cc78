"""JSON as the standard has it, with its numbers as they are written, and what it leaves open."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from serving.settings import Limits

Array = NDArray[Any]
_MOST_TEXT = 8_000_000
_PAIR = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]")
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
NO_TEXT = "text: no UTF-8, perhaps in what nobody reads"


class WrongError(Exception):
    """The request is not one."""


class UnknownError(Exception):
    """It may be one, and what it means is not clear."""


class Number(str):
    """A number, as it is written."""

    __slots__ = ()


class Members(dict[str, Any]):
    """An object."""


@dataclass(slots=True)
class Reading:
    """What a request means.

    Attributes:
        limits: of the service.
        doubts: why another reader may refuse it.
        values: in the type that the model takes.
    """

    limits: Limits
    doubts: list[str] = field(default_factory=list)
    values: Array | None = None
    id: str | None = None
    is_binary: bool = False

    def doubt(self, why: str, if_so: bool = True) -> None:
        """Note one."""
        if if_so and why not in self.doubts:
            self.doubts.append(why)


def read_json(text: bytes, reading: Reading) -> Any:
    """Read a text.

    Raises:
        WrongError: it is not JSON.
        UnknownError: it is too deep, or too long, for this reader.
    """
    if len(text) > _MOST_TEXT:
        raise UnknownError("text: more than this reader has the patience for")
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        decoded = text.decode(errors="replace")
        reading.doubt(NO_TEXT)
    reading.doubt("text: half a surrogate pair", _HALF.search(_PAIR.sub("", decoded)) is not None)
    # But for one behind each comma: data may be as long as it likes, the other parts may not.
    blanks = len(decoded) - len("".join(decoded.split())) - len(re.findall(r",\s", decoded))
    reading.doubt("text: many blanks", blanks > 5_000)

    def members(pairs: list[tuple[str, Any]]) -> Members:
        found = Members(pairs)
        reading.doubt("text: a key twice", len(found) < len(pairs))
        return found

    def constant(text: str) -> Any:
        raise WrongError(f"JSON has no {text}")

    try:
        found = json.loads(
            decoded,
            object_pairs_hook=members,
            parse_int=Number,
            parse_float=Number,
            parse_constant=constant,
        )
    except RecursionError as cause:
        raise UnknownError("text: deep") from cause
    except ValueError as cause:
        raise WrongError("not JSON") from cause
    reading.doubt("text: deep", _depth(decoded) > 60)
    return found


def _depth(text: str) -> int:
    deepest = depth = 0
    for bracket in re.findall(r"[\[\]{}]", text):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def strings_in(tree: Any) -> list[str]:
    """All strings of a tree, its names among them."""
    found: list[str] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Members):
            found += node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
        elif isinstance(node, str):
            found.append(node)
    return found


def object_of(value: Any, what: str) -> Members:
    """An object."""
    if not isinstance(value, Members):
        raise WrongError(f"{what} is no object")
    return value


def array_of(value: Any, what: str) -> list[Any]:
    """An array."""
    if not isinstance(value, list):
        raise WrongError(f"{what} is no array")
    return value


def string_of(value: Any, what: str) -> str:
    """A string."""
    if not isinstance(value, str) or isinstance(value, Number):
        raise WrongError(f"{what} is no string")
    return value


def is_whole(text: str) -> bool:
    """Whether a number is written as an integer."""
    return re.fullmatch(r"-?[0-9]+", text) is not None
