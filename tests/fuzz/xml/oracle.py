"""Holds what the reader gave, or raised, against a second reader and the rules of refusals."""

import re
from dataclasses import dataclass

from serving.documents import Matrix
from serving.errors import InvalidInputError
from serving.settings import Limits
from tests.fuzz.packing import DamagedError, UnclearError, unpack_gzip
from tests.fuzz.target import FaultError, Outcome
from tests.fuzz.xml import plain, plain_arrays
from tests.fuzz.xml.plain import Found, Reading, Shape, UnknownError, WrongError

_MOST_QUOTED = 100
_LONGEST_PROBLEM = 600
# These are of the document as a whole, and have no line.
_WHOLE = (
    *("empty document", "no matrix in the document", "packed by gzip twice", "damaged gzip"),
    *("gzip holds more", "the document holds more"),
)
_PLACES = re.compile(r"array|npz|ids|matri|values")
_FOLDS = (
    (re.compile(r'"[^"]*"', re.DOTALL), '"…"'),
    (re.compile(r"\([^)]*\)"), "(…)"),
    (re.compile(r"<[^>]*>"), "<…>"),
    (re.compile(r"\(b['\"].*\)"), "(…)"),
    (re.compile(r"0x[0-9a-f]+"), "0x0"),
    (re.compile(r"-?[0-9][0-9,.]*(e[+-]?[0-9]+)?"), "0"),
)


@dataclass(frozen=True, slots=True)
class Given:
    """What is read, and how."""

    content: bytes
    shape: Shape
    limits: Limits


Answer = list[Matrix] | InvalidInputError


def judge(given: Given, answer: Answer) -> Outcome:
    """What an answer is.

    Raises:
        FaultError: not what it must be.
    """
    reading = Reading()
    wrong: Exception | None = None
    content: bytes | None = None  # of what cannot be unpacked, a part may have been read
    try:
        content = _unpacked(given)
        _read(content, given, reading)
    except (WrongError, UnknownError) as error:
        wrong = error
    if isinstance(answer, InvalidInputError):
        _check_error(answer, content, reading)
        text = _folded(answer)
        if wrong is None and not reading.doubts:
            raise FaultError(f"refused: {text}", str(answer)[:500])
        return Outcome("refused", text)
    if isinstance(wrong, WrongError):
        raise FaultError(f"accepted: {wrong}", f"{len(answer)} matrices")
    if wrong is None:
        _check_matrices(answer, reading.matrices)
    return Outcome("read", f"{_kind(content or b'')}, {min(len(answer), 5)}, {given.shape}")


def _unpacked(given: Given) -> bytes:
    content, most_bytes = given.content, given.limits.inflated_bytes
    if len(content) > most_bytes:
        raise WrongError("limits: bytes")
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        unpacked = unpack_gzip(content, most_bytes)
    except DamagedError as cause:
        raise WrongError("a damaged gzip") from cause
    except UnclearError as cause:
        raise UnknownError(str(cause)) from cause
    if len(unpacked) > most_bytes:
        raise WrongError("limits: unpacked")
    if unpacked[:2] == b"\x1f\x8b":
        raise WrongError("packed twice")
    return unpacked


def _read(content: bytes, given: Given, reading: Reading) -> None:
    if _kind(content) == "XML":
        plain.read(content, given.shape, given.limits, reading)
    else:
        plain_arrays.read(content, given.shape, given.limits, reading)


def _kind(content: bytes) -> str:
    if content.startswith(b"PK"):
        return "npz"
    return "npy" if content.startswith(b"\x93NUMPY") else "XML"


def _check_matrices(answer: list[Matrix], wanted: list[Found]) -> None:
    if [matrix.id for matrix in answer] != [found.id for found in wanted]:
        raise FaultError("matrices: other ids", f"{len(answer)}, expected {len(wanted)}")
    for matrix, found in zip(answer, wanted, strict=True):
        if matrix.values.dtype != "float64" or matrix.values.shape != found.shape:
            detail = f"{matrix.values.shape}, expected {found.shape}"
            raise FaultError("matrices: of another shape", detail)
        if matrix.values.tobytes() != found.values:
            raise FaultError("matrices: other values", repr(matrix)[:500])
        if matrix.line != found.line:
            raise FaultError("matrices: another line", f"{matrix.line}, expected {found.line}")


def _check_error(error: InvalidInputError, content: bytes | None, reading: Reading) -> None:
    """It names a place, and quotes little."""
    problem = error.problem
    if not problem.strip() or len(problem) > _LONGEST_PROBLEM:
        raise FaultError("error: no text, or a long one", problem[:500])
    if content is None:
        return
    if error.matrix is None and _quotes(problem, content):
        raise FaultError(f"error: quotes more than {_MOST_QUOTED} characters", problem[:500])
    if _kind(content) != "XML":
        if error.matrix is None and not (problem.startswith(_WHOLE) or _PLACES.search(problem)):
            raise FaultError("error: no place", problem)
        return
    if error.line is None:
        if not problem.startswith(_WHOLE):
            raise FaultError(f"error: no line: {_folded(error)}", problem)
        return
    if not 1 <= error.line <= 1 + content.count(b"\n") + content.count(b"\r"):
        raise FaultError("error: a line that there is not", str(error)[:500])
    lines = reading.lines.get(error.matrix or "")
    if lines and error.line not in lines:
        raise FaultError("error: another line", f"{error}, expected {lines}"[:500])


def _quotes(problem: str, content: bytes) -> bool:
    size = _MOST_QUOTED + 1
    if len(problem) < size or len(content) > 1_000_000:
        return False
    text = content.decode(errors="replace")
    return any(problem[i : i + size] in text for i in range(len(problem) - size + 1))


def _folded(error: InvalidInputError) -> str:
    """Without what differs from document to document."""
    text = error.problem
    for pattern, instead in _FOLDS:
        text = pattern.sub(instead, text)
    return f"{type(error).__name__}: {text[:140]}"
