"""Shapes, and how much data there is: both sides must say the same."""

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from tests.predict.v2.conftest import Echoes
from tests.support.inference import (
    LENGTH,
    Sent,
    asked,
    behind,
    binary,
    error,
    flat,
    infer,
    output,
    packed,
    request,
    told,
)

VALUES = np.arange(6.0).reshape(2, 3)
BODY, HEADERS = binary(VALUES, "FP64")


def sized(size: Any, **more: Any) -> Sent:
    """A request for two matrices that states this size."""
    stated = {"parameters": {"binary_data_size": size}} | more
    return behind(request(VALUES, "FP64", stated), VALUES.tobytes())


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ([], "expected shape [-1, 3], got []"),
        ([3], "got [3]"),
        ([0, 3], "got [0, 3]"),
        ([-1, 3], "got [-1, 3]"),
        ([1, -3], "got [1, -3]"),
        ([-1, -3], "got [-1, -3]"),
        ([1, 0], "got [1, 0]"),
        ([1, 4], "got [1, 4]"),
        ([3, 1], "got [3, 1]"),
        ([1, 3, 1], "got [1, 3, 1]"),
        ([1, 1, 3], "got [1, 1, 3]"),
        ([1, 10**18], "got [1, 1000000000000000000]"),
        ([1] * 3000, "got [1, 1, 1"),
        ([1, 10**3000], "expected shape [-1, 3], got [1, 1000"),
        ([10**18, 3], "matrices; the limit is 1,000,000"),
        ([1_000_001, 3], "1,000,001 matrices; the limit is 1,000,000"),
        ([1.0, 3], "got float - at inputs[0].shape[0]"),
        ([1, 3.5], "got float - at inputs[0].shape[1]"),
        (["1", 3], "got str - at inputs[0].shape[0]"),
        ([True, 3], "got bool - at inputs[0].shape[0]"),
        ([None, 3], "got null - at inputs[0].shape[0]"),
        ([[1, 3]], "got array - at inputs[0].shape[0]"),
        ([1] * 10_000, "inputs[0].shape: more than 10,000 bytes"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_other_shapes_are_refused(three: TestClient, shape: Any, reason: str) -> None:
    for sent in (told(shape=shape), sized(48, shape=shape)):
        refused = error(infer(three, sent))
        assert reason in refused
        assert len(refused) < 400


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ([1, 10**6 + 1, 1], "1,000,001 values a matrix; the limit is 1,000,000"),
        ([1, 10**9, 10**9], "values a matrix; the limit is 1,000,000"),
        ([1, 10**4200, 10**4200], "got [1, 1000"),
        ([10**18, 10**18, 10**18], "matrices; the limit is 1,000,000"),
        ([1, 0, 5], "expected shape [-1, -1, -1], got [1, 0, 5]"),
        ([1, -2, -3], "got [1, -2, -3]"),
        ([1_000_000, 1000, 1000], "expected 1,000,000,000,000 values, got 3"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_open_dimensions_have_limits(echo: Echoes, shape: list[int], reason: str) -> None:
    assert reason in error(infer(echo((None, None)), told(shape=shape)))


def test_limits_of_matrices_and_values_can_be_set(echo: Echoes) -> None:
    client = echo((None,), LIMIT_MATRICES="2", LIMIT_MATRIX_VALUES="3")
    assert output(infer(client, flat(np.ones((2, 3))))).shape == (2, 3)
    for shape, reason in (((3, 1), "3 matrices"), ((1, 4), "4 values a matrix")):
        for sent in (flat(np.ones(shape)), binary(np.ones(shape))):
            assert reason in error(infer(client, sent))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ([], "expected 6 values, got 0"),
        ([1], "expected 6 values, got 1"),
        ([1, 2, 3], "expected 6 values, got 3"),
        ([1] * 5, "expected 6 values, got 5"),
        ([1] * 7, "expected 6 values, got more"),
        ([1] * 100_000, "expected 6 values, got more"),
        ([[1, 2, 3]], "expected 6 values, got 3"),
        ([[1, 2, 3]] * 3, "neither flat nor nested as its shape [2, 3]"),
        ([[1, 2], [3, 4], [5, 6]], "neither flat nor nested"),
        ([[1, 2, 3, 4], [5, 6]], "neither flat nor nested"),
        ([[1, 2, 3, 4, 5, 6]], "neither flat nor nested"),
        ([[[1, 2, 3], [4, 5, 6]]], "neither flat nor nested"),
        ([[[1, 2, 3]], [[4, 5, 6]]], "neither flat nor nested"),
        ([[1], [2], [3], [4], [5], [6]], "neither flat nor nested"),
        ([[1, 2, 3], 4, 5, 6], "neither flat nor nested"),
        ([1, 2, 3, [4, 5, 6]], "neither flat nor nested"),
        ([[1, 2, 3], [4, 5, 6], []], "neither flat nor nested"),
        ([[], [1, 2, 3], [4, 5, 6]], "neither flat nor nested"),
        ([[1, 2, 3], []], "neither flat nor nested"),
        ([[]], "neither flat nor nested"),
        ([[1, 2, [3]], [4, 5, 6]], "neither flat nor nested"),
        ([[1, 2, 3], [4, 5, "]"]], "neither flat nor nested"),
        ([[1, 2, 3], [4, "],[", 6]], "neither flat nor nested"),
        (["[", 1, 2, 3, 4, 5], "neither flat nor nested"),
        ([["],[", 2, 3], [4, 5]], "neither flat nor nested"),
        (["]", 1, 2, 3, 4, 5], 'matrix "0": value 0: Expected float, got str'),
        ([[1, 2, 3], [4, 5, "6"]], 'matrix "1": value 2: Expected float, got str'),
        ([1, 2, 3, 4, None, 6], 'matrix "1": value 1: Expected float, got null'),
        ([1, True, 3, 4, 5, 6], 'matrix "0": value 1: Expected float, got bool'),
        ([1, 2, 3, {}, 5, 6], 'matrix "1": value 0: Expected float, got object'),
    ],
    ids=lambda value: str(value)[:40],
)
def test_other_data_in_json_is_refused(three: TestClient, data: Any, reason: str) -> None:
    assert reason in error(infer(three, told(shape=[2, 3], data=data)))


@pytest.mark.parametrize(
    "size", [0, -1, -48, 47, 49, 24, 10**18, 10**30, 48.0, "48", True, "", 1.5], ids=repr
)
def test_another_size_of_bytes_is_refused(three: TestClient, size: Any) -> None:
    refused = error(infer(three, sized(size)))
    assert "binary_data_size" in refused or "parameters" in refused


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        pytest.param((BODY[:-1], HEADERS), "expected 48 bytes of the tensor, got 47", id="cut"),
        pytest.param((BODY[:-48], HEADERS), "expected 48 bytes of the tensor, got 0", id="none"),
        pytest.param((BODY + b"x", HEADERS), "bytes after the end of the tensor", id="more"),
        pytest.param((BODY * 2, HEADERS), "bytes after the end of the tensor", id="twice"),
        pytest.param((BODY, {}), "the request", id="no header"),
        pytest.param(
            (BODY[:-48], {}), "no header Inference-Header-Content-Length", id="no header, no bytes"
        ),
        pytest.param(sized(48, data=[1] * 6), "both data and binary_data_size", id="both"),
        pytest.param(sized(48, parameters={}), "neither data nor binary_data_size", id="neither"),
        pytest.param(
            behind(request(VALUES, "FP64", {"data": [0] * 6}), b"x"),
            "bytes after the JSON, and no binary_data_size",
            id="bytes, but data",
        ),
    ],
)
def test_other_bytes_are_refused(three: TestClient, sent: Sent, reason: str) -> None:
    assert reason in error(infer(three, sent))
    if sent[0]:
        for encoding in ("gzip", "deflate"):
            assert reason in error(infer(three, packed(sent, encoding)))


@pytest.mark.parametrize(
    "length", ["-1", "+5", "5.0", "1e3", "0x10", "five", "", " ", "5, 5", "9" * 16, "\u0665"]
)
def test_the_length_of_the_json_is_a_number(three: TestClient, length: str) -> None:
    body, _ = asked()
    headers = [(LENGTH.encode(), length.encode())]
    answer = three.post("/v2/models/demo/infer", content=body, headers=headers)
    assert "expected a length in bytes" in error(answer)


@pytest.mark.parametrize("length", [1, 20, len(BODY) - 49, len(BODY) - 47])
def test_another_length_of_the_json_is_refused(three: TestClient, length: int) -> None:
    assert "the request" in error(infer(three, (BODY, {LENGTH: str(length)})))


@pytest.mark.parametrize("encoding", [None, "gzip", "deflate"])
@pytest.mark.parametrize("length", [len(BODY) + 1, 10**9, 10**15 - 1])
def test_json_that_is_longer_than_the_body_is_refused(
    three: TestClient, length: int, encoding: str | None
) -> None:
    sent = BODY, {LENGTH: str(length)}
    answer = infer(three, packed(sent, encoding) if encoding else sent)
    assert f"is {length}, the body has {len(BODY)} bytes" in error(answer)


def test_data_in_json_may_have_its_length_in_the_header(three: TestClient) -> None:
    body, _ = asked()
    for spelled in (f"{len(body)}", f"000{len(body)}"):
        assert output(infer(three, (body, {LENGTH: spelled}))).tolist() == [[1, 2, 3]]
