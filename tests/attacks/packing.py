"""Bombs and lies in gzip and deflate."""

import gzip
import zlib

from tests.attacks.attack import FULL, PACKED, Attack, Make, Sent, matrix, post

TITLE = "gzip and deflate"
_INFER = "/v2/models/demo/infer"
_UNPACKED = 15_999_000
_GOOD = gzip.compress(matrix(FULL).encode())
_START = gzip.compress(b"<a>")


def _gzip(content: bytes) -> Make:
    return lambda _: post(content, PACKED)


def _deflated(content: bytes) -> Sent:
    body, headers = zlib.compress(content, 9), {"content-encoding": "deflate"}
    return post(body, headers, _INFER, len(content))


def _raw_tensor() -> Sent:
    """As many matrices as fit, a byte for each value."""
    count = _UNPACKED // 5000
    tensor = f'"shape":[{count},5000,1],"datatype":"UINT8"'
    size = f'"parameters":{{"binary_data_size":{count * 5000}}}'
    header = f'{{"inputs":[{{"name":"input",{tensor},{size}}}]}}'
    content = header.encode() + b"\1" * (count * 5000)
    headers = {"content-encoding": "gzip", "inference-header-content-length": str(len(header))}
    return post(gzip.compress(content), headers, _INFER, len(content))


def _long_tensor() -> Sent:
    count = _UNPACKED // 10_000 - 1
    head = f'{{"inputs":[{{"name":"input","shape":[{count},5000,1],"datatype":"FP32","data":['
    return _deflated((head + "1," * (count * 5000 - 1) + "1]}]}").encode())


def _bomb(size_bytes: int, layers: int = 1, members: int = 1) -> Sent:
    content = b"<a>" + b" " * (size_bytes // members - 3)
    for _ in range(layers):
        content = gzip.compress(content) * (members if layers == 1 else 1)
    return post(content, PACKED, unpacked_bytes=size_bytes)


CASES = [
    Attack(
        "a gzip bomb, 1000:1",
        lambda _: _bomb(100_000_000),
        "413 more than 6,000,000 bytes of markup: tags, comments, blanks",
    ),
    Attack(
        "gzip in gzip",
        lambda _: _bomb(100_000_000, layers=2),
        "400 packed by gzip twice: unpack it once",
    ),
    Attack(
        "a bomb of 2 GB",
        lambda _: _bomb(2_000_000_000, members=20),
        "413 more than 6,000,000 bytes of markup: tags, comments, blanks",
    ),
    Attack("220,000 empty members", _gzip(gzip.compress(b"") * 220_000), "400 empty document"),
    Attack(
        "a member for each of 200,000 bytes",
        _gzip(_START + gzip.compress(b" ") * 200_000),
        "400 no element found (column 200003)",
    ),
    Attack(
        "garbage behind gzip",
        _gzip(_GOOD + b"garbage"),
        "400 damaged gzip: Error -3 while decompressing data: incorrect h",
    ),
    Attack("4.4 MB of zeros behind gzip", _gzip(_GOOD + bytes(4_400_000)), '200 "predictions"'),
    Attack(
        "truncated gzip", _gzip(_GOOD[:-20]), "400 damaged gzip: it ends before its end was marked"
    ),
    Attack(
        "gzip without its end",
        _gzip(_GOOD[:-8]),
        "400 damaged gzip: it ends before its end was marked",
    ),
    Attack(
        "a wrong CRC",
        _gzip(_GOOD[:-8] + b"\0\0\0\0" + _GOOD[-4:]),
        "400 damaged gzip: Error -3 while decompressing data: incorrect d",
    ),
    Attack(
        "a wrong length",
        _gzip(_GOOD[:-4] + b"\xff\xff\xff\xff"),
        "400 damaged gzip: Error -3 while decompressing data: incorrect l",
    ),
    Attack(
        "a gzip header and nothing else",
        _gzip(b"\x1f\x8b"),
        "400 damaged gzip: it ends before its end was marked",
    ),
    Attack(
        "a file name of 4.4 MB in gzip",
        _gzip(b"\x1f\x8b\x08\x08" + bytes(6) + b"x" * 4_400_000),
        "400 damaged gzip: it ends before its end was marked",
    ),
    Attack(
        "gzip that is not", _gzip(b"not gzip"), "400 neither XML, npz nor npy: XML starts with <"
    ),
    Attack(
        "a deflate bomb under /v2",
        lambda _: _deflated(b" " * 100_000_000),
        "400 deflate holds more than 16,000,000 bytes",
    ),
    Attack(
        "16 MB of blanks under /v2",
        lambda _: _deflated(b" " * _UNPACKED),
        "400 the request: Input data was truncated",
    ),
    Attack("16 MB of zeros as bytes under /v2", lambda _: _raw_tensor(), '200 "outputs"'),
    Attack("16 MB of one-digit numbers under /v2", lambda _: _long_tensor(), '200 "outputs"'),
]
