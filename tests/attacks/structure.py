"""Documents that are large or deep in one way: the most that the limits let in, and more."""

from tests.attacks.attack import (
    FULL,
    POINTS,
    XML,
    Attack,
    Make,
    Sent,
    document,
    matrix,
    packed,
    post,
)

TITLE = "Depth, length and number"
_REQUEST, _UNPACKED = 5_999_000, 15_999_000  # bytes, just below the limits


def _filled(unit: str, size_bytes: int, head: str = "<a>", tail: str = "</a>") -> bytes:
    """A document of this size, of one thing again and again."""
    count = (size_bytes - len(head) - len(tail)) // len(unit.encode())
    return (head + unit * count + tail).encode()


def _large(unit: str, head: str = "<a>", tail: str = "</a>") -> Make:
    return lambda _: post(_filled(unit, _REQUEST, head, tail), XML)


def _unpacked(unit: str, head: str = "<a>", tail: str = "</a>") -> Make:
    return lambda _: packed(_filled(unit, _UNPACKED, head, tail))


def _attributes(count: int) -> str:
    return " ".join(f'a{i}=""' for i in range(count))


def _flood(count: int) -> Sent:
    declared = " ".join(f'xmlns:p{i}="u{i}"' for i in range(count))
    used = "".join(f"<p{i}:b/>" for i in range(count))
    return post(f"<a {declared}>{used}</a>".encode(), XML)


_IN = ("<a><matrix>", "</matrix></a>")
_IN_VALUE = ("<a><matrix><value>", "</value></matrix></a>")
_MARKUP = "413 more than 6,000,000 bytes of markup"
_TAGS = "413 more than 1,000,000 tags"
_TOKEN = "413 a tag, comment or instruction of more than 1,000,000 bytes"
_SLOW = f"<matrix>{'<value> 1</value>' * (POINTS - 1)}<value>1<!----></value></matrix>"
_TEXTS = f"<matrix>{'1 ' * POINTS}</matrix>"
_VALUES = f"<matrix>{'<value>1</value>' * POINTS}</matrix>"
_IDS = "".join(f'<matrix id="m{i}"/>' for i in range(260_000))

CASES = [
    Attack("a million open elements", document("<a>" * 1_000_000), "413 nested deeper than 100"),
    Attack("five million, packed", lambda _: packed(b"<a>" * 5_000_000), "413 nested deeper"),
    Attack(
        "a million elements side by side", document("<a>" + "<a/>" * 999_990 + "</a>"), "422 no"
    ),
    Attack("1.5 million elements side by side", _large("<a/>"), _TAGS),
    Attack("the same below 90 others", _large("<a/>", "<a>" * 90, "</a>" * 90), _TAGS),
    Attack("4 million elements, packed", _unpacked("<a/>"), _TAGS),
    Attack("a million empty matrices", _large("<matrix/>"), "422 expected 5000 values, got 0"),
    Attack(
        "matrices of one value", _large("<matrix>1</matrix>"), "422 expected 5000 values, got 1"
    ),
    Attack("matrices with ids and nothing else", document(f"<a>{_IDS}</a>"), "422 got 0"),
    Attack("a million empty values", _large("<value/>", *_IN), "422 value 0: empty"),
    Attack("an element name of 5 MB", document(f"<{'a' * 5_000_000}/>"), _TOKEN),
    Attack("an attribute of 5 MB", document(f'<a b="{"x" * 5_000_000}"/>'), _TOKEN),
    Attack("an id of 900 kB", document(matrix(FULL, f' id="{"x" * 900_000}"')), "413 the id of"),
    Attack(
        "90,000 attributes in one element",
        document(f"<a {_attributes(90_000)}/>"),
        "422 no matrix",
    ),
    Attack(
        "half a million attributes in one element",
        document(f"<a {_attributes(500_000)}/>"),
        _TOKEN,
    ),
    Attack("an attribute twice", document('<a b="" b=""/>'), "400 duplicate attribute"),
    Attack(
        "hundred attributes in each of 8,000 elements",
        _large(f"<a {_attributes(100)}/>"),
        "422 no matrix",
    ),
    Attack("30,000 namespaces, all used", lambda _: _flood(30_000), "422 no matrix"),
    Attack("100,000 namespaces in one element", lambda _: _flood(100_000), _TOKEN),
    Attack("prefixes upon prefixes", _large("<a:b:c:d/>"), "422 no matrix"),
    Attack("a comment of 5 MB", _large("x", "<a><!--", "--></a>"), _TOKEN),
    Attack("an instruction of 5 MB", _large("x", "<a><?x ", "?></a>"), _TOKEN),
    Attack(
        "CDATA of 5 MB in a matrix", _large("1 ", "<a><matrix><![CDATA[", "]]>"), "422 got more"
    ),
    Attack("a tag that never ends", _large(" ", "<a><matrix", ""), _TOKEN),
    Attack("a comment that never ends", _large("- ", "<a><!-- ", ""), _TOKEN),
    Attack("CDATA that never ends", _large("x", "<a><![CDATA[", ""), "400 unclosed CDATA"),
    Attack("850,000 comments", _large("<!---->"), "422 no matrix"),
    Attack("a million instructions", _large("<?a?>"), _TAGS),
    Attack("half a million CDATA sections", _large("<![CDATA[]]>"), "422 no matrix"),
    Attack("comments between blanks, in a matrix", _large(" <!---->", *_IN), "422 got 0"),
    Attack("comments between blanks, in a value", _large(" <!---->", *_IN_VALUE), "422 value 0"),
    Attack("instructions between blanks, in a matrix", _large(" <?a?>", *_IN), "422 got 0"),
    Attack("comments between the digits of a number", _large("1<!---->", *_IN), "413 value 0 has"),
    Attack("the same in a value", _large("1<!---->", *_IN_VALUE), "413 value 0 has"),
    Attack(
        "matrices with a comment behind each number",
        _large(f"<matrix>{'1 <!---->' * POINTS}</matrix>"),
        '200 "predictions"',
    ),
    Attack(
        "matrices with each number in CDATA",
        _large(f"<matrix>{'<![CDATA[1 ]]>' * POINTS}</matrix>"),
        '200 "predictions"',
    ),
    Attack("6 MB of matrices read tag by tag", _large(_SLOW), '200 "predictions"'),
    Attack("the same, 16 MB unpacked", _unpacked(_SLOW), _MARKUP),
    Attack("16 MB of one-digit numbers in text", _unpacked(_TEXTS), '200 "predictions"'),
    Attack("16 MB of one-digit numbers in tags", _unpacked(_VALUES), '200 "predictions"'),
    Attack("blanks of 6 MB in a matrix", _large(" ", *_IN), "422 got 0"),
    Attack("blanks of 6 MB in a value", _large(" ", *_IN_VALUE), "422 value 0: empty"),
    Attack("blanks of 16 MB, packed", _unpacked(" "), _MARKUP),
    Attack("line breaks of 16 MB, packed", _unpacked("\n"), _MARKUP),
    Attack("the same in a matrix", _unpacked("\n", *_IN), _MARKUP),
    Attack("text of 16 MB, packed", _unpacked("x"), _MARKUP),
    Attack("a body of 6 MB and one byte", document(b" " * 6_000_001), "413 6,000,001 bytes"),
]
