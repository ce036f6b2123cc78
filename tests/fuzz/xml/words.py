"""What is put into a document: names, numbers, pieces and headers that mean something."""

ELEMENTS = (
    *("matrix", "matrix", "value", "value", "x:matrix", "y:value", "a", "b", "Matrix", "matrixx"),
    *("valu", "xml:matrix", "xmlns:matrix", "a:b:matrix", ":matrix", "matrix:", "vàlue", "_", "x:"),
    "é" * 60,
)
ATTRIBUTES = (
    *("id", "id", "id", "shape", "shape", "xml:id", "x:id", "xmlns", "xmlns:x", "xmlns:id"),
    *(
        "xmlns:a:id",
        "a:b:id",
        ":id",
        "id:",
        "x:shape",
        "ID",
        "xml:lang",
        "xml:space",
        "b",
        "xmlns:",
    ),
)
VALUES = (
    *("0", "1", "2", "a", "", " ", "m0", "é😀", "x" * 13, "x" * 256, "x" * 257, "&#0;", "&#10;"),
    *("3", "(3,)", "2 2", "2,2", "(2, 2)", "2x2", "-1", "0", "3 0", "٣", "1e1", "999999999 9"),
    *("9999999999", "3" + " " * 250, "3" + " " * 250 + "7", "(3", "3,,", "\u00a03", "3 ,", "&lt;"),
    *("urn:x", "http://www.w3.org/XML/1998/namespace", "http://www.w3.org/2000/xmlns/", "'", '"'),
    *("&amp;", "<", "\t3\n", "150", "150 1", "1 1 1 1 1 1 1 1 1 1", "2 1000000", "\x01", "\x85"),
)
_NUMBERS = """
0 -0 +0 -0.0 -0e5 -0E-0 0e0 1 -1 +1 01 007 1. .5 -.5 +.5e1 . - + -+1 +-1 e 1e 1e+ 1e- 1e5 1E5 1e05
1e+5 1.5.5 1e5.5 1e5e5 0x10 0b1 1_0 1,5 1;5 1/2 1e308 1.7976931348623157e308
1.7976931348623158e308 1.7976931348623159e308 1.8e308 1e309 -1e309 1e400 1e99999999999999999999
4.9e-324 2.4e-324 2.4703282292062327e-324 2.4703282292062328e-324 5e-324 1e-400 -1e-400
1e-99999999999999999999 2.2250738585072014e-308 2.2250738585072011e-308 2.2250738585072012e-308
9007199254740993 9007199254740992.5 9007199254740991 18446744073709551615 18446744073709551616
-9223372036854775809 9223372036854775808 0.1 0.30000000000000004 123456789012345678901234567890
7.2057594037927933e16 8.5e-1 NaN nan INF -INF Infinity inf null true false [1] {} "1" \u0663
\uff11 1\u0660 \u2212 1\u00a02 1\u30002 1\x0b2 1\x852 1\u20282 1e\u0665 1\u2082 \ufeff1
"""
NUMBERS = (
    *_NUMBERS.strip(" \n").replace("\n", " ").split(" "),
    *("9" * 17, "9" * 400, "1" * 999, "1" * 1_000, "1" * 1_001, "0." + "3" * 998, "0" * 1_001),
    *("0." + "0" * 400 + "1e401", "1" + "0" * 308, "1" + "0" * 309, "1e" + "0" * 500 + "1"),
    *("2.47032822920623272088284396434110686182e-324", "1.00000000000000011102230246251565404"),
)
PIECES = (
    *("<!-- -->", "<!---->", "<!-- <matrix>1 2 3</matrix> -->", "<?p?>", "<?p <value>?>"),
    *("<![CDATA[]]>", "<![CDATA[ 1 ]]>", "<![CDATA[<matrix>1 2 3</matrix>]]>", "<![CDATA[", "]]>"),
    *(
        "&#48;",
        "&#x31;",
        "&#32;",
        "&#160;",
        "&#46;",
        "&#45;",
        "&#0;",
        "&#x110000;",
        "&lt;",
        "&amp;",
    ),
    *("&quot;", "&lol;", "&", "&#", "<", ">", "</", "/>", "</matrix>", "<matrix>", "<matrix/>"),
    *("<value/>", "<value></value>", "<value> </value>", "<value>1</value>", "<b/>", "\0", "\x01"),
    *("\r", "\r\n", "\n\n", "\t", " " * 400, "\n" * 70, "\u0085", "\u2028", "\ufeff", "\ufffe"),
    *("<!DOCTYPE a>", '<!DOCTYPE a [<!ENTITY b "1">]>', "<?xml version='1.0'?>", ",", " 5 ", "x"),
    *('<matrix id="', "<!--", "-->", "<?", "?>", "<value>", "</value>", "<x:value>1</x:value>"),
    *("<!DOCTYPE matrices SYSTEM 'file:///etc/passwd'>", "%a;", "--", "<!ELEMENT a>", "1 2 3"),
)
_ENCODINGS = (
    *("utf-8", "UTF-8", "utf8", "UTF-16", "utf-16le", "UTF-16BE", "iso-8859-1", "ISO-8859-15"),
    *("latin1", "us-ascii", "ascii", "windows-1252", "cp037", "utf-7", "utf-32", "euc-jp"),
    *("big5", "rot13", "hex", "idna", "x" * 300, "", "é", "punycode", "koi8-r", "mbcs"),
)
DECLARATIONS = (
    *(f'<?xml version="1.0" encoding="{name}"?>' for name in _ENCODINGS),
    '<?xml version="1.1"?>',
    '<?xml version="2.0"?>',
    '<?xml version="1.0" standalone="yes"?>',
    '<?xml version="1.0" standalone="maybe"?>',
    "<?xml?>",
    '<?xml encoding="utf-8"?>',
    '<?xml version="1.0" standalone="yes" encoding="utf-8"?>',
)
DTYPES = (
    *("<f8", ">f8", "<f4", ">f4", "<f2", "<f16", "<i8", ">i8", "<i4", "<i2", "|i1", "|u1", "<u8"),
    *("<u4", "|b1", "<c8", "<c16", "|O", "<U3", ">U5", "|S3", "|V8", "<M8[s]", "<m8[ns]", "=f8"),
    *("f8", "float64", "<f3", "<f8,<f8", "(2,)<f8", "<U0", "<U300", "", "é", "<f8" * 50, "int"),
)
DIMENSIONS = (0, 1, 2, 3, 4, 6, 32, 33, 64, 120, -1, 2**31, 2**48, 2**63, 2**64, 10**30)
HEADERS = (
    *("", "{}", "[]", "1", "{'descr': '<f8'}", "__import__('os')", "(" * 300, "[" * 3_000, "\0"),
    *("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 3), 'more': 1}", "{" * 5_000),
    *("{'shape': (1, 3), 'fortran_order': 0, 'descr': '<f8'}", "-" * 3_000 + "1"),
    *("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 3)} #", "'" + "a" * 9_990 + "'"),
    *("{'descr': [('a', '<f8'), ('b', '<f8')], 'fortran_order': False, 'shape': (1,)}",),
    *("{'descr': ('<f8', (3,)), 'fortran_order': False, 'shape': (1,)}", "1+1j", "b'x'", "1L"),
    *("{'descr': '<f8', 'fortran_order': False, 'shape': (1L, 3L)}", "{'descr': '<f8'" * 3),
    *("{'descr': '<f8', 'fortran_order': True, 'shape': (True, 3)}", "True", "None", "a" * 20_000),
    *("{'descr': '<f8', 'fortran_order': False, 'shape': [1, 3]}", "{'descr': 3}", "{1: 2, **{}}"),
    "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "1, " * 40 + "3)}",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (" + "1, " * 70 + "3)}",
)
MEMBERS = (
    "matrices",
    "ids",
    "arr_0",
    "",
    "matrices.npy",
    "é",
    "../a",
    "a" * 300,
    "matrices\0",
    "/",
)
DOUBLES = tuple(
    bytes.fromhex(digits)
    for digits in (
        *("000000000000f87f", "000000000000f07f", "000000000000f0ff", "010000000000f07f"),
        *("0000c07f", "0000807f", "0100807f", "007c", "007e", "ffffffffffffff7f"),
        *("0100000000002000", "ffffffffffffffff", "0000000000000080", "0100000000000000"),
        *("00d80000", "ffff1000", "00001100", "41000000", "00000000"),
    )
)
