"""What documents are generated from: the strategies of each part, and how the parts join.

One example draws the parts of many documents, since drawing takes longer than both readers: the
numbers of a matrix, in its two forms, between each of the drawn surroundings, and so on. No two of
the documents are the same.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import isfinite

from hypothesis import strategies as st

from tests.fuzz.xml import words
from tests.fuzz.xml.case import Case

_COUNTS = {"three": 3, "sheet": 4, "number": 1, "open": None, "pairs": None}
_ODD_TEXTS = (
    *(
        "1 2",
        " ",
        "",
        "1,5",
        "1_0",
        "<b>1</b>",
        "<!-- -->",
        "1<!-- -->2",
        "<?p?>",
        "&#49;",
        "&#x31;",
    ),
    *("<![CDATA[1]]>", "<![CDATA[ 1 2 ]]>", "1&#32;2", "1&#46;5", "&#45;1", "&lt;", "1\u00a02"),
    *("<value>1</value>", "</value>", "<matrix>", "&lol;", "\x01", "]]>", "1&#10;", "<value/>"),
)
_BLANKS = (" ", " ", " ", "\n", "\t", "\r\n", "\r", "  \n\t", " <!-- 1 --> ", "<?p 1?> ", "&#32;")
_GAPS = ("", "", "", "\n  ", " ", "\t", "<!-- -->", "<?p?>", "&#10;", "1", "\u00a0")
_NAMES = (("matrix", "value"), ("x:matrix", "x:value"), ("x:matrix", "value"))
# The first of each are right.
_ATTRIBUTES = (
    *("", ' id="a"', " id='é'", ' id="0"', ' id="1"', ' id=""', ' xml:id="b"', ' x:id="c"'),
    *(' id="&#97;"', ' id="&lt;"', ' shape="3"', ' shape="2 2"', ' shape="(3,)"', ' a="1" id="d"'),
    *(' ID="a"', ' id="a" x:id="b"', ' x:id="b" id="a"', ' xmlns:id="u"', ' id="a" id="a"'),
)
_HEADS = (
    *("", '<?xml version="1.0"?>', '<?xml version="1.0" encoding="UTF-8"?>\n', "\ufeff"),
    *("<!-- <matrix>1 2 3</matrix> -->", "\n", "<?p <matrix>?>", "<!DOCTYPE a>", "<!---->"),
    *('<?xml version="1.0" encoding="iso-8859-1"?>', '<?xml version="1.1"?>', "x"),
)
_ROOTS = (
    *("<a>|</a>", '<x:a xmlns:x="u">|</x:a>', "<a>\n|\n</a>", "<a><b><c>|</c></b></a>"),
    *(
        "<a><b>5</b>|<c/></a>",
        "<a>1|2</a>",
        '<a xmlns="u">|</a>',
        "<a><!-- -->|</a>",
        "<x:a>|</x:a>",
    ),
    *("|", "<a>|</b>", "<a><![CDATA[|]]></a>", "<a><!--|--></a>", "<a>|</a>\n", "<a>|</a><b/>"),
)

_IS_RIGHT = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_RIGHT = [
    text
    for text in words.NUMBERS
    if _IS_RIGHT.fullmatch(text) and len(text) <= 1_000 and isfinite(float(text))
]

floats = st.floats(allow_nan=False, allow_infinity=False).map(repr)
written = st.from_regex(
    r"[+-]?([0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][+-]?[0-9]{1,2})?", fullmatch=True
)
numbers = st.one_of(floats, floats, written, st.sampled_from(_RIGHT))
odd_texts = st.one_of(st.sampled_from(words.NUMBERS), st.sampled_from(_ODD_TEXTS))


@dataclass(frozen=True, slots=True)
class Page:
    """The parts of some documents."""

    shape: str
    rows: tuple[tuple[str, ...], ...]
    blank: str
    gap: str
    names: tuple[str, str]
    attributes: tuple[str, ...]
    heads: tuple[str, ...]
    roots: tuple[str, ...]
    chunk_bytes: int


def _mostly(choices: tuple[str, ...], usual: int) -> st.SearchStrategy[str]:
    """One of the first some, in three of four cases."""
    few, all_of_them = st.sampled_from(choices[:usual]), st.sampled_from(choices)
    return st.one_of(few, few, few, all_of_them)


@st.composite
def pages(draw: st.DrawFn) -> Page:
    """The parts of some documents: most are right, some are not."""
    shape = draw(st.sampled_from(sorted(_COUNTS)))
    count = _COUNTS[shape] or draw(st.integers(1, 6))
    count = max(0, count + draw(st.sampled_from((0,) * 8 + (-1, 1))))
    rows = draw(
        st.lists(
            st.lists(numbers, min_size=count, max_size=count).map(tuple), min_size=3, max_size=5
        )
    )
    if draw(st.integers(0, 4)) == 0 and count:
        odd = draw(odd_texts)
        at = draw(st.integers(0, count - 1))
        rows[0] = (*rows[0][:at], odd, *rows[0][at + 1 :])
    return Page(
        shape,
        tuple(rows),
        draw(st.sampled_from(_BLANKS)),
        draw(st.sampled_from(_GAPS)),
        draw(st.sampled_from(_NAMES)),
        tuple(draw(st.lists(_mostly(_ATTRIBUTES, 3), min_size=3, max_size=3))),
        tuple(draw(st.lists(_mostly(_HEADS, 5), min_size=2, max_size=3, unique=True))),
        tuple(draw(st.lists(_mostly(_ROOTS, 5), min_size=2, max_size=3, unique=True))),
        draw(st.integers(4, 120)),
    )


def documents(page: Page) -> Iterator[Case]:
    """The documents of a page; each is read by the slow lane, or by the fast one in pieces."""
    bodies = []
    for row, attributes in zip(page.rows, page.attributes, strict=False):
        bodies += [_matrix(page, row, attributes, is_text) for is_text in (True, False)]
    joined = ["".join(bodies[:2]), "\n".join(bodies[1:4]), "".join(reversed(bodies))]
    for number, (head, root, body) in enumerate(
        product(page.heads, page.roots, [*bodies, *joined])
    ):
        text = head + root.replace("|", body)
        lane = number % 3
        yield Case(
            shape=page.shape,
            limits="low" if number % 11 == 0 else "default",
            text=text.encode(),
            chunk_bytes=page.chunk_bytes if lane == 1 else None,
            shortest_run_bytes=None if lane == 2 else 0,
        )


def _matrix(page: Page, row: tuple[str, ...], attributes: str, is_text: bool) -> str:
    matrix, value = page.names
    if is_text:
        content = page.blank.join(row)
    else:
        content = page.gap.join(f"<{value}>{number}</{value}>" for number in row)
    return f"<{matrix}{attributes}>{content}</{matrix}>"
