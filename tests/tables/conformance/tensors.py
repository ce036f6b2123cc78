"""The data of tensors, and their datatypes."""

import json

from fastapi.testclient import TestClient

from tests.tables.conformance.asks import (
    OTHER,
    VALUES,
    Ask,
    Values,
    as_bytes,
    binary,
    posted,
    request,
    tensor,
)
from tests.tables.conformance.checks import Check, Part, Row, every, output, predicts, refused

_NESTED = [[[value] for value in matrix] for matrix in (VALUES, OTHER)]
_WHOLE = [i % 3 for i in range(5000)]
_BITS = [min(value, 1) for value in _WHOLE]
_SIGNED = [-1, 0, 1, 2, 0] * 1000
_HELD = "as stated; a value that the model's datatype would change is refused, not rounded"
_WIDE = "differs: an integer beyond 2^53 is refused, since a double may not hold it"


def _data(data: object, rows: int = 1, datatype: str = "FP32") -> Ask:
    return posted(request(tensor(shape=[rows, 5000, 1], data=data, datatype=datatype)))


def _first(value: object, datatype: str = "FP32") -> Ask:
    return _data([value, *_WHOLE[1:]], datatype=datatype)


def _text(first: str, datatype: str = "FP32") -> Ask:
    """The first number as it is spelled here."""
    body = json.dumps(request(tensor(data=[12345, *_WHOLE[1:]], datatype=datatype)))
    return posted(body.replace("12345", first, 1).encode())


def _order_matters(client: TestClient) -> None:
    predicts(_data(VALUES + OTHER, 2), VALUES, OTHER)(client)
    turned = [value for pair in zip(VALUES, OTHER, strict=True) for value in pair]
    one, other = (output(_data(data, 2)(client)) for data in (VALUES + OTHER, turned))
    assert one != other, "the order of the values makes no difference"


def _datatype(
    name: str, size: int, code: str, values: Values, outside: object, why: str = ""
) -> Check:
    """It is read from JSON and from bytes, has this size, and this range."""
    data = as_bytes(values, code)
    return every(
        predicts(_data(values, datatype=name), values),
        predicts(binary(data, size=5000 * size, datatype=name), values),
        refused(
            binary(data + bytes(5000), datatype=name), "binary_data_size", f"make {5000 * size}"
        ),
        refused(_first(outside, name), 'matrix "0"', "value 0", why or name),
    )


def _held(name: str) -> Check:
    """The model's FP32 has no such number."""
    return refused(_first(2**24 + 1, name), "value 0 (16777217) is not one of FP32")


def _exact(name: str, code: str) -> Check:
    """Integers are read where a double holds them and their neighbours."""
    most, more = ([value, *_WHOLE[1:]] for value in (2**53 - 2**30, 2**60))
    return every(
        predicts(_data(most, datatype=name), most),
        predicts(binary(as_bytes(most, code), datatype=name), most),
        refused(_data(more, datatype=name), "value 0", name),
        refused(binary(as_bytes(more, code), datatype=name), "value 0", "2**53"),
    )


def _top(bits: int) -> list[int]:
    """Numbers of which a signed integer of as many bits would make others."""
    return [2**bits - 2 ** max(0, bits - 24), *_WHOLE[1:]]


DATA = Part(
    "Tensor data",
    [
        Row(
            "data-row-major",
            "The values are in row-major order",
            "MUST",
            _order_matters,
        ),
        Row(
            "data-no-padding",
            "They follow each other without gaps: as many as the shape says",
            "MUST",
            every(
                predicts(_data(VALUES), VALUES),
                refused(_data(VALUES[1:]), "expected 5,000 values, got 4,999"),
                refused(_data([*VALUES, 0]), "expected 5,000 values, got more"),
            ),
        ),
        Row(
            "data-nested",
            "They may be nested as the shape is",
            "MUST",
            predicts(_data(_NESTED, 2), VALUES, OTHER),
        ),
        Row(
            "data-flat",
            "They may be flat, in one array",
            "MUST",
            predicts(_data(VALUES + OTHER, 2), VALUES, OTHER),
        ),
        Row(
            "data-neither",
            "There is no other form",
            "MUST",
            every(
                refused(_data([VALUES, OTHER], 2), "neither flat nor nested"),
                refused(_data([*_NESTED, []], 2), "neither flat nor nested"),
                refused(_data([VALUES[0], *_NESTED[0][1:]]), "neither flat nor nested"),
            ),
        ),
        Row(
            "data-integers",
            "Elements are integers or decimals; a server may convert them",
            "MAY",
            every(
                predicts(_data(_WHOLE), _WHOLE),
                predicts(_text("1e0"), [1, *_WHOLE[1:]]),
                predicts(_text("0.1"), [0.1, *_WHOLE[1:]]),
                refused(_first(0.5, "INT32"), "value 0 (0.5)", "INT32"),
                refused(_text("NaN"), "the request"),
            ),
            "as stated: a decimal is rounded to the nearest of its datatype; a fraction is no "
            "integer, and JSON has no NaN",
        ),
        Row(
            "data-booleans",
            "Elements may be booleans",
            "MAY",
            every(
                predicts(_data([value > 0 for value in _WHOLE], datatype="BOOL"), _BITS),
                refused(_first(True), 'matrix "0"', "value 0", "bool"),
            ),
            "as stated: of a BOOL, and of no other datatype",
        ),
        Row(
            "data-strings",
            "Elements may be strings; a server may refuse what it does not expect",
            "MAY",
            refused(_first("1"), 'matrix "0"', "value 0", "str"),
            "as stated: refused, also where the string is a number",
        ),
        Row(
            "data-halves",
            "Decimals as FP16 and BF16 have no agreed form in JSON",
            "MAY",
            every(
                predicts(_data(VALUES, datatype="FP16"), VALUES),
                predicts(_text("0.1", "FP16"), [0.0999755859375, *_WHOLE[1:]]),
                refused(_data(VALUES, datatype="BF16"), 'datatype "BF16"'),
            ),
            "as stated: FP16 is rounded as FP32 is; BF16, which is no datatype, is refused",
        ),
    ],
)
DATATYPES = Part(
    "Datatypes",
    [
        Row(
            "datatype-bool",
            "BOOL, a byte",
            "MUST",
            _datatype("BOOL", 1, "u1", _BITS, 2),
            "as stated; in JSON true or 1, false or 0",
        ),
        Row("datatype-uint8", "UINT8, a byte", "MUST", _datatype("UINT8", 1, "u1", _top(8), 256)),
        Row(
            "datatype-uint16",
            "UINT16, 2 bytes",
            "MUST",
            _datatype("UINT16", 2, "<u2", _top(16), 2**16),
        ),
        Row(
            "datatype-uint32",
            "UINT32, 4 bytes",
            "MUST",
            every(_datatype("UINT32", 4, "<u4", _top(32), 2**32), _held("UINT32")),
            _HELD,
        ),
        Row(
            "datatype-uint64",
            "UINT64, 8 bytes",
            "MUST",
            every(_datatype("UINT64", 8, "<u8", _WHOLE, -1), _exact("UINT64", "<u8")),
            _WIDE,
        ),
        Row("datatype-int8", "INT8, a byte", "MUST", _datatype("INT8", 1, "i1", _SIGNED, 128)),
        Row(
            "datatype-int16",
            "INT16, 2 bytes",
            "MUST",
            _datatype("INT16", 2, "<i2", _SIGNED, 2**15),
        ),
        Row(
            "datatype-int32",
            "INT32, 4 bytes",
            "MUST",
            every(_datatype("INT32", 4, "<i4", _SIGNED, 2**31), _held("INT32")),
            _HELD,
        ),
        Row(
            "datatype-int64",
            "INT64, 8 bytes",
            "MUST",
            every(_datatype("INT64", 8, "<i8", _SIGNED, 0.5), _exact("INT64", "<i8")),
            _WIDE,
        ),
        Row(
            "datatype-fp16",
            "FP16, 2 bytes",
            "MUST",
            _datatype("FP16", 2, "<f2", VALUES, 1e6),
        ),
        Row(
            "datatype-fp32",
            "FP32, 4 bytes",
            "MUST",
            _datatype("FP32", 4, "<f4", VALUES, 1e39),
        ),
        Row(
            "datatype-fp64",
            "FP64, 8 bytes",
            "MUST",
            _datatype("FP64", 8, "<f8", VALUES, 0.1, "is not one of FP32"),
            _HELD,
        ),
        Row(
            "datatype-bytes",
            "BYTES, of any length",
            "MUST",
            every(
                refused(_data(["a"] * 5000, datatype="BYTES"), 'datatype "BYTES"', "FP32"),
                refused(binary(bytes(20000), datatype="BYTES"), 'datatype "BYTES"', "FP32"),
            ),
            "differs: refused, since the models take numbers",
        ),
    ],
)
