"""Numbers in JSON: as Python's own reader has them, or refused by both."""

import io
import json
from typing import Any, NoReturn

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from predict.v2 import numbers
from predict.v2.request import Expected, read_request
from serving.errors import InvalidInputError
from serving.settings import Limits, TensorNames
from serving.signature import TensorSpec
from tests.predict.v2.conftest import Echoes
from tests.support.inference import error, infer, nested, output, text

SPELLINGS = [
    "0",
    "-0",
    "-0.0",
    "-0e7",
    "0E-99999999999999999999",
    "1e5",
    "1E+05",
    "1.5e-0000000000000000000000000000000000000003",
    "5e-324",
    "2.4703282292062328e-324",
    "2.4703282292062327e-324",
    "2.2250738585072011e-308",
    "1e-400",
    "1.7976931348623157e308",
    "1.7976931348623158e+308",
    "9007199254740993",
    "9007199254740993.00000000000000000000000000000000001",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775809",
    "123456789012345678901234567890",
    "0.1000000000000000055511151231257827021181583404541015625",
    "1" + "0" * 308,
    "0." + "0" * 400 + "1e401",
    "0." + "3" * 2_000,
]
NO_NUMBERS = [
    "NaN",
    "Infinity",
    "-Infinity",
    "nan",
    "1e309",
    "-1e999",
    "1.7976931348623159e308",
    "1" + "0" * 309,
    "9" * 5_000,
    "null",
    "true",
    "false",
    '"1"',
    '""',
    "[]",
    "{}",
    '{"a": 1}',
    "01",
    "-01",
    "+1",
    ".5",
    "1.",
    "1.e5",
    "1e",
    "1e+",
    "-",
    "--1",
    "- 1",
    "1 2",
    "0x10",
    "1_000",
    "1,5,",
    "1;2",
    "٣",
    "1\\u0030",
    "1\x00",
    "1\f",
    "1\u00a0",
    "/**/1",
    "",
]


@pytest.mark.parametrize("number", SPELLINGS, ids=lambda number: number[:30])
def test_numbers_are_those_of_every_json_reader(three: TestClient, number: str) -> None:
    data = f"[{number}, 7, {number}]"
    wanted = np.array(json.loads(data), dtype=np.float64)
    for spelled in (data, f"[{data}]", data.replace(" ", "\n\t\r ")):
        assert output(infer(three, text(spelled))).tobytes() == wanted.tobytes()


@pytest.mark.parametrize("number", NO_NUMBERS, ids=lambda number: repr(number[:30]))
def test_what_is_no_number_is_refused(three: TestClient, number: str) -> None:
    for data in (f"[{number},7,8]", f"[7,8,{number}]", f"[[7,{number},8]]", f"[[7,8,{number}]]"):
        refused = error(infer(three, text(data)))
        assert len(refused) < 200


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_is_not_finite_is_named(three: TestClient, word: str) -> None:
    """Python's json writes these words, and so do its users."""
    for data in (f"[{word}, 7, 8]", f"[[7, 8, {word}]]"):
        assert error(infer(three, text(data))).endswith("is not finite, and not JSON")


def test_a_number_that_is_none_is_named_wherever_it_is(
    three: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers are read by pieces: matrix and value count over all of them."""
    monkeypatch.setattr(numbers, "_PIECE_BYTES", 30)
    for position in range(33):
        values = ["1.25"] * 33
        values[position] = "1e999"
        refused = error(infer(three, text(f"[{','.join(values)}]", "[11, 3]")))
        matrix, value = divmod(position, 3)
        assert refused == f'matrix "{matrix}": value {value}: Number out of range'


@pytest.mark.parametrize("blanks", [" " * 63, " " * 64, "\n" + "\t" * 100], ids=len)
def test_blanks_do_not_matter(three: TestClient, blanks: str) -> None:
    wanted = [[1, 2, 3]]
    for data in ("[_1,2,3]", "[1_,2,3]", "[1,_2,3]", "[1,2,3_]", "[_[1,2,3]]", "[[_1,2,3]_]"):
        assert output(infer(three, text(data.replace("_", blanks)))).tolist() == wanted


@pytest.mark.parametrize("digits", [1_000, 1_001, 100_000])
def test_long_numbers_are_read(three: TestClient, digits: int) -> None:
    answer = infer(three, text(f"[1, 0.{'3' * digits}, 2]"))
    assert output(answer).tolist() == [[1, 1 / 3, 2]]


def test_numbers_longer_than_a_piece_are_refused(three: TestClient) -> None:
    refused = error(infer(three, text(f"[1, 0.{'3' * 300_000}, 2]")))
    assert refused.startswith('matrix "0": value 1 has more than ')


@pytest.mark.parametrize("indent", [None, 1, 4, 16, 40])
def test_nested_data_may_be_indented(echo: Echoes, indent: int | None) -> None:
    values = np.arange(24.0).reshape(2, 3, 2, 2)
    body, headers = nested(values, "FP64")
    sent = json.dumps(json.loads(body), indent=indent).encode(), headers
    assert (output(infer(echo((3, 2, 2)), sent)) == values).all()


def refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def by_python(data: str, shape: tuple[int, ...]) -> Any:
    """The values, by json and NumPy; None where they are not numbers of this shape."""
    try:
        found = json.loads(data, parse_constant=refuse)
    except ValueError:
        return None
    flat, depth = found, 1
    while isinstance(flat, list) and any(isinstance(part, list) for part in flat):
        if not all(isinstance(part, list) for part in flat):
            return None
        if any(len(part) != len(flat[0]) for part in flat):
            return None
        flat, depth = [value for part in flat for value in part], depth + 1
    if any(type(value) not in {int, float} for value in flat):
        return None
    try:
        values = np.array([float(value) for value in flat])
    except OverflowError:
        return None
    if depth > 1 and np.shape(found) != shape:
        return None
    return values if values.size == np.prod(shape) and np.isfinite(values).all() else None


def by_us(data: str, shape: tuple[int, ...], piece_bytes: int) -> Any:
    """The values, by the code; None where it refuses them."""
    body, _ = text(data, str(list(shape)))
    spec = TensorSpec((None,) * (len(shape) - 1), "float64")
    expected = Expected(spec, TensorNames(), Limits())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbers, "_PIECE_BYTES", piece_bytes)
        try:
            matrices = list(read_request(io.BytesIO(body), None, expected).matrices)
        except InvalidInputError:
            return None
    assert [matrix.values.shape for matrix in matrices] == [shape[1:]] * shape[0]
    return np.concatenate([matrix.values.ravel() for matrix in matrices])


FORMATS = ["{!r}", "{:.17g}", "{:.16e}", "{:.17E}", "{:.3e}", "{:.1f}", "{:.20g}", "{:.0f}"]
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SPELLED = (
    st.builds(str.format, st.sampled_from(FORMATS[:5]), FLOATS)
    | st.builds(str.format, st.sampled_from(FORMATS), st.floats(-1e9, 1e9))
    | st.integers(-(2**70), 2**70).map(str)
)
WORDS = ["null", "true", "NaN", "1e999", "-", "-0", "1 2", "1,2", "{}", '","', '"]"']
STRAY = st.sampled_from([*WORDS, "", "[]", "[1]", "1]", "],[", "[["])
BLANKS = st.sampled_from(["", "", "", " ", "\n ", "\t", "\r\n"])


@st.composite
def tensors(draw: st.DrawFn) -> tuple[str, tuple[int, ...]]:
    """A JSON text that is, or almost is, an array of a shape; and that shape."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    count = int(np.prod(shape))
    values = draw(st.lists(SPELLED, min_size=count, max_size=count))
    if draw(st.booleans()):
        for _ in range(draw(st.integers(1, 2))):
            values[draw(st.integers(0, count - 1))] = draw(STRAY)
    spaced = [f"{draw(BLANKS)}{value}{draw(BLANKS)}" for value in values]
    lengths = shape[1:] if draw(st.booleans()) else ()
    if draw(st.integers(0, 4)) == 0:
        lengths = tuple(draw(st.permutations(lengths)))
    for length in reversed(lengths):
        parts = [spaced[i : i + length] for i in range(0, len(spaced), length)]
        spaced = [f"[{','.join(part)}]{draw(BLANKS)}" for part in parts]
    return f"[{','.join(spaced)}]", shape


@given(tensors(), st.integers(80, 300))
def test_any_spelling_is_read_as_python_reads_it(
    tensor: tuple[str, tuple[int, ...]], piece_bytes: int
) -> None:
    data, shape = tensor
    wanted, found = by_python(data, shape), by_us(data, shape, piece_bytes)
    assert (found is None) == (wanted is None)
    if found is not None:
        assert found.tobytes() == wanted.tobytes()
