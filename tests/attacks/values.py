"""Numbers, ids and shapes that are odd, long or many."""

from tests.attacks.attack import FULL, POINTS, XML, Attack, Make, document, matrix, post

TITLE = "Numbers, ids and shapes"
_BUT_ONE = "0.5 " * (POINTS - 1)


def _last(number: str) -> Make:
    """A matrix whose last number is odd."""
    return document(matrix(_BUT_ONE + number))


def _shown(odd: str) -> str:
    return "".join(c if c.isprintable() else f"(U+{ord(c):04X})" for c in odd)


def _ids(ids: list[str]) -> Make:
    """As many whole matrices as fit, with these ids."""
    some = "1 " * POINTS
    body = "".join(f'<matrix id="{id}">{some}</matrix>' for id in ids)
    return lambda _: post(f"<a>{body}</a>".encode(), XML)


_NO = "422 is not a number"
_NOT_FINITE = "422 is not finite"
_ODD = {
    "1e999999999": "422 is too large for a double",
    "1e-999999999": '200 "predictions"',
    "1e39": "422 does not fit float32",
    "NaN": _NOT_FINITE,
    "-INF": _NOT_FINITE,
    "+-1": _NO,
    "1_000": _NO,
    "0x1p3": _NO,
    "1e": _NO,
    "1.2.3": _NO,
    "1,5": "422 decimals take a point",
    "1d5": _NO,
    "\N{FULLWIDTH DIGIT ONE}": _NO,
    "\N{ARABIC-INDIC DIGIT ONE}": _NO,
    "\N{MINUS SIGN}1": _NO,
    "1\N{NO-BREAK SPACE}2": _NO,
    "1\N{ZERO WIDTH SPACE}": _NO,
    "True": _NO,
    "{{7*7}}": _NO,
}

_ARABIC = "\N{ARABIC-INDIC DIGIT FIVE}"

CASES = [
    *(
        Attack(
            f"the number {_shown(odd)}",
            _last(odd),
            outcome,
        )
        for odd, outcome in _ODD.items()
    ),
    Attack(
        "a number of 5 MB of digits",
        document(matrix("1" * 5_000_000)),
        "413 value 0 has more than 1,000 characters",
    ),
    Attack(
        "a number of 5 MB of zeros",
        document(matrix("0" * 5_000_000)),
        "413 value 0 has more than 1,000 characters",
    ),
    Attack(
        "a fraction of 5 MB",
        document(matrix("0." + "1" * 5_000_000)),
        "413 value 0 has more than 1,000 characters",
    ),
    Attack(
        "an exponent of 5 MB",
        document(matrix("1e" + "9" * 5_000_000)),
        "413 value 0 has more than 1,000 characters",
    ),
    Attack(
        "5 MB of signs",
        document(matrix("-" * 5_000_000)),
        "413 value 0 has more than 1,000 characters",
    ),
    Attack(
        "the same digits in a value",
        document(matrix(f"<value>{'1' * 5_000_000}</value>")),
        "413 value 0 has more than 1,000 characters",
    ),
    Attack(
        "5,000 numbers of 1,000 digits",
        document(matrix(f"{'1' * 999} " * POINTS)),
        "422 value 0 is too large for a double (1.8e308)",
    ),
    Attack(
        "5,000 fractions of 1,000 digits",
        document(matrix(f"0.{'1' * 997} " * POINTS)),
        '200 "predictions"',
    ),
    Attack(
        "5,000 hard fractions",
        document(matrix(f"0.{'4' * 600}e-300 " * POINTS)),
        '200 "predictions"',
    ),
    Attack(
        "5,000 exponents of 900 digits",
        document(matrix(f"0e{'9' * 900} " * POINTS)),
        '200 "predictions"',
    ),
    Attack(
        "3 million numbers in one matrix",
        document(matrix("1 " * 2_999_000)),
        "422 expected 5000 values, got more",
    ),
    Attack(
        "300,000 values in one matrix",
        document(matrix("<value>1</value>" * 300_000)),
        "422 expected 5000 values, got more",
    ),
    Attack(
        "an id of 5 MB",
        document(matrix(FULL, f' id="{"x" * 5_000_000}"')),
        "413 a tag, comment or instruction of more than 1,000,000 bytes",
    ),
    Attack(
        "an id that is not text",
        document(matrix(FULL, ' id="&#xD800;"')),
        "400 reference to invalid character number (column 22)",
    ),
    Attack(
        "an id of control characters",
        document(matrix(FULL, ' id="&#10;&#9;&#13;"')),
        '200 "predictions"',
    ),
    Attack(
        "an id that is a page",
        document(matrix("", ' id="&lt;script>alert(1)&lt;/script>"')),
        '422 matrix "<script>alert(1)</script>" (line 1): expected 5000 v',
    ),
    Attack(
        "an id twice",
        _ids(["a", "a"]),
        '422 matrix "a" (line 1): this id occurs twice (the default is th',
    ),
    Attack(
        "590 ids that only the last repeats",
        _ids([str(i) for i in range(589)] + ["0"]),
        "422 this id occurs twice (the default is the position, from 0)",
    ),
    Attack(
        "a shape that overflows",
        document(matrix(FULL, ' shape="99999999 99999999"')),
        "422 expected shape (5000, 1), got (99999999, 99999999)",
    ),
    Attack(
        "a shape of 100 kB",
        document(matrix(FULL, f' shape="{"1 " * 50_000}"')),
        "422 is not one: expected numbers",
    ),
    Attack(
        "a shape of zeros",
        document(matrix(FULL, ' shape="0 0"')),
        "422 expected shape (5000, 1), got (0, 0)",
    ),
    Attack(
        "a negative shape",
        document(matrix(FULL, ' shape="-1 -5000"')),
        '422 shape "-1 -5000" is not one: expected numbers, as in "5000 1',
    ),
    Attack(
        "a shape of Arabic digits",
        document(matrix(FULL, f' shape="{_ARABIC}"')),
        "422 is not one: expected numbers",
    ),
    Attack(
        "a shape that almost is one",
        document(matrix(FULL, f' shape="{"1," * 99}x"')),
        '422 shape "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1," is not one:',
    ),
]
