"""The target "xml": a short run finds nothing, and what is broken on purpose is found."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, BinaryIO

import numpy as np
import pytest

from serving.documents import Document, Matrix, read_document
from serving.errors import InvalidInputError, MalformedError
from tests.fuzz.breaking import ANYWHERE, Fault, check_found, run
from tests.fuzz.lines import reached
from tests.fuzz.report import summary
from tests.fuzz.xml import good
from tests.fuzz.xml.arrays import Array
from tests.fuzz.xml.case import Case
from tests.fuzz.xml.target import Documents, Read

Broken = Callable[[list[Matrix]], list[Matrix]]
_EXECUTIONS = 1_500


def test_a_short_run_finds_nothing(tmp_path: Path) -> None:
    session = run(Documents(), tmp_path, 1, _EXECUTIONS)
    assert not session.count.findings, summary(session)
    kinds = session.count.kinds
    assert min(kinds["read"], kinds["refused"]) > 200
    assert len(session.count.texts) > 80


def test_a_seed_gives_the_same_run_again(tmp_path: Path) -> None:
    first, second = (run(Documents(), tmp_path, 7, 300).count for _ in range(2))
    assert first.texts == second.texts


def test_good_documents_are_read() -> None:
    target = Documents()
    outcomes = []
    for seed in range(300):
        given = target.given(replace(good.document(Random(seed)), limits="default"))
        outcomes.append(target.judge(given, target.run(given)).kind)
    assert outcomes.count("read") > 250


def test_good_documents_reach_most_lines() -> None:
    found, known = reached(Documents, Documents().seeds()).count
    assert 0.4 * known < found < known


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(Case(text=bytes(range(256)), edits=((3, 0, b"\xff"),)), id="text"),
        pytest.param(
            Case("npz", arrays=(("ids", Array("{}", b"\xff", 2)),), packings=("gzip",)), id="npz"
        ),
        pytest.param(Case(text=b"<a>b</a>", repeat=(3, 4, 100), encoding="utf-16"), id="long"),
    ],
)
def test_a_case_is_the_same_from_its_file(case: Case) -> None:
    again = Case.from_bytes(case.to_bytes())
    assert again == case
    assert again.content() == case.content()


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"shape": "none"}', b'{"packings": ["x"]}', b'{"x": 1}', b"\xff"]
)
def test_what_is_no_case_is_none(content: bytes) -> None:
    assert Case.from_bytes(content) is None


def with_values(change: Callable[[Any], Any]) -> Broken:
    return lambda found: [replace(matrix, values=change(matrix.values)) for matrix in found]


def of_matrices(change: Broken) -> Read:
    """A reader that gives other matrices."""

    def read(source: BinaryIO, document: Document) -> Iterator[Matrix]:
        return iter(change(list(read_document(source, document))))

    return read


def of_errors(change: Callable[[InvalidInputError], InvalidInputError]) -> Read:
    """A reader that gives other errors."""

    def read(source: BinaryIO, document: Document) -> Iterator[Matrix]:
        try:
            return iter(list(read_document(source, document)))
        except InvalidInputError as error:
            raise change(error) from None

    return read


def swallows(source: BinaryIO, document: Document) -> Iterator[Matrix]:
    """What was read before an error."""
    try:
        yield from read_document(source, document)
    except InvalidInputError:
        return


def quotes(source: BinaryIO, _document: Document) -> Iterator[Matrix]:
    """An error that holds the document."""
    content = source.read()
    raise MalformedError(f"not read: {content[:300].decode(errors='replace')}", line=1)
    yield


def refuses(_source: BinaryIO, _document: Document) -> Iterator[Matrix]:
    """Everything."""
    raise MalformedError("no array", line=1)
    yield


def anywhere(fault: Fault) -> Read:
    """A fault that knows nothing of documents."""

    def read(source: BinaryIO, document: Document) -> Iterator[Matrix]:
        found: Iterator[Matrix] = fault(lambda: iter(list(read_document(source, document))))
        return found

    return read


BROKEN = [
    pytest.param(
        of_matrices(with_values(lambda values: values.ravel()[:-1])),
        "matrices: of another shape",
        id="drops a value",
    ),
    pytest.param(
        of_matrices(with_values(lambda values: np.nextafter(values, 2.0))),
        "matrices: other values",
        id="one bit",
    ),
    pytest.param(
        of_matrices(with_values(lambda values: values + 0.0)), "matrices: other values", id="zero"
    ),
    pytest.param(of_matrices(lambda found: found[:-1]), "matrices: other ids", id="drops a matrix"),
    pytest.param(
        of_matrices(lambda found: [replace(matrix, id=matrix.id + " ") for matrix in found]),
        "matrices: other ids",
        id="another id",
    ),
    pytest.param(
        of_matrices(lambda found: [replace(m, line=m.line and m.line + 1) for m in found]),
        "matrices: another line",
        id="off by one",
    ),
    pytest.param(swallows, "accepted: ", id="swallows an error"),
    pytest.param(refuses, "refused: MalformedError: no array", id="refuses"),
    pytest.param(quotes, "error: quotes more than 100 characters", id="quotes"),
    pytest.param(
        of_errors(lambda error: type(error)(error.problem)), "error: no line", id="no line"
    ),
    pytest.param(of_errors(lambda error: type(error)(" ", line=1)), "error: no text", id="no text"),
    pytest.param(
        of_errors(
            lambda error: type(error)(
                error.problem, matrix=error.matrix, line=error.line and error.line + 1
            )
        ),
        "error: a",
        id="another line",
    ),
]


@pytest.mark.parametrize(("read", "key"), BROKEN)
def test_what_is_broken_is_found(tmp_path: Path, read: Read, key: str) -> None:
    check_found(run(Documents(read), tmp_path, 2, 2_000, key), key, Case.from_bytes)


@pytest.mark.parametrize(("fault", "key", "bounds"), ANYWHERE)
def test_what_may_break_anywhere_is_found(
    tmp_path: Path, fault: Fault, key: str, bounds: dict[str, Any]
) -> None:
    session = run(Documents(anywhere(fault)), tmp_path, 2, 1_000, key, **bounds)
    check_found(session, key, Case.from_bytes)
