"""Requests that are right, of every kind that there is."""

import json
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np

from serving.passport import Passport
from tests.fuzz.v2.case import Case
from tests.support.datatypes import CODES

DATATYPES = CODES | {"BOOL": "?"}
OWN = {"float16": "FP16", "float32": "FP32", "float64": "FP64", "int32": "INT32"}
_GET = ("/v2", "/v2/", "/v2/health/live", "/v2/health/ready")
_OF_MODEL = ("", "/ready", "/versions/1", "/versions/1/ready")
_LARGE = 0.002  # how often a request is so large that it is read in pieces
_ENCODING = "content-encoding"


def questions(passport: Passport) -> list[Case]:
    """The requests that are not for inference."""
    model = f"/v2/models/{passport.name}"
    paths = [*_GET, *(model + end for end in _OF_MODEL)]
    return [Case(passport.name, path, "GET") for path in paths]


def inference(passport: Passport, rng: Random) -> Case:
    """A request for inference."""
    name = passport.name
    path = f"/v2/models/{name}{rng.choice(('', '', '/versions/1'))}/infer"
    own = OWN[passport.input.dtype]
    form = rng.choice(_FORMS)
    datatype = own if form is _raw or rng.random() < 0.5 else rng.choice(tuple(DATATYPES))
    if name == "demo":
        return _demo(path, rng)
    if rng.random() < _LARGE and None not in passport.input.shape:
        return _large(Case(name, path), passport, own, rng)
    rows = rng.choice((1, 1, 2, 3, 5, 9, rng.choice((9, 90, 101))))
    length = rng.choice((1, 2, 3, 8))
    shape = [rows, *(length if n is None else n for n in passport.input.shape)]
    # Small and whole, or halves: what all datatypes hold.
    values = np.array([rng.randint(0, 1) for _ in range(int(np.prod(shape)))], float)
    if datatype != "BOOL":
        values *= rng.choice((1, 3, 100))
    if datatype.startswith("FP") and not own.startswith("INT"):
        values += rng.choice((0.0, 0.5, -0.25))
    return form(Case(name, path), values.reshape(shape).astype(DATATYPES[datatype]), datatype, rng)


def _large(case: Case, passport: Passport, own: str, rng: Random) -> Case:
    """Many matrices of the same values, written in a few ways."""
    rows = rng.choice((1_000, 1_000, 20_000, 20_000, 20_000, 60_000))
    shape = [rows, *(n or 1 for n in passport.input.shape)]
    tensor = {"name": "input", "shape": shape, "datatype": own, "data": ["%"]}
    number = rng.choice((b"1,", b"0, ", b"10 ,\n", b"-0.5e1,", b"0.25,", b"100.0000000000000,"))
    if own.startswith("INT"):
        number = rng.choice((b"1,", b"-100,\t"))
    text = json.dumps({"inputs": [tensor]}).encode().replace(b'"%"', number + b"1")
    start = text.index(number)
    repeat = ("text", start, start + len(number), int(np.prod(shape)) - 1)
    return _packed(replace(case, text=text, repeat=repeat), rng)


def _demo(path: str, rng: Random) -> Case:
    """5,000 values of the demo, one of which is written down."""
    rows = rng.choice((1, 1, 2))
    size = rows * 5_000 * 4
    if rng.random() < 0.3:
        return _packed(
            Case("demo", path, tail=bytes(4), repeat=("tail", 0, 4, rows * 5_000), length="0"), rng
        )
    tensor: dict[str, Any] = {"name": "input", "shape": [rows, 5_000, 1], "datatype": "FP32"}
    if rng.random() < 0.5:
        tensor["parameters"] = {"binary_data_size": size}
        text = json.dumps({"inputs": [tensor]}).encode()
        repeat = ("tail", 0, 4, rows * 5_000)
        return _packed(Case("demo", path, text=text, tail=bytes(4), repeat=repeat, length=0), rng)
    text = json.dumps({"inputs": [tensor | {"data": [0, 0.5]}]}).encode()
    start = text.index(b"0, 0.5")
    return _packed(
        Case("demo", path, text=text, repeat=("text", start, start + 3, rows * 5_000 - 1)), rng
    )


def _flat(case: Case, values: Any, datatype: str, rng: Random) -> Case:
    return _json(case, values, datatype, values.ravel().tolist(), rng)


def _nested(case: Case, values: Any, datatype: str, rng: Random) -> Case:
    return _json(case, values, datatype, values.tolist(), rng)


def _json(case: Case, values: Any, datatype: str, data: Any, rng: Random) -> Case:
    text = _text(values, datatype, {"data": data}, rng)
    length = rng.choice((None, None, 0))
    return _packed(replace(case, text=text, length=length), rng)


def _binary(case: Case, values: Any, datatype: str, rng: Random) -> Case:
    tail = values.tobytes()
    text = _text(values, datatype, {"parameters": {"binary_data_size": len(tail)}}, rng)
    return _packed(replace(case, text=text, tail=tail, length=0), rng)


def _raw(case: Case, values: Any, _datatype: str, rng: Random) -> Case:
    # Of an open dimension, the length of the body says how long one matrix is.
    rows = values[:1] if case.service == "open" else values
    return _packed(replace(case, tail=rows.tobytes(), length="0"), rng)


def _text(values: Any, datatype: str, more: dict[str, Any], rng: Random) -> bytes:
    tensor = {"name": "input", "shape": list(values.shape), "datatype": datatype} | more
    request: dict[str, Any] = {"inputs": [tensor]}
    if rng.random() < 0.3:
        request["id"] = rng.choice(("1", "", "a b", "é😀", "x" * 256, '"\\'))
    if rng.random() < 0.3:
        request["parameters"] = {"binary_data_output": rng.random() < 0.5, "priority": 1}
    if rng.random() < 0.4:
        output: dict[str, Any] = {"name": "output"}
        if rng.random() < 0.5:
            output["parameters"] = {"binary_data": rng.random() < 0.5}
        request["outputs"] = rng.choice(([output], [output], []))
    if rng.random() < 0.2:
        request[rng.choice(("x", "model_name"))] = rng.choice((None, 1, [[1], {}], {"a": "b"}))
    if rng.random() < 0.3:
        request = dict(reversed(request.items()))
    separators = rng.choice(((",", ":"), (", ", ": "), (" ,\n", "\t:\r\n")))
    return json.dumps(request, separators=separators, ensure_ascii=rng.random() < 0.5).encode()


def _packed(case: Case, rng: Random) -> Case:
    headers = {"content-type": rng.choice(("application/json", "application/octet-stream", ""))}
    headers = {name: value for name, value in headers.items() if value}
    if rng.random() < 0.3:
        headers["accept-encoding"] = rng.choice(
            ("gzip", "deflate", "gzip, deflate, br", "identity", "gzip;q=0", "*")
        )
    packings: tuple[str, ...] = ()
    if rng.random() < 0.3:
        encoding, packing = rng.choice(
            (("gzip", "gzip"), ("x-gzip", "gzip"), ("deflate", "zlib"), ("gzip", "members"))
        )
        headers[_ENCODING], packings = encoding, (packing,)
    return replace(case, headers=tuple(headers.items()), packings=packings)


_FORMS: tuple[Callable[[Case, Any, str, Random], Case], ...] = (_flat, _nested, _binary, _raw)
