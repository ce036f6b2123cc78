"""The parts of a request beside its data: parameters, id, outputs, the length of the JSON."""

import json
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.support.inference import (
    LENGTH,
    Sent,
    asked,
    binary,
    error,
    infer,
    output,
    tensor_of,
    told,
)

VALUES = np.array([[1.0, 2.0, 3.0]])


@pytest.mark.parametrize(
    "name", ["shared_memory_region", "classification", "shared_memory_region_x", "unknown"]
)
def test_extensions_that_change_the_answer_are_refused(three: TestClient, name: str) -> None:
    ignored = name in {"shared_memory_region_x", "unknown"}
    output_with = [{"name": "output", "parameters": {name: 1}}]
    for sent, place in (
        (asked(parameters={name: "x"}), "parameters"),
        (told(parameters={name: 0}), "inputs[0].parameters"),
        (asked(outputs=output_with), "outputs[0].parameters"),
    ):
        answer = infer(three, sent)
        if ignored:
            assert output(answer).shape == (1, 3)
        else:
            assert error(answer) == f"{place}.{name}: this extension is not supported"


@pytest.mark.parametrize("value", [[], {}, None, [1], {"a": 1}])
def test_parameters_are_scalars(three: TestClient, value: Any) -> None:
    good = {"a": "b", "c": 1, "d": 1.5, "e": True, "binary_data": 5}
    sent = json.loads(asked(parameters=good)[0])
    sent["inputs"][0]["parameters"] = good
    sent["outputs"] = [{"name": "output", "parameters": good | {"binary_data": False}}]
    assert output(infer(three, (json.dumps(sent).encode(), {}))).shape == (1, 3)
    bad = good | {"x": value}
    assert "at parameters[...]" in error(infer(three, asked(parameters=bad)))
    assert "at inputs[0].parameters[...]" in error(infer(three, told(parameters=bad)))
    outputs = [{"name": "output", "parameters": bad}]
    assert "at outputs[0].parameters[...]" in error(infer(three, asked(outputs=outputs)))


@pytest.mark.parametrize(
    ("sent", "place"),
    [
        (asked(parameters=5), "parameters"),
        (asked(parameters=[]), "parameters"),
        (told(parameters="x"), "inputs[0].parameters"),
        (told(shape=5), "inputs[0].shape"),
        (told(shape={}), "inputs[0].shape"),
        (asked(outputs={}), "outputs"),
        (asked(outputs="output"), "outputs"),
    ],
)
def test_parts_of_another_type_are_named(three: TestClient, sent: Sent, place: str) -> None:
    assert place in error(infer(three, sent))


@pytest.mark.parametrize(
    "place", ["parameters", "inputs[0].parameters", "inputs[0].shape", "outputs"]
)
def test_long_parts_are_refused_unread(three: TestClient, place: str) -> None:
    long = {
        "parameters": asked(parameters={"x": "y" * 10_000}),
        "inputs[0].parameters": told(parameters={str(i): i for i in range(2000)}),
        "inputs[0].shape": told(shape=[1] * 10_000),
        "outputs": asked(outputs=[{"name": "output"}] * 1000),
    }[place]
    assert error(infer(three, long)) == f"{place}: more than 10,000 bytes"


@pytest.mark.parametrize(
    "id",
    [
        pytest.param("", id="empty"),
        pytest.param("42", id="digits"),
        pytest.param('a "b" \\ c', id="quotes"),
        pytest.param("Grüße ☃ 🦉", id="letters"),
        pytest.param("\u0000\u001f\u2028", id="control characters"),
        pytest.param("🦉" * 256, id="long"),
    ],
)
def test_the_id_comes_back(three: TestClient, id: str) -> None:
    assert infer(three, asked(id=id)).json()["id"] == id
    answer = infer(three, binary(VALUES, "FP64", id=id, parameters={"binary_data_output": True}))
    assert json.loads(answer.content[: int(answer.headers[LENGTH])])["id"] == id
    assert tensor_of(answer.content, answer.headers[LENGTH]).tolist() == VALUES.tolist()


@pytest.mark.parametrize("more", [{}, {"id": None}])
def test_no_id_comes_back_where_none_was_sent(three: TestClient, more: Any) -> None:
    assert "id" not in infer(three, asked(**more)).json()


@pytest.mark.parametrize(
    ("id", "reason"),
    [
        ("x" * 257, "id: more than 256 characters"),
        (5, "at id"),
        (["a"], "at id"),
        (True, "at id"),
        ({}, "at id"),
    ],
    ids=["long", "number", "list", "bool", "object"],
)
def test_other_ids_are_refused(three: TestClient, id: Any, reason: str) -> None:
    assert reason in error(infer(three, asked(id=id)))


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        ([], None),
        ([{"name": "output"}], None),
        ([{"name": "output", "parameters": {}}], None),
        ([{"name": "output", "parameters": None}], None),
        ([{"name": "output", "unknown": []}], None),
        ([{"name": "other"}], 'outputs[0].name: expected "output", got "other"'),
        ([{"name": "input"}], 'expected "output", got "input"'),
        ([{"name": "x" * 1000}], f'got "{"x" * 60}"'),
        ([{"name": "output"}] * 2, "once at most, got 2"),
        ([{"name": "output"}, {"name": "other"}], "once at most, got 2"),
        ([{}], "missing required field name - at outputs[0]"),
        ([5], "at outputs[0]"),
        ([{"name": None}], "at outputs[0].name"),
    ],
)
def test_outputs_are_ours_or_refused(
    three: TestClient, outputs: list[Any], reason: str | None
) -> None:
    answer = infer(three, asked(outputs=outputs))
    if reason is None:
        assert output(answer).tolist() == VALUES.tolist()
    else:
        assert reason in error(answer)


def test_the_length_of_the_json_is_one_of_bytes(three: TestClient) -> None:
    content = json.loads(binary(VALUES, "FP64")[0][:-24]) | {"id": "ä☃"}
    header = json.dumps(content, ensure_ascii=False).encode()
    sent = header + VALUES.tobytes(), {LENGTH: str(len(header))}
    assert infer(three, sent).json()["id"] == "ä☃"
