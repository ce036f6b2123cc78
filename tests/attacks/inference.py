"""The Open Inference Protocol and the URL form: JSON that is deep, long, or lies."""

import json
from typing import Any

from tests.attacks.attack import JSON, POINTS, Attack, Make, Sent, post

TITLE = "JSON: the Open Inference Protocol, and a URL"
_INFER = "/v2/models/demo/infer"
_SHAPE = f"[1,{POINTS},1]"


def _infer(body: str | bytes, **headers: str) -> Make:
    content = body.encode() if isinstance(body, str) else body
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: post(content, JSON | sent, _INFER)


def _tensor(data: str = "[]", shape: str = _SHAPE, datatype: str = "FP32", more: str = "") -> Make:
    tensor = f'"name":"input","shape":{shape},"datatype":"{datatype}"{more},"data":{data}'
    return _infer(f'{{"inputs":[{{{tensor}}}]}}')


def _ones(number: str = "1", count: int = POINTS) -> str:
    return f"[{','.join([number] * count)}]"


def _long(count: int) -> Make:
    return lambda listener: _tensor(_ones(count=count * POINTS), f"[{count},{POINTS},1]")(listener)


def _link(body: Any) -> Make:
    content = body if isinstance(body, str) else json.dumps(body)
    return lambda _: post(content.encode(), JSON)


def _to_listener(form: str) -> Make:
    def make(listener: str) -> Sent:
        return post(json.dumps({"url": form.replace("HOST", listener)}).encode(), JSON)

    return make


_WHOLE = '{"inputs":[{"name":"input","shape":[1,5000,1],"datatype":"FP32","data":' + _ones() + "}]"
_LENGTH = "inference_header_content_length"

CASES = [
    Attack("3 million open brackets", _infer("[" * 3_000_000), "400 Expected object, got array"),
    Attack(
        "a million open objects", _infer('{"a":' * 1_000_000), "400 the request: nested too deeply"
    ),
    Attack(
        "the same in a part that is ignored",
        _infer('{"x":' + "[" * 3_000_000),
        "400 the request: nested too deeply",
    ),
    Attack(
        "brackets in brackets as data",
        _tensor("[" * 1_000_000 + "]" * 1_000_000),
        "400 the request: nested too deeply",
    ),
    Attack(
        "a million inputs",
        _infer('{"inputs":[' + "{}," * 1_000_000 + "{}]}"),
        "400 Object missing required field name - at inputs[0]",
    ),
    Attack(
        "half a million keys",
        _infer("{" + ",".join(f'"{i}":0' for i in range(500_000)) + "}"),
        "400 Object missing required field inputs",
    ),
    Attack(
        "a key a million times",
        _infer("{" + '"id":0,' * 800_000 + '"id":0}'),
        "400 Object missing required field inputs",
    ),
    Attack(
        "a key of 5 MB",
        _infer('{"' + "x" * 5_000_000 + '":0}'),
        "400 Object missing required field inputs",
    ),
    Attack(
        "a name of 5 MB",
        _infer('{"inputs":[{"name":"' + "x" * 5_000_000 + '"}]}'),
        "400 Object missing required field shape - at inputs[0]",
    ),
    Attack(
        "an id of wide letters",
        _infer(_WHOLE + ',"id":"' + "\U0001f34e" * 1_000_000 + '"}'),
        "400 id: more than 10,000 bytes",
    ),
    Attack(
        "half a surrogate pair",
        _infer(_WHOLE + ',"id":"\\ud800"}'),
        "400 the request: Input data was truncated",
    ),
    Attack(
        "half a million parameters",
        _infer(_WHOLE + ',"parameters":{' + ",".join(f'"{i}":0' for i in range(400_000)) + "}}"),
        "400 parameters: more than 10,000 bytes",
    ),
    Attack(
        "a tensor whose shape overflows",
        _tensor(shape="[99999999999999999999,5000,1]"),
        "400 expected shape [-1, 5000, 1], got [99999999999999999999, 500",
    ),
    Attack(
        "a shape of 2^62 matrices",
        _tensor(shape="[4611686018427387904,5000,1]"),
        "400 4,611,686,018,427,387,904 matrices; the limit is 1,000,000",
    ),
    Attack(
        "a shape of a million ones",
        _tensor(shape=_ones(count=1_000_000)),
        "400 inputs[0].shape: more than 10,000 bytes",
    ),
    Attack(
        "a tensor of a negative shape",
        _tensor(shape="[-1,5000,1]"),
        "400 expected shape [-1, 5000, 1], got [-1, 5000, 1]; -1 stands f",
    ),
    Attack(
        "a shape of fractions",
        _tensor(shape="[1e0,5000,1]"),
        "400 Expected int, got float - at inputs[0].shape[0]",
    ),
    Attack(
        "a datatype that is not one",
        _tensor(datatype="x" * 9_000),
        '400 datatype "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx": expecte',
    ),
    Attack(
        "texts as data",
        _tensor(datatype="BYTES"),
        '400 datatype "BYTES": expected one of BOOL, UINT8, UINT16, UINT3',
    ),
    Attack(
        "shared memory",
        _tensor(more=',"parameters":{"shared_memory_region":"/etc/passwd"}'),
        "400 inputs[0].parameters.shared_memory_region: this extension is",
    ),
    Attack(
        "an integer of 5 MB as data",
        _tensor("[" + "1" * 5_000_000 + "]"),
        '400 matrix "0": value 0 has more than 262,144 characters',
    ),
    Attack(
        "numbers of 1,000 digits",
        _tensor(_ones("1" * 1_000)),
        '400 matrix "0": value 0: Number out of range',
    ),
    Attack("fractions of 1,000 digits", _tensor(_ones("0." + "1" * 998)), '200 "outputs"'),
    Attack(
        "fractions of an integer type",
        _tensor(_ones("0." + "9" * 998), datatype="INT8"),
        '400 matrix "0": value 0 (0.9999999999999999999999999999999999999',
    ),
    Attack(
        "exponents of an integer type",
        _tensor(_ones("1e999999999"), datatype="INT8"),
        '400 matrix "0": value 0: Number out of range',
    ),
    Attack(
        "exponents of 20 digits",
        _tensor(_ones("1e99999999999999999999"), datatype="INT64"),
        '400 matrix "0": value 0 (1e99999999999999999999) is not one of I',
    ),
    Attack(
        "5,000 exponents that are whole",
        _tensor(_ones("1e308"), datatype="INT64"),
        '400 matrix "0": value 0 (1e+308, in JSON beyond 2**53 - 1) is no',
    ),
    Attack(
        "NaN as Python writes it",
        _tensor(_ones("NaN")),
        "400 the request: JSON is malformed: invalid character (byte 72);",
    ),
    Attack(
        "null as data", _tensor(_ones("null")), '400 matrix "0": value 0: Expected float, got null'
    ),
    Attack(
        "a million true",
        _tensor(_ones("true", 1_000_000), datatype="BOOL"),
        "400 expected 5,000 values, got more",
    ),
    Attack(
        "texts among numbers",
        _tensor(_ones('"1"')),
        '400 matrix "0": value 0: Expected float, got str',
    ),
    Attack("599 matrices of one digit in 6 MB", _long(599), '200 "outputs"'),
    Attack(
        "5 MB of blanks between two numbers",
        _tensor(f"[1,{' ' * 5_000_000}1]"),
        '400 matrix "0": value 1 has more than 262,144 characters',
    ),
    Attack(
        "5 MB of commas",
        _tensor("[" + "," * 5_000_000 + "]"),
        "400 the request: JSON is malformed: invalid character (byte 72)",
    ),
    Attack(
        "a header longer than the body",
        _infer("{}", **{_LENGTH: "999999999999999"}),
        "400 Inference-Header-Content-Length is 999999999999999, the body",
    ),
    Attack(
        "a header of 10,000 digits",
        _infer("{}", **{_LENGTH: "9" * 10_000}),
        '400 Inference-Header-Content-Length is "999999999999999999999999',
    ),
    Attack(
        "a header of Arabic digits",
        _infer("{}", **{_LENGTH: "٢"}),
        '400 Inference-Header-Content-Length is "Ù¢": expected a length i',
    ),
    Attack(
        "a negative header",
        _infer("{}", **{_LENGTH: "-1"}),
        '400 Inference-Header-Content-Length is "-1": expected a length i',
    ),
    Attack(
        "bytes behind the JSON that nothing names",
        _infer(f"{_WHOLE}}}{'x' * 9}", **{_LENGTH: str(len(_WHOLE) + 1)}),
        "400 bytes after the JSON, and no binary_data_size in inputs[0]",
    ),
    Attack(
        "a size in bytes that lies",
        _infer(
            '{"inputs":[{"name":"input","shape":[1,5000,1],"datatype":"FP32","parameters":{"binary_data_size":1e18}}]}',
            **{_LENGTH: "105"},
        ),
        "400 inputs[0]: binary_data_size is 1e+18; shape and datatype mak",
    ),
    Attack(
        "a raw tensor that is too short",
        _infer(b"\0" * 19_999, **{_LENGTH: "0"}),
        "400 a body of 19,999 bytes: expected 4 for each value, of FP32",
    ),
    Attack(
        "NUL and noise",
        _infer(bytes(range(256)) * 4_000),
        "400 the request: JSON is malformed: invalid character (byte 0);",
    ),
    Attack(
        "a model in another folder",
        lambda _: post(b"{}", JSON, "/v2/models/../../etc/passwd/infer"),
        "404 POST /v2/models/../../etc/passwd/infer: Not Found; see /openapi.json",
    ),
    Attack(
        "a model's name of 1 MB",
        lambda _: post(b"{}", JSON, f"/v2/models/{'x' * 1_000_000}/infer"),
        '404 no model "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
    ),
    Attack(
        "a URL of 5 MB",
        _link({"url": "https://" + "x" * 5_000_000}),
        "413 5,000,019 bytes in one request; the limit is 16,000 bytes. T",
    ),
    Attack(
        "a URL of 15 kB",
        _link({"url": "https://a" + "%41" * 5_000}),
        "422 the URL is not followed: it has more than 4,096 characters",
    ),
    Attack(
        "a URL that is nearly one",
        _link({"url": "https://a/?" + "a=" * 2_000 + "&&"}),
        "422 the URL is not followed: it is not of the form https://HOST/",
    ),
    Attack(
        "the same with bytes in hexadecimal",
        _link({"url": "https://a/?a=" + "%41=" * 1_000 + "|"}),
        "422 the URL is not followed: it has the character U+007C, which",
    ),
    Attack(
        "15,000 brackets instead of a URL",
        _link("[" * 15_000),
        "400 Invalid JSON: recursion limit exceeded at line 1 column 202:",
    ),
    Attack(
        "15,000 brackets as a URL",
        _link('{"url":' + "[" * 15_000),
        "400 Invalid JSON: recursion limit exceeded at line 1 column 208:",
    ),
    Attack(
        "2,000 keys beside the URL",
        _link('{"url":"a",' + '"b":0,' * 2_000 + '"c":0}'),
        '422 b: Extra inputs are not permitted: expected {"url": "<a pres',
    ),
    Attack(
        "a URL that is a number of 15,000 digits",
        _link('{"url":' + "9" * 15_000 + "}"),
        "400 Invalid JSON: number out of range at line 1 column 4309: exp",
    ),
    Attack(
        "a URL of this machine",
        _to_listener("http://HOST/a?X-Amz-Signature=0"),
        '422 the URL is not followed: its host is "127.0.0.1", expected <',
    ),
    Attack(
        "a URL of a file",
        _link({"url": "file:///etc/passwd"}),
        "422 the URL is not followed: it does not start with https://",
    ),
    Attack(
        "the credentials' address",
        _link({"url": "http://169.254.169.254/latest/meta-data/?a"}),
        '422 the URL is not followed: its host is "169.254.169.254", expe',
    ),
]
