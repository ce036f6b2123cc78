"""What reading a request costs in memory, in a fresh process: a small multiple of its size."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest

from tests.support.processes import environment

_PEAK = """
import io, json, sys
from pathlib import Path
from predict.v2.request import Expected, read_request
from serving.documents.compression import inflate
from serving.errors import InvalidInputError
from serving.settings import Limits, TensorNames
from serving.signature import TensorSpec

def status(name):
    return int(Path("/proc/self/status").read_text().partition(name)[2].split()[0]) * 1024

shape, length = json.loads(sys.argv[1])
packed = sys.stdin.buffer.read()
expected = Expected(TensorSpec(tuple(shape), "float64"), TensorNames(), Limits())
Path("/proc/self/clear_refs").write_text("5")
before, matrices, refused = status("VmHWM:"), 0, ""
try:
    request = read_request(inflate(io.BytesIO(packed), 64_000_000), length, expected)
    matrices = sum(1 for _ in request.matrices)
except InvalidInputError as error:
    refused = str(error)
print(json.dumps([status("VmHWM:") - before, matrices, refused]))
"""
MILLION = 1_000_000


class Cost(NamedTuple):
    peak_bytes: int
    matrices: int
    refused: str


def cost(body: bytes, *shape: int | None, length: int | None = None) -> Cost:
    """What reading a body took, above the process that had it packed."""
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, json.dumps([shape, length])],
        input=gzip.compress(body, 1),
        capture_output=True,
        env=environment(),
        check=True,
    )
    return Cost(*json.loads(done.stdout))


def stated(shape: list[int], data: bytes, more: bytes = b"") -> bytes:
    """A request for a tensor, and more in it."""
    head = f'"name": "input", "datatype": "FP64", "shape": {shape}, "data": '.encode()
    return b'{"inputs": [{%b%b}]%b}' % (head, data, more)


def repeated(value: bytes, count: int) -> bytes:
    """An array of the same, again and again."""
    return b"[" + (value + b",") * (count - 1) + value + b"]"


def keys(count: int) -> bytes:
    """An object of many keys."""
    return b"{" + b",".join(b'"k%d":%d' % (i, i) for i in range(count)) + b"}"


@pytest.mark.parametrize(
    ("make", "matrices"),
    [
        pytest.param(lambda: stated([6390, 5000], repeated(b"0", 6390 * 5000)), 6390, id="flat"),
        pytest.param(
            lambda: stated([1000, 5000], repeated(repeated(b"-0", 5000), 1000)), 1000, id="nested"
        ),
    ],
)
def test_numbers_in_json_are_read_in_pieces(make: Callable[[], bytes], matrices: int) -> None:
    """The packed body is unpacked in pieces, which are joined: twice its size."""
    body = make()
    found = cost(body, 5000)
    assert (found.matrices, found.refused) == (matrices, "")
    assert found.peak_bytes < 2.2 * len(body)


def test_bytes_are_read_in_blocks() -> None:
    """Not even joined, where the JSON says how many there are."""
    header = json.dumps(
        {
            "inputs": [
                {
                    "name": "input",
                    "datatype": "FP64",
                    "shape": [1590, 5000],
                    "parameters": {"binary_data_size": 63_600_000},
                }
            ]
        }
    ).encode()
    found = cost(header + bytes(63_600_000), 5000, length=len(header))
    assert (found.matrices, found.refused) == (1590, "")
    assert found.peak_bytes < 10_000_000


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(
            lambda: stated([1, 5000], repeated(b"0", 31 * MILLION)),
            "expected 5,000 values, got more",
            id="numbers",
        ),
        pytest.param(
            lambda: stated([1, 5000], repeated(b"[]", 7 * MILLION)), "neither flat nor", id="lists"
        ),
        pytest.param(
            lambda: stated([1, 5000], repeated(b"{}", 7 * MILLION)), "got object", id="objects"
        ),
        pytest.param(
            lambda: stated([1, 5000], repeated(b"0", 10 * MILLION)[:-2] + b"NaN]"),
            "NaN is not finite",
            id="NaN at the end",
        ),
        pytest.param(
            lambda: stated([1, 5000], b'"' + b"0" * 20 * MILLION + b'"'), "an array", id="text"
        ),
        pytest.param(
            lambda: b'{"inputs": %b}' % repeated(stated([1], b"[]")[12:-2], MILLION // 10),
            "length 1 - at inputs",
            id="inputs",
        ),
        pytest.param(
            lambda: b'{"inputs": %b}' % repeated(b"{}", 2 * MILLION), "at inputs", id="empty inputs"
        ),
        pytest.param(lambda: stated([1] * MILLION, b"[]"), "inputs[0].shape: more", id="shape"),
        pytest.param(
            lambda: stated([1, 5000], b"[]", b',"parameters":' + keys(MILLION)),
            "parameters: more than",
            id="parameters",
        ),
        pytest.param(
            lambda: stated([1, 5000], b"[]", b',"outputs":' + repeated(b'{"name":""}', MILLION)),
            "outputs: more than",
            id="outputs",
        ),
        pytest.param(
            lambda: stated([1, 5000], b"[]", b',"other":' + repeated(b"[{}]", 4 * MILLION)),
            "expected 5,000 values, got 0",
            id="unknown",
        ),
        pytest.param(
            lambda: stated([1, 5000], b"[]", b"," + keys(MILLION)[1:-1]),
            "expected 5,000 values, got 0",
            id="unknown keys",
        ),
        pytest.param(
            lambda: stated([1, 5000], b"[]", b',"id":"%b"' % (b"x" * 20 * MILLION)),
            "id: more than",
            id="id",
        ),
        pytest.param(
            lambda: stated([1, 5000], b"[]", b',"id":"%b"' % ("🦉" + "x" * 20 * MILLION).encode()),
            "id: more than",
            id="id of wide letters",
        ),
    ],
)
def test_what_is_refused_costs_little(make: Callable[[], bytes], reason: str) -> None:
    body = make()
    found = cost(body, 5000)
    assert found.matrices == 0
    assert reason in found.refused
    assert found.peak_bytes < 3 * len(body) + 2 * MILLION


@pytest.mark.parametrize("shape", [[1, MILLION], [1, MILLION, 1], [1, 1, MILLION], [1, 1000, 1000]])
def test_a_shape_alone_costs_little(shape: list[int]) -> None:
    """A short request says that it has much, and has not."""
    found = cost(stated(shape, b"[1]"), *[None] * len(shape[1:]))
    assert "neither" not in found.refused
    assert found.matrices == 0
    assert found.peak_bytes < 10 * MILLION
