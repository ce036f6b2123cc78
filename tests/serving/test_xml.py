"""The XML document: both forms, any dialect, nothing but numbers."""

import math
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np
import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st

from serving.documents.xml import CHUNK_BYTES
from serving.errors import InvalidInputError, MalformedError, TooLargeError, UnsupportedError
from serving.settings import Names
from tests.support.documents import one, read

finite = st.floats(allow_nan=False, allow_infinity=False)
blanks = st.text(" \t\n", min_size=1, max_size=3)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"<matrices><matrix>1 2 3</matrix></matrices>", id="text"),
        pytest.param(
            b"<m><matrix><value>1</value> <value> 2 </value>\n<value>3</value></matrix></m>",
            id="values",
        ),
        pytest.param(b"<matrix>1 2 3</matrix>", id="matrix as root"),
        pytest.param(b'<x:a xmlns:x="urn:x"><x:matrix>1 2 3</x:matrix></x:a>', id="namespace"),
        pytest.param(b'<a xmlns="urn:x"><b c="d">5</b><matrix>1 2 3</matrix></a>', id="around"),
        pytest.param(b"<a><matrix>\n 1\t2\r\n3 </matrix></a>", id="blanks"),
        pytest.param(b"<a><matrix>1 <!-- 9 -->2 3</matrix></a>", id="comment"),
        pytest.param(b"<a><matrix>1 <![CDATA[2]]> 3</matrix></a>", id="CDATA"),
        pytest.param(b"<a><matrix>1&#32;2&#x20;&#51;</matrix></a>", id="character references"),
        pytest.param(b"\xef\xbb\xbf<a><matrix>1 2 3</matrix></a>", id="byte order mark"),
        pytest.param("<a><matrix>1 2 3</matrix></a>".encode("utf-16"), id="UTF-16"),
        pytest.param(b"<a><matrix>+1 2. 3e0</matrix></a>", id="xs:double"),
        pytest.param(b'<a><matrix shape="(3,)">1 2 3</matrix></a>', id="shape as Python writes it"),
    ],
)
def test_xml_reads(content: bytes) -> None:
    [matrix] = read(content)
    assert matrix.id == "0"
    assert matrix.values.tolist() == [1.0, 2.0, 3.0]


def test_xml_keeps_ids_order_lines_and_shape() -> None:
    content = b'<a>\n<matrix id="b">1 2 3 4</matrix>\n\n<matrix>5 6 7 8</matrix></a>'
    first, second = read(content, (2, 2))
    assert (first.id, first.line, first.values.tolist()) == ("b", 2, [[1, 2], [3, 4]])
    assert (second.id, second.line, second.values.tolist()) == ("1", 4, [[5, 6], [7, 8]])


@pytest.mark.parametrize("name", ["id", "xml:id", "x:id"])
def test_xml_finds_the_id_under_any_prefix(name: str) -> None:
    content = f'<a xmlns:x="urn:x"><matrix {name}="q">1 2 3</matrix></a>'.encode()
    assert read(content)[0].id == "q"


@pytest.mark.parametrize("attribute", ['xmlns:id="urn:x"', 'xmlns:g="urn:x" g:shape="circle"'])
def test_xml_leaves_foreign_attributes_alone(attribute: str) -> None:
    [matrix] = read(f"<a><matrix {attribute}>1 2 3</matrix></a>".encode())
    assert matrix.id == "0"


def test_xml_refuses_a_long_id_without_repeating_it() -> None:
    with pytest.raises(TooLargeError) as refusal:
        read(one("wrong", ' id="' + "a" * 500_000 + '"'))
    assert len(str(refusal.value)) < 200


def test_xml_speaks_other_dialects() -> None:
    names = Names(matrix="signal", value="v", id="key")
    content = b'<x><signal key="s"><v>1</v><v>2</v><v>3</v></signal><matrix>4 5 6</matrix></x>'
    [matrix] = read(content, names=names)
    assert (matrix.id, matrix.values.tolist()) == ("s", [1, 2, 3])


@pytest.mark.parametrize(
    ("shape", "content", "expected"),
    [
        pytest.param((None,), one("1 2 3 4 5"), (5,), id="one open dimension"),
        pytest.param((None, 2), one("1 2 3 4"), (2, 2), id="multiple"),
        pytest.param((None, None), one("1 2 3 4 5 6", ' shape="2 3"'), (2, 3), id="stated"),
        pytest.param((), one("7"), (), id="scalar"),
    ],
)
def test_xml_shapes(
    shape: tuple[int | None, ...], content: bytes, expected: tuple[int, ...]
) -> None:
    assert read(content, shape)[0].values.shape == expected


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "empty document", id="nothing"),
        pytest.param(b"<matrices/>", "no matrix in the document", id="no matrix"),
        pytest.param(one("1 2"), 'matrix "0" (line 1): expected 3 values, got 2', id="short"),
        pytest.param(one("1 2 3 4"), "expected 3 values, got more", id="long"),
        pytest.param(one(""), "expected 3 values, got 0", id="empty matrix"),
        pytest.param(one("1 2 x"), 'value 2: "x" is not a number', id="word"),
        pytest.param(one("1,5 2 3"), "decimals take a point", id="decimal comma"),
        pytest.param(one("1 2 NaN"), 'value 2: "NaN" is not finite', id="NaN"),
        pytest.param(one("1 -INF 3"), 'value 1: "-INF" is not finite', id="infinity"),
        pytest.param(one("1 1e999 3"), "value 1 is too large for a double", id="overflow"),
        pytest.param(one("1_0 2 3"), '"1_0" is not a number', id="Python's underscore"),
        pytest.param(one("\uff11 2 3"), '"\uff11" is not a number', id="full-width digit"),
        pytest.param(one("1\u00a02 2 3"), "is not a number", id="no-break space"),
        pytest.param(one("0x10 2 3"), "is not a number", id="hexadecimal"),
        pytest.param(one("1 2 3", ' id=""'), "empty id", id="empty id"),
        pytest.param(one("1 2 3", ' id="' + "x" * 300 + '"'), "300 characters", id="long id"),
        pytest.param(
            b'<a><matrix id="1">1 2 3</matrix><matrix>4 5 6</matrix></a>',
            'matrix "1" (line 1): this id occurs twice',
            id="id taken by a default",
        ),
        pytest.param(
            one("<value>1</value><value>2 3</value>"), '"2 3" is not a number', id="two in one"
        ),
        pytest.param(one("<value/><value>2</value>"), "value 0: empty", id="empty value"),
        pytest.param(one("1 <value>2</value> 3"), "after numbers outside of it", id="text first"),
        pytest.param(one("<value>1</value> 2 3"), "text outside of <value>", id="text after"),
        pytest.param(one("<b>1</b> 2 3"), "unexpected element <b> on line 1", id="stray element"),
        pytest.param(one("<value><value>1</value></value>"), "unexpected element", id="nested"),
        pytest.param(one("<matrix>1 2 3</matrix>"), "unexpected element <matrix>", id="in itself"),
        pytest.param(one("1" * 2000), "more than 1,000 characters", id="endless number"),
        pytest.param(
            one("1 2 3", ' shape="1 3"'), "expected shape (3), got (1, 3)", id="other shape"
        ),
        pytest.param(one("1 2 3", ' shape="1x3"'), 'shape "1x3" is not one', id="no shape"),
        pytest.param(
            one("<value>1</value>&#160;<value>2</value>"), "text outside", id="no-break space"
        ),
        pytest.param(
            one("<value>1<!-- --> <!-- -->2</value>"), '"1 2" is not', id="blank in a value"
        ),
        pytest.param(one(f"<value>{'1' * 2000}</value>"), "more than 1,000", id="endless value"),
        pytest.param(b"<a><!--" + b"x" * 1_200_000, "a tag, comment or", id="endless comment"),
        pytest.param(b"<a>\n<b c='" + b"x" * 1_200_000, "line 2: a tag", id="endless attribute"),
        pytest.param(b"<a><matrix>1 2 3</a>", "line 1: not well-formed XML", id="not closed"),
        pytest.param(b"<a><matrix>1 2 3</matrix></a><b/>", "junk after", id="two documents"),
        pytest.param(b"<a><matrix>1 2 3</matrix>", "not well-formed XML", id="truncated"),
        pytest.param(b"hello", "line 1: neither XML, npz nor npy", id="text"),
        pytest.param(b"<!DOCTYPE a><a/>", "a DTD (<!DOCTYPE", id="DTD"),
        pytest.param(b"<a><matrix>&lol; 2 3</matrix></a>", "undefined entity", id="entity"),
        pytest.param(b"<a>" * 200, "nested deeper than 100", id="deep"),
        pytest.param(
            b'<?xml version="1.0" encoding="euc-jp"?><a/>', 'encoding "euc-jp"', id="EUC-JP"
        ),
        pytest.param(b'<?xml version="1.0" encoding="utf-7"?><a/>', "send UTF-8", id="UTF-7"),
    ],
)
def test_xml_refuses(content: bytes, reason: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        read(content)
    assert reason in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        pytest.param(b"<a", MalformedError, id="malformed"),
        pytest.param(b'<?xml version="1.0" encoding="big5"?><a/>', UnsupportedError, id="encoding"),
        pytest.param(one("1 2 3" + " " * 80), TooLargeError, id="too many bytes"),
    ],
)
def test_xml_says_what_kind_of_error_it_is(content: bytes, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        read(content, inflated_bytes=60)


def test_xml_reads_across_chunk_borders() -> None:
    """Numbers cut by the end of a read, and of expat's own buffer, stay whole."""
    values = [0.1 * i for i in range(80_000)]
    content = one(" ".join(map(repr, values)))
    assert len(content) > 3 * CHUNK_BYTES
    assert read(content, (80_000,))[0].values.tolist() == values


@given(st.lists(finite, min_size=1, max_size=50), st.data())
def test_xml_gives_what_elementtree_and_float_give(
    values: list[float], data: st.DataObject
) -> None:
    matrix = Element("matrix")
    if data.draw(st.booleans()):
        matrix.text = "".join(data.draw(blanks) + repr(v) for v in values)
    else:
        for value in values:
            SubElement(matrix, "value").text = data.draw(blanks) + repr(value)
    content = tostring(matrix)
    tree = ElementTree.fromstring(content)
    texts = [v.text or "" for v in tree] or (tree.text or "").split()
    expected = np.array(list(map(float, texts)))
    [result] = read(content, (None,))
    assert result.values.tobytes() == expected.tobytes()


@given(st.text("0123456789+-.eE_ ,naif\u0661\u00a0\t", min_size=1, max_size=12))
def test_numbers_are_those_of_xml_schema(text: str) -> None:
    """Accepted exactly where the grammar of xs:double allows, with the value of float()."""
    tokens = text.replace("\t", " ").split(" ")
    tokens = [token for token in tokens if token]
    try:
        plain = [float(t) for t in tokens if t.isascii() and not set(t.lower()) & set("_naif")]
    except ValueError:
        plain = []
    allowed = bool(tokens) and len(plain) == len(tokens) and all(map(math.isfinite, plain))
    try:
        [matrix] = read(one(text), (None,))
    except InvalidInputError:
        assert not allowed
    else:
        assert allowed
        assert matrix.values.tolist() == plain
