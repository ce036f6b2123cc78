"""The JSON of a request: what is read, and what is refused by its place."""

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.support.inference import Sent, error, infer, output, told

VALUES = np.array([[1.0, 2.0, 3.0]])
INPUT = '{"name": "input", "datatype": "FP64", "shape": [1, 3], "data": [1, 2, 3]'
ZEROS = INPUT.replace("1, 2, 3", "0, 0, 0")
WHOLE = f'{{"inputs": [{INPUT}}}]}}'


def written(content: str | bytes) -> Sent:
    return content.encode() if isinstance(content, str) else content, {}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(f" \t\r\n{WHOLE}\r\n ", id="blanks around"),
        pytest.param(WHOLE.replace("[1, 2, 3]", "\n [\t1 ,\r\n2 , 3 ]\t"), id="blanks inside"),
        pytest.param(WHOLE.replace("input", "\\u0069nput"), id="escapes"),
        pytest.param(WHOLE.replace('"inputs"', '"input\\u0073"'), id="escapes in a key"),
        pytest.param(f'{WHOLE[:-1]}, "other": [[{{"a": "}}]"}}]]}}', id="unknown keys"),
        pytest.param(WHOLE.replace('{"name', '{"x": null, "name'), id="unknown keys inside"),
        pytest.param(f'{{"inputs": [{ZEROS}}}], {WHOLE[1:]}', id="a key twice: the last counts"),
        pytest.param(WHOLE.replace('"data', '"data": [7], "data'), id="data twice"),
        pytest.param(f'{WHOLE[:-1]}, "id": null, "parameters": null}}', id="null"),
        pytest.param(f'{WHOLE[:-1]}, "outputs": null}}', id="null outputs"),
        pytest.param(WHOLE.replace("]}", '], "parameters": null}', 1), id="null in the input"),
    ],
)
def test_requests_are_read_as_json(three: TestClient, content: str) -> None:
    assert output(infer(three, written(content))).tolist() == VALUES.tolist()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param("", "the request", id="empty"),
        pytest.param(" ", "the request", id="blank"),
        pytest.param("null", "got null", id="null"),
        pytest.param("5", "got int", id="a number"),
        pytest.param(f"[{WHOLE}]", "got array", id="in a list"),
        pytest.param(WHOLE[:-1], "the request", id="cut"),
        pytest.param(WHOLE + "x", "byte", id="garbage behind"),
        pytest.param(WHOLE * 2, "byte", id="twice"),
        pytest.param(WHOLE.replace('"', "'"), "malformed", id="other quotes"),
        pytest.param(WHOLE.replace(", 3]", ", 3,]"), "trailing comma", id="comma"),
        pytest.param(WHOLE.replace("1, 2", "1,, 2"), "malformed", id="two commas"),
        pytest.param(WHOLE.replace("1, 2", "1 2"), "malformed", id="no comma"),
        pytest.param(f"{WHOLE[:-1]}, // why\n}}", "malformed", id="comment"),
        pytest.param(f"\ufeff{WHOLE}", "malformed", id="BOM"),
        pytest.param(WHOLE.encode("utf-16"), "malformed", id="UTF-16"),
        pytest.param(WHOLE.encode().replace(b"input", b"\xff", 2), "inputs", id="bad key"),
        pytest.param(WHOLE.encode().replace(b'input"', b'i\xff"'), "utf-8", id="bad text"),
        pytest.param(WHOLE.encode().replace(b"[1,", b"[\xff,"), "malformed", id="bad data"),
        pytest.param(WHOLE.encode().replace(b"[1,", b'["\xff",'), "got str", id="bad word"),
        pytest.param(
            f'{WHOLE[:-1]}, "id": "\ud800"}}'.encode(errors="surrogatepass"),
            "utf-8",
            id="half a letter",
        ),
        pytest.param(f'{WHOLE[:-1]}, "id": "\\ud800"}}', "the request", id="half an escape"),
        pytest.param("[" * 100_000, "got array", id="deep"),
        pytest.param('{"inputs":' + "[" * 100_000, "inputs[0]", id="deep inputs"),
        pytest.param('{"a":' * 100_000, "too deeply", id="deep objects"),
        pytest.param(f'{WHOLE[:-1]}, "x": {"[" * 100_000}', "too deeply", id="deep elsewhere"),
        pytest.param(WHOLE.replace("[1, 2, 3]", "[" * 100_000), "too deeply", id="deep data"),
        pytest.param(
            WHOLE.replace("1, 2, 3", "[" * 100_000 + "]" * 100_000),
            "too deeply",
            id="deep data, closed",
        ),
    ],
)
def test_what_is_no_json_is_refused(three: TestClient, content: str | bytes, reason: str) -> None:
    assert reason in error(infer(three, written(content)))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param("{}", "missing required field inputs", id="nothing"),
        pytest.param('{"inputs": null}', "at inputs", id="null"),
        pytest.param('{"inputs": {}}', "at inputs", id="an object"),
        pytest.param('{"inputs": []}', "length 1 - at inputs", id="no input"),
        pytest.param(f'{{"inputs": [{INPUT}}}, {INPUT}}}]}}', "length 1", id="two inputs"),
        pytest.param(f'{WHOLE[:-1]}, "inputs": []}}', "length 1", id="twice, the last has none"),
        pytest.param('{"inputs": [5]}', "at inputs[0]", id="a number"),
        pytest.param('{"inputs": [{}]}', "field name - at inputs[0]", id="empty"),
        pytest.param(
            told(name="other"), 'inputs[0].name: expected "input", got "other"', id="other name"
        ),
        pytest.param(told(name="x" * 5000), f'got "{"x" * 60}"', id="long name"),
        pytest.param(told(name=""), 'got ""', id="empty name"),
        pytest.param(told(name=5), "at inputs[0].name", id="name is a number"),
        pytest.param(told(datatype=None), "field datatype - at inputs[0]", id="no datatype"),
        pytest.param(told(datatype=32), "at inputs[0].datatype", id="datatype is a number"),
        pytest.param(told(shape=None), "field shape - at inputs[0]", id="no shape"),
        pytest.param(told(data=None), "inputs[0]: neither data nor binary_data_size", id="no data"),
        pytest.param(WHOLE.replace("[1, 2, 3]", "null"), "neither data nor", id="null data"),
        pytest.param(told(data={}), "data: expected an array of numbers", id="data is an object"),
        pytest.param(told(data="[1, 2, 3]"), "expected an array", id="data is text"),
        pytest.param(told(data=1), "expected an array", id="data is a number"),
    ],
)
def test_inputs_are_refused_by_their_place(
    three: TestClient, content: str | Sent, reason: str
) -> None:
    sent = content if isinstance(content, tuple) else written(content)
    refused = error(infer(three, sent))
    assert reason in refused
    assert len(refused) < 400
