"""The same matrices give the same numbers in whatever form and datatype they are sent."""

from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from serving.documents import Matrix
from tests.predict.v2.conftest import Echoes
from tests.support.documents import npz, xml
from tests.support.inference import (
    binary,
    error,
    every_form,
    flat,
    infer,
    nested,
    output,
    packed,
    raw,
    text,
)

RNG = np.random.default_rng(7)
MATRICES = RNG.standard_normal((32, 5000, 1)).astype(np.float32).astype(np.float64)


def predictions(client: TestClient, body: bytes, content_type: str) -> Any:
    answer = client.post("/predictions", content=body, headers={"content-type": content_type})
    return np.array([p["output"] for p in answer.json()["predictions"]])


@pytest.mark.parametrize("count", [1, 3, 32])
def test_every_form_gives_the_numbers_of_predictions(client: TestClient, count: int) -> None:
    values = MATRICES[:count]
    document = [Matrix(str(i), matrix) for i, matrix in enumerate(values)]
    wanted = predictions(client, npz(document), "application/x-npz")
    assert wanted.shape == (count, 2)
    inline = predictions(client, xml(document), "application/xml")
    found = {name: output(infer(client, sent)) for name, sent in every_form(values).items()}
    same = {name: (array.astype(float) == wanted).all() for name, array in found.items()}
    assert (inline == wanted).all()
    assert same == dict.fromkeys(found, True)


def test_json_answers_have_the_digits_of_predictions(client: TestClient) -> None:
    sent = {"content-type": "application/x-npz"}
    answer = client.post("/predictions", content=npz([Matrix("0", MATRICES[0])]), headers=sent)
    digits = answer.text.partition('"output":')[2].removesuffix("}]}")
    assert f'"data":{digits}}}]}}' in infer(client, flat(MATRICES[:1])).text


@pytest.mark.parametrize(
    "content_type", ["", "application/xml", "text/plain; charset=utf-16", "multipart/form-data"]
)
def test_the_content_type_does_not_matter(client: TestClient, content_type: str) -> None:
    for sent in (flat(MATRICES[:1]), binary(MATRICES[:1])):
        answer = infer(client, sent, **{"content-type": content_type})
        assert output(answer).shape == (1, 2)


@pytest.mark.parametrize(
    ("signature", "shape"),
    [
        pytest.param((), (5,), id="a number"),
        pytest.param((3,), (4, 3), id="a row"),
        pytest.param((2, 3), (4, 2, 3), id="2 dimensions"),
        pytest.param((2, 3, 4), (2, 2, 3, 4), id="3 dimensions"),
        pytest.param((1, 1, 1, 1), (3, 1, 1, 1, 1), id="nothing but ones"),
        pytest.param((None,), (3, 7), id="open"),
        pytest.param((None, 3), (3, 7, 3), id="open and closed"),
        pytest.param((None, None), (2, 7, 1), id="2 open"),
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int32"])
def test_forms_agree_for_other_signatures(
    echo: Echoes, signature: tuple[int | None, ...], shape: tuple[int, ...], dtype: str
) -> None:
    client = echo(signature, dtype)
    values = RNG.integers(-1000, 1000, shape).astype(np.float64)
    datatypes = ("FP64", "FP32", "INT64", "INT16")
    forms = [form(values, datatype) for form in (flat, nested, binary) for datatype in datatypes]
    for sent in (*forms, *(packed(sent, "deflate") for sent in forms)):
        answer = output(infer(client, sent))
        assert (answer.shape, answer.dtype) == (shape, np.dtype(dtype))
        assert (answer == values).all()


@pytest.mark.parametrize(
    ("signature", "count", "shape"),
    [
        pytest.param((), 5, (5,), id="numbers"),
        pytest.param((3,), 12, (4, 3), id="rows"),
        pytest.param((2, 3), 12, (2, 2, 3), id="matrices"),
        pytest.param((None,), 12, (1, 12), id="open, so one matrix"),
        pytest.param((None, 3), 12, (1, 4, 3), id="open and closed, so one matrix"),
    ],
)
def test_the_length_of_a_raw_body_says_its_shape(
    echo: Echoes, signature: tuple[int | None, ...], count: int, shape: tuple[int, ...]
) -> None:
    values = np.arange(count, dtype=np.float64)
    answer = output(infer(echo(signature, "int32"), raw(values, "INT32")))
    assert answer.tolist() == values.reshape(shape).tolist()


@pytest.mark.parametrize(
    ("signature", "size_bytes", "reason"),
    [
        pytest.param((3,), 0, "a body of 0 bytes: expected 8 for each value, of FP64", id="empty"),
        pytest.param((3,), 7, "a body of 7 bytes", id="no value"),
        pytest.param((3,), 25, "a body of 25 bytes", id="a byte more"),
        pytest.param((3,), 32, "expected a multiple of 3 values", id="a value more"),
        pytest.param((None, 3), 32, "expected a multiple of 3 values", id="open"),
        pytest.param((None, None), 24, "leaves 2 dimensions open", id="2 open"),
        pytest.param((None,), 8_000_008, "in one request", id="too long"),
    ],
)
def test_raw_bodies_of_another_length_are_refused(
    echo: Echoes, signature: tuple[int | None, ...], size_bytes: int, reason: str
) -> None:
    assert reason in error(infer(echo(signature), (bytes(size_bytes), raw(np.zeros(0))[1])))


def test_numbers_in_json_are_of_the_datatype_that_is_stated(echo: Echoes) -> None:
    """FP32 to a model of float64: the float32 that the sender has, not its decimal spelling."""
    client = echo((3,))
    for datatype, dtype in (("FP16", np.float16), ("FP32", np.float32), ("FP64", np.float64)):
        answer = output(infer(client, text("[0.1, 1e-3, 3.14159265358979]", datatype=datatype)))
        wanted = np.array([[0.1, 1e-3, 3.14159265358979]], dtype=dtype).astype(np.float64)
        assert answer.tolist() == wanted.tolist()


def test_open_dimensions_may_differ_between_requests(echo: Echoes) -> None:
    client = echo((None, 2))
    for length in (1, 40, 7):
        values = RNG.standard_normal((3, length, 2))
        assert (output(infer(client, binary(values, "FP64"))) == values).all()
