"""Entities, DTDs, and everything by which XML reaches out of the document."""

from tests.attacks.attack import FULL, XML, Attack, Make, document, matrix, packed, post

TITLE = "Entities, DTDs, and what reaches out of the document"
_DTD = "400 a DTD (<!DOCTYPE"


def _laughs(levels: int, each: int) -> str:
    entities = ['<!ENTITY l0 "lol">']
    for level in range(1, levels):
        inner = f"&l{level - 1};" * each
        entities.append(f'<!ENTITY l{level} "{inner}">')
    return f"<!DOCTYPE a [{''.join(entities)}]><a>&l{levels - 1};</a>"


def _reaching(text: str, body: str = "<a>&x;</a>") -> Make:
    """A document with the address of the listener in it."""
    return lambda listener: post((text.replace("HOST", listener) + body).encode(), XML)


def _entity(address: str) -> Make:
    return _reaching(f'<!DOCTYPE a [<!ENTITY x SYSTEM "{address}">]>')


def _inside(text: str) -> Make:
    """A document that is right, with something around or in its root."""
    return lambda listener: post(text.replace("HOST", listener).encode(), XML)


_QUADRATIC = f'<!DOCTYPE a [<!ENTITY x "{"x" * 100_000}">]><a>{"&x;" * 1_000_000}</a>'
_IN_ATTRIBUTE = '<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx">]><a b="' + "&x;" * 1_000_000 + '"/>'
_PARAMETER = (
    "<!DOCTYPE a [<!ENTITY % x \"<!ENTITY y 'lol'>\"><!ENTITY % z '%x;%x;%x;'>%z;]><a>&y;</a>"
)
_DEFAULTS = (
    "<!DOCTYPE a [<!ATTLIST b "
    + " ".join(f'c{i} CDATA "{"x" * 50}"' for i in range(1000))
    + f"]><a>{'<b/>' * 100_000}</a>"
)
_SUBSET = "<!DOCTYPE a [" + "<!ELEMENT b ANY>" * 300_000 + "]><a/>"
_BODY = f"<matrix>{FULL}</matrix>"

CASES = [
    Attack("a billion laughs", document(_laughs(10, 10)), _DTD),
    Attack("a billion laughs, of 200,000 levels", document(_laughs(200_000, 1)), _DTD),
    Attack(
        "a billion laughs, packed",
        lambda _: packed(_laughs(300_000, 2).encode()),
        _DTD,
    ),
    Attack("a quadratic entity: 100 kB, a million times", document(_QUADRATIC), _DTD),
    Attack("a million entities in an attribute", document(_IN_ATTRIBUTE), _DTD),
    Attack("parameter entities", document(_PARAMETER), _DTD),
    Attack("a thousand default attributes for each element", document(_DEFAULTS), _DTD),
    Attack("an internal subset of 5 MB", document(_SUBSET), _DTD),
    Attack(
        "an entity that calls itself", document('<!DOCTYPE a [<!ENTITY x "&x;">]><a>&x;</a>'), _DTD
    ),
    Attack(
        "a million entities that are not declared",
        document(f"<a>{'&x;' * 1_000_000}</a>"),
        "400 undefined entity",
    ),
    Attack(
        "a million character references", document(f"<a>{'&#120;' * 999_000}</a>"), "422 no matrix"
    ),
    Attack("a reference to no character", document(matrix("&#0;")), "400 invalid character"),
    Attack(
        "a reference of a million digits",
        document(f"<a>&#{'1' * 1_000_000};</a>"),
        "400 reference to invalid character number (column 3)",
    ),
    Attack("a DTD without entities", document("<!DOCTYPE a><a/>"), _DTD),
    Attack("a DTD in lower case", document("<!doctype a><a/>"), "400 syntax error (column 0)"),
    Attack(
        "a DTD after a comment and white space", document("<!--x-->\n \n<!DOCTYPE a><a/>"), _DTD
    ),
    Attack(
        "a DTD behind the root",
        document("<a/><!DOCTYPE a>"),
        "400 junk after document element (column 4)",
    ),
    Attack("an entity in a file", _entity("file:///etc/passwd"), _DTD),
    Attack("an entity by HTTP", _entity("http://HOST/x"), _DTD),
    Attack("an entity by FTP", _entity("ftp://HOST/x"), _DTD),
    Attack("an entity by gopher", _entity("gopher://HOST/x"), _DTD),
    Attack("an entity by PHP", _entity("php://filter/read=convert.base64-encode/resource=x"), _DTD),
    Attack("an entity on a share of Windows", _entity(r"\\HOST\x\y"), _DTD),
    Attack("an entity that is expected to run", _entity("expect://id"), _DTD),
    Attack(
        "a parameter entity by HTTP",
        _reaching('<!DOCTYPE a [<!ENTITY % x SYSTEM "http://HOST/x"> %x;]>', "<a/>"),
        _DTD,
    ),
    Attack("a DTD by HTTP", _reaching('<!DOCTYPE a SYSTEM "http://HOST/x.dtd">', "<a/>"), _DTD),
    Attack(
        "a DTD by a public name",
        _reaching('<!DOCTYPE a PUBLIC "-//X//Y" "http://HOST/x.dtd">', "<a/>"),
        _DTD,
    ),
    Attack(
        "a notation and an unparsed entity",
        _reaching(
            '<!DOCTYPE a [<!NOTATION n SYSTEM "http://HOST/n"><!ENTITY x SYSTEM "y" NDATA n>]>'
        ),
        _DTD,
    ),
    Attack(
        "XInclude of a file and by HTTP: it is left alone",
        _inside(
            '<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd" '
            f'parse="text"/><xi:include href="http://HOST/x"/>{_BODY}</a>'
        ),
        '200 "predictions"',
    ),
    Attack(
        "XInclude inside a matrix",
        _inside('<a><matrix><include href="http://HOST/x"/></matrix></a>'),
        "422 unexpected element <include>",
    ),
    Attack(
        "a style sheet, a schema and a base by HTTP: they are left alone",
        _inside(
            '<?xml-stylesheet type="text/xsl" href="http://HOST/x.xsl"?><a xml:base="http://HOST/" '
            'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            f'xsi:schemaLocation="http://HOST/ http://HOST/x.xsd">{_BODY}</a>'
        ),
        '200 "predictions"',
    ),
]
