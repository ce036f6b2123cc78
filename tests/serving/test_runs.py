"""The fast way through an XML document gives what the plain way gives: values, ids, lines, errors.

The documents are made to be awkward: what looks like a run of numbers and is none, runs that a
chunk cuts, and anything at all put into a document that was right.
"""

import io
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from serving.documents import xml
from serving.documents.collector import Collector
from serving.errors import InvalidInputError, MalformedError
from serving.settings import Limits, Names
from serving.signature import Float64Array, TensorSpec

NUMBERS = ["0", "-0", "-0.0", "1", "-1.5", "1e5", "-2E-3", "0.1", "4.9e-324", "1e308"]
ODD_NUMBERS = [
    "", " ",
    "+1", "1.", ".5", "01", "-", "1e", "1e999", "NaN", "INF", "1_0", "0x1", "1,5", "[1]", "null",
    "18446744073709551616", "9007199254740993", "1" * 600, "0." + "1" * 1200,
    "-0e0", "1-2", "\u0661",
]  # fmt: skip
PIECES = [
    "<matrix>", "</matrix>", "<matrix/>", "<matrix />", '<matrix id="a>b">', "<x:matrix>",
    "</x:matrix>", "<value>", "</value>", "<value/>", "<x:value>", "<value a='1'>", "<!--", "-->",
    "<![CDATA[", "]]>", "<?p ", "?>", "&#49;", "&#32;", "&lt;", " ", "\n", "\r\n", "\r", "\t", ",",
    "x", "\u00a0", "\x0b", "\u00e9", "<", ">", '"', "<a>", "</a>", "<matrixes>", "<!DOCTYPE a>",
    "<matrix>1 2 3</matrix>", "<!-- <matrix>7 8 9</matrix> -->",
    "<![CDATA[<matrix>7 8 9</matrix>]]>",
    "<?p <matrix>7 8 9</matrix> ?>", "<a b='<matrix>7 8 9</matrix>'/>", "</matrix", " 4", "4 ",
]  # fmt: skip

numbers = st.sampled_from(NUMBERS) | st.floats(allow_nan=False, allow_infinity=False).map(repr)
blanks = st.sampled_from([" ", "\n", "\r\n", "\t", "  ", "\n  ", "\r", " \r\n\r\r\n "])


@st.composite
def contents(draw: st.DrawFn) -> str:
    """What is in a matrix: three numbers nearly always, in either form, evenly set or not."""
    count = draw(st.sampled_from([3] * 8 + [0, 1, 2, 4]))
    texts = draw(st.lists(numbers, min_size=count, max_size=count))
    if draw(st.integers(0, 5)) == 0 and texts:
        texts[draw(st.integers(0, count - 1))] = draw(st.sampled_from(ODD_NUMBERS))
    even = draw(st.booleans())
    gap = draw(blanks)
    if draw(st.booleans()):
        around = draw(st.sampled_from(["", " ", "\n"]))
        gaps = [gap if even else draw(blanks) for _ in texts]
        return around + "".join(t + g for t, g in zip(texts, gaps, strict=True)).rstrip() + around
    prefix = draw(st.sampled_from(["", "", "x:", "y:"]))
    between = draw(st.sampled_from(["", gap]))
    inner = draw(st.sampled_from(["", "", " "]))
    texts = [f"<{prefix}value>{inner}{t}{inner}</{prefix}value>" for t in texts]
    return between + "".join(t + (between if even else draw(blanks)) for t in texts)


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """A few matrices, with awkward pieces put in, taken out or doubled anywhere."""
    parts = [draw(st.sampled_from(["", "\ufeff", '<?xml version="1.0"?>\n', "<!-- c -->"])), "<a>"]
    for _ in range(draw(st.integers(1, 3))):
        parts += [draw(st.sampled_from(["<matrix>", '<matrix id="q\u00e9">', '<matrix\nid="b" >']))]
        parts += [draw(contents()), "</matrix>", draw(st.sampled_from(["", "\n", " <b>5</b>\n"]))]
    text = "".join([*parts, "</a>"])
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2, 3]))):
        at = draw(st.integers(0, len(text)))
        cut = draw(st.integers(0, 3))
        text = text[:at] + draw(st.sampled_from(["", *PIECES, *ODD_NUMBERS])) + text[at + cut :]
    return text.encode()


def outcome(content: bytes, *, chunk_bytes: int, cut_runs: bool, count: int | None) -> Any:
    """All that can be seen of a reading."""
    spec = TensorSpec((count,), "float64")
    source = io.BytesIO(content)
    try:
        found = list(
            xml.read(
                source, spec, Names(), Limits(),
                chunk_bytes=chunk_bytes, cut_runs=cut_runs, shortest_run_bytes=0,
            )
        )  # fmt: skip
    except InvalidInputError as error:
        return type(error), str(error), error.matrix, error.line
    return None, [(m.id, m.line, m.values.shape, m.values.tobytes()) for m in found]


@settings(max_examples=2_000, deadline=None)
@given(documents(), st.integers(16, 200), st.sampled_from([3, None]))
@example(b"<a><matrix>1 x<![CDATA[<matrix>]]></matrx></a>", 100, 3)
@example(b"<a><matrix>1 2 3</matrix>\n\n<matrix>\n4 5 6</matrx></a>", 100, 3)
@example(b"<a><matrix>1 2 3\r</matrix><matrix>\r\n4\n5 6</matrx></a>", 100, 3)
@example(b"<a><matrix><value> </value></matrix></a>", 100, 3)
@example(b"<a><matrix><value></value></matrix></a>", 100, None)
@example(b"<a><matrix><![CDATA[<matrix>1 2 3 </matrix>]]></matrix></a>", 100, 3)
@example(b"<a><matrix><?p <matrix>7 8 9</matrix> ?>1 2 3</matrix></a>", 100, 3)
def test_cutting_runs_out_changes_nothing(content: bytes, chunk: int, count: int | None) -> None:
    plain = outcome(content, chunk_bytes=100_000, cut_runs=False, count=count)
    for chunk_bytes, cut_runs in ((chunk, False), (100_000, True), (chunk, True)):
        found = outcome(content, chunk_bytes=chunk_bytes, cut_runs=cut_runs, count=count)
        if found != plain:
            # Whether expat hands out the text before a place that is not well-formed, and what it
            # says of text after the end of the document, depends on the chunks.
            assert None not in (found[0], plain[0])
            assert MalformedError in (found[0], plain[0])


def cut_out(content: bytes, count: int, names: Names | None = None) -> int:
    """How many matrices of a document the fast way takes."""
    taken: list[bool] = []

    class Counting(Collector):
        def take_all(self, values: Float64Array, *, as_elements: bool) -> bool:
            taken.append(super().take_all(values, as_elements=as_elements))
            return taken[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xml, "Collector", Counting)
        found = list(
            xml.read(
                io.BytesIO(content), TensorSpec((count,), "float64"), names or Names(), Limits()
            )
        )
    assert all(m.values.tolist() == [1.5] * count for m in found)
    return sum(taken)


def test_runs_are_cut_out_to_the_end_of_a_document_with_odd_ones() -> None:
    plain, odd = b"<matrix>%b</matrix>" % (b"1.5 " * 100), b"<matrix>%b</matrix>" % (b"+1.5 " * 100)
    assert cut_out(b"<a>%b</a>" % ((plain + odd) * 400), 100) == 400
    assert cut_out(b"<a>%b%b</a>" % (odd * 400, plain * 400), 100) == 0


def test_short_runs_are_not_worth_cutting() -> None:
    assert cut_out(b"<a>%b</a>" % (b"<matrix>1.5 1.5 1.5</matrix>" * 400), 3) == 0


def test_the_end_of_a_value_is_not_that_of_a_matrix_with_a_shorter_name() -> None:
    matrix = b"<val>%b</val>" % (b"<value>1.5</value>" * 100)
    assert cut_out(b"<a>%b</a>" % (matrix * 10), 100, Names(matrix="val")) == 10
