"""Encodings that lie, bytes that are no text, documents that are cut or joined."""

import gzip

from tests.attacks.attack import FULL, PACKED, XML, Attack, Make, document, matrix, packed, post

TITLE = "Encodings, cut and joined documents"
_DTD = '<!DOCTYPE a [<!ENTITY x "lol">]><a>&x;</a>'
_GOOD = matrix(FULL)
_HEAD = '<?xml version="1.0" encoding="{}"?>'


def _declared(encoding: str, codec: str, text: str = _DTD) -> Make:
    """A document that declares one encoding, and is in that of Python's codec."""
    content = (_HEAD.format(encoding) + text).encode(codec)
    return lambda _: post(gzip.compress(content), PACKED, unpacked_bytes=len(content))


def _bytes(content: bytes) -> Make:
    """Bytes as they are: API Gateway packs what is not UTF-8 into base64."""
    return document(content, XML)


_NOT_READ = "415 is not read here"
_DECLARED = "400 encoding specified in XML declaration is incorrect"
_FORBIDDEN = "400 a DTD"
_ENCODINGS = [
    ("UTF-8", "utf-8-sig", _FORBIDDEN),
    ("UTF-16", "utf-16", _FORBIDDEN),
    ("UTF-16", "utf-16-le", _FORBIDDEN),
    ("UTF-16", "utf-16-be", _FORBIDDEN),
    ("UTF-16LE", "utf-16-le", _NOT_READ),
    ("UTF-32", "utf-32", "400 not well-formed"),
    ("UTF-7", "utf-7", _NOT_READ),
    ("IBM037", "cp037", "400 neither XML"),
    ("EUC-JP", "euc-jp", _NOT_READ),
    ("Shift_JIS", "shift-jis", _NOT_READ),
    ("ISO-2022-JP", "iso2022-jp", _NOT_READ),
    ("GB18030", "gb18030", _NOT_READ),
    ("windows-1252", "cp1252", _NOT_READ),
    ("utf8", "utf-8", _NOT_READ),
    ("zlib", "utf-8", _NOT_READ),
    ("UTF-8", "utf-16", _DECLARED),
    ("UTF-16", "utf-8", _DECLARED),
    ("", "utf-8", "400 XML declaration not well-formed"),
]

CASES = [
    *(
        Attack(
            f'a DTD in {codec}, declared as "{name[:20]}"',
            _declared(name, codec),
            outcome,
        )
        for name, codec, outcome in _ENCODINGS
    ),
    Attack(
        "UTF-16 that is right",
        _declared("UTF-16", "utf-16", _GOOD),
        '200 "predictions"',
    ),
    Attack(
        "an encoding declared in text",
        document(_HEAD.format("UTF-7") + _GOOD),
        '400 the document declares the encoding "UTF-7", but came as text',
    ),
    Attack(
        "half a byte order mark",
        _bytes(b"\xef\xbb<a/>"),
        "400 not well-formed (invalid token) (column 0)",
    ),
    Attack(
        "two byte order marks",
        _bytes(b"\xef\xbb\xbf\xef\xbb\xbf<a/>"),
        "400 not well-formed (invalid token) (column 1)",
    ),
    Attack(
        "overlong UTF-8",
        _bytes(b"<a>\xc0\xbcmatrix\xc0\xbe</a>"),
        "400 not well-formed (invalid token) (column 3)",
    ),
    Attack(
        "an overlong NUL",
        _bytes(b"<a>\xc0\x80</a>"),
        "400 not well-formed (invalid token) (column 3)",
    ),
    Attack(
        "surrogates in UTF-8",
        _bytes(b"<a>\xed\xa0\x80</a>"),
        "400 not well-formed (invalid token) (column 3)",
    ),
    Attack(
        "a letter beyond Unicode",
        _bytes(b"<a>\xf4\x90\x80\x80</a>"),
        "400 not well-formed (invalid token) (column 3)",
    ),
    Attack(
        "bytes that are no UTF-8",
        _bytes(b"<a>\xff\xfe\xfd</a>"),
        "400 not well-formed (invalid token) (column 3)",
    ),
    Attack(
        "NUL in the text",
        _bytes(b"<a>\0</a>"),
        "400 not well-formed (invalid token) (column 3)",
    ),
    Attack(
        "NUL before the document",
        _bytes(b"\0\0\0\0<a/>"),
        "400 not well-formed (invalid token) (column 0)",
    ),
    Attack(
        "4.5 MB of NUL",
        _bytes(b"\0" * 4_499_000),
        "400 neither XML, npz nor npy: XML starts with <",
    ),
    Attack(
        "4.4 MB of noise",
        _bytes(bytes(range(256)) * 17_000),
        "400 neither XML, npz nor npy: XML starts with <",
    ),
    Attack(
        "a version from the future",
        document('<?xml version="9.9"?>' + _GOOD),
        '200 "predictions"',
    ),
    Attack(
        "a declaration of 900 kB",
        document('<?xml version="' + "1" * 900_000 + '"?><a/>'),
        "422 no matrix in the document: no element <matrix>",
    ),
    Attack(
        "garbage before the document",
        document("x" + _GOOD),
        "400 neither XML, npz nor npy: XML starts with <",
    ),
    Attack(
        "garbage behind the document",
        document(_GOOD + "x"),
        "400 junk after document element (column 20038)",
    ),
    Attack(
        "two documents", document(_GOOD + _GOOD), "400 junk after document element (column 20038)"
    ),
    Attack(
        "a document and a zip behind it",
        document(_GOOD.encode() + b"PK\x03\x04"),
        "400 not well-formed (invalid token) (column 20040)",
    ),
    *(
        Attack(
            f"a document cut after {cut:,} bytes",
            document(_GOOD[:cut]),
            f"400 {problem}",
        )
        for cut, problem in (
            (1, "unclosed token"),
            (16, "unclosed token"),
            (10_000, "no element found"),
            (20_028, "unclosed token"),
        )
    ),
    Attack(
        "200,000 documents, packed",
        lambda _: packed(b"<matrices/>" * 200_000),
        "400 junk after document element (column 11)",
    ),
]
