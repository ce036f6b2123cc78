"""Datatypes: which values each has, and which of them the model takes."""

import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from predict.v2 import tensors
from tests.predict.v2.conftest import Echoes
from tests.support.datatypes import CODES
from tests.support.inference import Sent, behind, error, flat, infer, output, request, text

LARGEST = float(np.finfo(np.float32).max)
SMALLEST = float(np.finfo(np.float32).smallest_subnormal)
MOST = 2**53 - 1
FITS: dict[str, list[Any]] = {
    "BOOL": [0, 1, 1],
    "UINT8": [0, 255, 7],
    "UINT16": [0, 65_535, 256],
    "UINT32": [0, 4_294_967_295, 65_536],
    "UINT64": [0, MOST, 4_294_967_296],
    "INT8": [-128, 127, -1],
    "INT16": [-32_768, 32_767, -1],
    "INT32": [-2_147_483_648, 2_147_483_647, -1],
    "INT64": [-MOST, MOST, -1],
    "FP16": [-65_504.0, 2.0**-24, 0.5],
    "FP32": [-LARGEST, SMALLEST, 0.5],
    "FP64": [-1.7976931348623157e308, 5e-324, 0.1],
}


def sent_bytes(values: Any, datatype: str) -> Sent:
    """Values of any kind, as bytes of a datatype."""
    array = np.array(values, dtype=CODES[datatype])
    data = array.tobytes()
    return behind(request(array, datatype, {"parameters": {"binary_data_size": len(data)}}), data)


@pytest.mark.parametrize("datatype", FITS)
def test_values_of_every_datatype_are_taken(three: TestClient, datatype: str) -> None:
    values = FITS[datatype]
    assert output(infer(three, text(json.dumps(values), datatype=datatype))).tolist() == [values]
    assert output(infer(three, text(json.dumps([values]), datatype=datatype))).tolist() == [values]
    assert output(infer(three, sent_bytes([values], datatype))).tolist() == [values]


def test_booleans_may_be_words(echo: Echoes) -> None:
    for data in ("[true, false, 1]", "[[ true,false,true ]]", "[1, 0, 1.0]"):
        answer = infer(echo((3,), "bool"), text(data, datatype="BOOL"))
        assert answer.json()["outputs"][0]["data"] == [True, False, True]
        assert output(infer(echo((3,)), text(data, datatype="BOOL"))).tolist() == [[1, 0, 1]]


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        ("BOOL", "2"),
        ("BOOL", "-1"),
        ("BOOL", "0.5"),
        ("UINT8", "300"),
        ("UINT8", "256"),
        ("UINT8", "-1"),
        ("UINT8", "0.5"),
        ("UINT16", "65536"),
        ("UINT32", "4294967296"),
        ("UINT64", "-1"),
        ("UINT64", "9007199254740992"),
        ("UINT64", "18446744073709551615"),
        ("INT8", "128"),
        ("INT8", "-129"),
        ("INT16", "32768"),
        ("INT32", "2147483648"),
        ("INT32", "1e-3"),
        ("INT64", "9007199254740993"),
        ("INT64", "-9223372036854775808"),
        ("INT64", "1e300"),
        ("INT64", "4503599627370497.3"),
        ("INT64", "1e-400"),
        ("INT64", "1e99999999999999999999"),
        ("UINT8", "254.99999999999999999999"),
        ("BOOL", "0.99999999999999999999"),
        ("FP16", "65520"),
        ("FP32", "3.5e38"),
        ("FP32", "-1e300"),
    ],
)
def test_json_refuses_values_of_another_datatype(
    three: TestClient, datatype: str, value: str
) -> None:
    refused = error(infer(three, text(f"[1, 1, 1, 1, {value}, 0]", "[2, 3]", datatype)))
    assert refused.startswith('matrix "1": value 1 (')
    assert refused.endswith(f") is not one of {datatype}")


@pytest.mark.parametrize(
    ("datatype", "value", "reason"),
    [
        ("BOOL", 2, "value 1 is a BOOL of 2"),
        ("BOOL", 255, "value 1 is a BOOL of 255"),
        ("INT64", 2**53 + 1, "value 1 is an integer beyond 2**53"),
        ("INT64", -(2**63), "value 1 is an integer beyond 2**53"),
        ("UINT64", 2**64 - 1, "value 1 is an integer beyond 2**53"),
        ("FP16", np.nan, "value 1 is not finite"),
        ("FP32", np.nan, "value 1 is not finite"),
        ("FP32", np.inf, "value 1 is not finite"),
        ("FP64", -np.inf, "value 1 is not finite"),
    ],
)
def test_bytes_refuse_values_that_are_no_numbers_or_too_large(
    three: TestClient, datatype: str, value: float, reason: str
) -> None:
    sent = sent_bytes([[1, 1, 1], [1, value, 0]], datatype)
    assert error(infer(three, sent)) == f'matrix "1": {reason}'


@pytest.mark.parametrize(
    ("datatype", "bits"), [("FP16", 0x7C01), ("FP32", 0x7F810000), ("FP64", 0x7FF1000000000000)]
)
def test_a_signalling_nan_is_refused_as_the_quiet_one(
    three: TestClient, datatype: str, bits: int
) -> None:
    size = np.dtype(CODES[datatype]).itemsize
    data = bytes(2 * size) + bits.to_bytes(size, "little")
    stated = {"parameters": {"binary_data_size": len(data)}}
    sent = behind(request(np.empty((1, 3)), datatype, stated), data)
    assert error(infer(three, sent)) == 'matrix "0": value 2 is not finite'


@pytest.mark.parametrize(
    ("dtype", "datatype", "value"),
    [
        pytest.param("float32", "FP64", 0.1, id="decimal"),
        pytest.param("float32", "FP64", 1e300, id="too large"),
        pytest.param("float32", "FP64", 1e-300, id="too small"),
        pytest.param("float32", "FP64", 16_777_217.0, id="FP64, odd"),
        pytest.param("float32", "INT32", 16_777_217, id="INT32, odd"),
        pytest.param("float32", "UINT32", 4_294_967_295, id="UINT32, odd"),
        pytest.param("float32", "INT64", MOST, id="INT64, odd"),
        pytest.param("float16", "INT16", 2_049, id="INT16 to FP16"),
        pytest.param("float16", "FP32", 65_520.0, id="FP32 to FP16"),
        pytest.param("int32", "FP32", 0.5, id="half"),
        pytest.param("int32", "FP64", 2.0**31, id="above INT32"),
        pytest.param("int32", "UINT32", 2**31, id="UINT32 above INT32"),
        pytest.param("uint8", "INT8", -1, id="negative"),
        pytest.param("uint64", "FP64", 2.0**64, id="above UINT64"),
        pytest.param("int64", "FP64", 2.0**63, id="above INT64"),
        pytest.param("bool", "UINT8", 2, id="no BOOL"),
    ],
)
def test_values_that_the_model_cannot_hold_are_refused(
    echo: Echoes, dtype: str, datatype: str, value: float
) -> None:
    client, values = echo((3,), dtype), [[1, 1, 1], [1, value, value]]
    for sent in (flat(np.array(values, CODES[datatype]), datatype), sent_bytes(values, datatype)):
        refused = error(infer(client, sent))
        assert refused.startswith('matrix "1": value 1 (')
        assert "the model's datatype: convert before sending" in refused


@pytest.mark.parametrize(
    ("dtype", "datatype", "value"),
    [
        ("float32", "FP64", SMALLEST),
        ("float32", "FP64", -LARGEST),
        ("float32", "FP64", float(np.float32(0.1))),
        ("float32", "INT32", -16_777_216),
        ("float32", "INT64", 2**52),
        ("float16", "FP64", 65_504.0),
        ("float16", "INT16", 2_048),
        ("int32", "FP32", -(2.0**31)),
        ("int64", "FP64", -(2.0**63)),
        ("uint8", "INT64", 255),
        ("uint8", "BOOL", 1),
        ("bool", "FP64", 1.0),
    ],
)
def test_values_that_the_model_can_hold_are_taken(
    echo: Echoes, dtype: str, datatype: str, value: float
) -> None:
    client, values = echo((3,), dtype), [[1, 0, value]]
    for sent in (flat(np.array(values, CODES[datatype]), datatype), sent_bytes(values, datatype)):
        assert output(infer(client, sent)).tolist() == values


def test_a_model_of_float32_takes_decimals_as_float32(echo: Echoes) -> None:
    answer = output(infer(echo((3,), "float32"), text("[0.1, 1e-46, 7]", datatype="FP32")))
    assert answer.tolist() == np.array([[0.1, 0, 7]], dtype=np.float32).tolist()


@pytest.mark.parametrize(
    "datatype", ["BYTES", "BF16", "FP8", "fp32", "float32", "FP128", "", "STRING", "x" * 5000]
)
def test_other_datatypes_are_refused(three: TestClient, datatype: str) -> None:
    for sent in (
        text('["a", "b", "c"]', datatype=datatype),
        behind(request(np.zeros((1, 3)), datatype, {"parameters": {"binary_data_size": 6}}), b"6"),
    ):
        refused = error(infer(three, sent))
        assert f'datatype "{datatype[:40]}": expected one of BOOL, ' in refused
        assert len(refused) < 200


def test_negative_zero_stays_one(three: TestClient) -> None:
    for sent in (text("[-0.0, 0.0, -0e5]"), sent_bytes([[-0.0, 0.0, -0.0]], "FP64")):
        answer = output(infer(three, sent))
        assert np.signbit(answer).tolist() == [[True, False, True]]


def test_a_value_is_named_wherever_it_is(
    three: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes are read by blocks: position and value count over all of them."""
    monkeypatch.setattr(tensors, "_BLOCK_BYTES", 50)
    for position in range(11):
        values = np.zeros((11, 3))
        values[position, 2] = np.nan
        refused = error(infer(three, sent_bytes(values.tolist(), "FP64")))
        assert refused == f'matrix "{position}": value 2 is not finite'
