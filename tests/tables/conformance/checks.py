"""How a statement of the protocol is checked: what must come back."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from fastapi.testclient import TestClient
from httpx2 import Response
from jsonschema import Draft202012Validator

from tests.support.documents import npy
from tests.tables.conformance.asks import LENGTH, VALUES, Ask, Values

Check = Callable[[TestClient], None]

JSON, BINARY = "application/json", "application/octet-stream"
STRING = {"type": "string", "minLength": 1}
STRINGS = {"type": "array", "items": STRING, "minItems": 1}
TRUE = {"const": True}


@dataclass(frozen=True, slots=True)
class Row:
    """A statement of the specification, the check that it holds, and what Verger does.

    The check raises AssertionError with what was seen. `does` starts with "as stated" or with
    "differs"; then the check is of what it says.
    """

    id: str
    what: str
    level: Literal["MUST", "SHOULD", "MAY"]
    check: Check
    does: str = "as stated"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the specification."""

    title: str
    rows: Sequence[Row]


def show(answer: Response) -> str:
    """An answer, for the one who reads that a check failed."""
    return f"{answer.status_code} {dict(answer.headers)} {answer.content[:300]!r}"


def split(answer: Response) -> tuple[Any, bytes]:
    """The JSON of an answer, and the bytes behind it."""
    stated = answer.headers.get(LENGTH, str(len(answer.content)))
    assert stated.isdecimal(), show(answer)
    try:
        return json.loads(answer.content[: int(stated)]), answer.content[int(stated) :]
    except ValueError as cause:
        raise AssertionError(f"no JSON: {show(answer)}") from cause


def at(content: Any, place: str) -> Any:
    """The member at a place as "outputs.0.name"; all of it at ""."""
    found = content
    for name in filter(None, place.split(".")):
        try:
            found = found[int(name) if name.isdecimal() else name]
        except (LookupError, TypeError) as cause:
            raise AssertionError(f"no {place}: {content}") from cause
    return found


def member(ask: Ask, place: str, schema: Mapping[str, Any]) -> Check:
    """It is there, and as the schema says."""

    def check(client: TestClient) -> None:
        answer = ask(client)
        assert answer.status_code == 200, show(answer)
        found = at(split(answer)[0], place)
        assert Draft202012Validator(schema).is_valid(found), f"{place}: {found!r}"

    return check


def lacks(ask: Ask, place: str, name: str) -> Check:
    """What is at the place has no such member."""

    def check(client: TestClient) -> None:
        answer = ask(client)
        assert answer.status_code == 200, show(answer)
        content = split(answer)[0]
        found = at(content, place)
        assert "model_name" in content, show(answer)
        assert name not in found, show(answer)

    return check


def header(ask: Ask, name: str, value: str | None) -> Check:
    """A successful answer has this header; None for one that it must not have."""

    def check(client: TestClient) -> None:
        answer = ask(client)
        assert answer.status_code == 200, show(answer)
        assert at(split(answer)[0], "outputs.0"), show(answer)
        assert answer.headers.get(name) == value, show(answer)

    return check


def refused(ask: Ask, *words: str, status: int = 400) -> Check:
    """An error in the protocol's form, which names the place."""

    def check(client: TestClient) -> None:
        answer = ask(client)
        assert answer.status_code == status, show(answer)
        assert answer.headers.get("content-type") == JSON, show(answer)
        error = at(split(answer)[0], "error")
        assert isinstance(error, str), show(answer)
        assert all(word in error for word in words), f"{words}: {error}"

    return check


def output(answer: Response) -> list[float]:
    """The values of the answer's one output, wherever they are."""
    assert answer.status_code == 200, show(answer)
    content, data = split(answer)
    if "data" in (tensor := at(content, "outputs.0")):
        given: list[float] = tensor["data"]
        assert data == b"", show(answer)
        return given
    assert len(data) == at(tensor, "parameters.binary_data_size"), show(answer)
    return [float(value) for value in np.frombuffer(data, "<f4")]


def expected(client: TestClient, *matrices: Values) -> list[float]:
    """What the model says of the matrices, by POST /predictions: another way through the code."""
    document = npy(np.array(matrices, np.float32))
    answer = client.post("/predictions", content=document, headers={"content-type": BINARY})
    assert answer.status_code == 200, show(answer)
    return [value for row in at(answer.json(), "predictions") for value in row["output"]]


def predicts(ask: Ask, *matrices: Values) -> Check:
    """The request is read as these matrices; the answer is of them, in their order."""

    def check(client: TestClient) -> None:
        given, wanted = output(ask(client)), expected(client, *(matrices or [VALUES]))
        assert given == wanted, f"{given}, not {wanted}"

    return check


def every(*checks: Check) -> Check:
    """All of them."""

    def check(client: TestClient) -> None:
        for one in checks:
            one(client)

    return check
