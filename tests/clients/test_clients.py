"""Clients of the Open Inference Protocol, unchanged: what they see is what there is."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving import __version__
from tests.clients.report import INPUT, MODEL, OUTPUT, REQUESTS, VERSION
from tests.clients.runs import Case, Run, check_bits, run, run_python

SOME = 3
# A response of MANY in JSON has the 1,000 bytes that are worth packing; in bytes, of VERY_MANY.
MANY, VERY_MANY = 32, 128
COUNTS = (1, SOME, MANY)


def cases(counts: Sequence[int], *scenarios: str) -> list[Case]:
    return [(scenario, count) for scenario in scenarios for count in counts]


TRITON_BINARY = [
    *cases(COUNTS, "binary", "json_to_binary", "raw", "fp16"),
    *cases([SOME], "requested_binary", "json_without_outputs", "version", "parameters"),
    *cases([SOME], "request_id", "fp64_in_json", "request_body", "aio_binary"),
    *cases([SOME, MANY], "fp64", "gzip_request", "deflate_request", "gzip_both"),
    *cases([SOME, MANY, VERY_MANY], "gzip_response", "deflate_response"),
    *cases([VERY_MANY], "raw", "gzip_both", "request_body_gzip", "request_body_deflate"),
]
TRITON_TEXT = [
    *cases(COUNTS, "json", "binary_to_json"),
    *cases([SOME], "request_id_in_json", "request_body_in_json", "aio_json"),
    *cases([SOME], "gzip_request_in_json", "deflate_request_in_json"),
    *cases([SOME, MANY], "gzip_response_in_json", "deflate_response_in_json", "aio_gzip"),
]
TRITON = [*TRITON_BINARY, *TRITON_TEXT]
IDS = dict.fromkeys(["request_id", "request_id_in_json"], 'nächtlich/"7"')
IDS |= dict.fromkeys(["aio_binary", "aio_json", "aio_gzip"], "r0")
KSERVE_BINARY = cases(COUNTS, "binary", "json_to_binary")
KSERVE_TEXT = [
    *cases(COUNTS, "json", "binary_to_json", "dict"),
    *cases([SOME], "requested", "requested_over_all"),
]
KSERVE = [*KSERVE_BINARY, *KSERVE_TEXT]
TENSORS = {
    "inputs": [{"name": INPUT, "datatype": "FP32", "shape": [-1, 5000, 1]}],
    "outputs": [{"name": OUTPUT, "datatype": "FP32", "shape": [-1, 2]}],
}


@pytest.fixture(scope="module")
def triton(url: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    others = cases([SOME], "health", "metadata", "several", "refusals")
    return run("triton", url, tmp_path_factory.mktemp("triton"), [*TRITON, *others])


@pytest.fixture(scope="module")
def kserve(url: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    others = cases([SOME], "health", "several", "refusals")
    return run("kserve_client", url, tmp_path_factory.mktemp("kserve"), [*KSERVE, *others])


@pytest.mark.parametrize(("scenario", "count"), TRITON)
def test_triton_gets_the_very_numbers(triton: Run, scenario: str, count: int) -> None:
    check_bits(triton, scenario, count)


@pytest.mark.parametrize(("scenario", "count"), TRITON)
def test_triton_gets_what_it_asks_for(triton: Run, scenario: str, count: int) -> None:
    response = triton.saw(scenario, count)["response"]
    output: dict[str, Any] = {"name": OUTPUT, "datatype": "FP32", "shape": [count, 2]}
    if (scenario, count) in TRITON_BINARY:
        output["parameters"] = {"binary_data_size": count * 2 * 4}
    else:
        output["data"] = triton.expected(scenario, count).ravel().tolist()
    named = {"id": IDS[scenario]} if scenario in IDS else {}
    model = {"model_name": MODEL, "model_version": VERSION}
    assert response == model | named | {"outputs": [output]}


@pytest.mark.parametrize(
    ("scenario", "count", "encoding"),
    [
        ("gzip_response", SOME, None),
        ("gzip_response", MANY, None),
        ("gzip_response", VERY_MANY, "gzip"),
        ("deflate_response", SOME, None),
        ("deflate_response", MANY, None),
        ("deflate_response", VERY_MANY, "deflate"),
        ("gzip_response_in_json", SOME, None),
        ("gzip_response_in_json", MANY, "gzip"),
        ("deflate_response_in_json", SOME, None),
        ("deflate_response_in_json", MANY, "deflate"),
        ("request_body_gzip", VERY_MANY, "gzip"),
        ("request_body_deflate", VERY_MANY, "deflate"),
    ],
)
def test_triton_gets_a_packed_response_where_that_is_worth_it(
    triton: Run, scenario: str, count: int, encoding: str | None
) -> None:
    seen = triton.saw(scenario, count)
    headers = seen["headers"]
    assert headers.get("content-encoding") == encoding
    if (scenario, count) in TRITON_BINARY:
        whole = int(headers["inference-header-content-length"]) + count * 2 * 4
        assert headers["content-type"] == "application/octet-stream"
    else:
        whole = len(json.dumps(seen["response"], separators=(",", ":")))
        assert headers["content-type"] == "application/json"
        assert "inference-header-content-length" not in headers
    sent = int(headers["content-length"])
    assert (sent < whole) if encoding else (sent == whole)


def test_triton_sees_that_server_and_model_are_ready(triton: Run) -> None:
    ready = {"live": True, "ready": True}
    assert triton.saw("health", SOME) == ready | {
        "model": True,
        "version": True,
        "unknown model": False,
        "unknown version": False,
    }
    for scenario in ("aio_binary", "aio_json", "aio_gzip"):
        seen = triton.saw(scenario, SOME)
        assert {name: seen[name] for name in ready} == ready


def test_triton_sees_the_metadata(triton: Run) -> None:
    model = {"name": MODEL, "versions": [VERSION], "platform": "onnx_onnxv1"} | TENSORS
    server = {"name": "verger", "version": __version__, "extensions": ["binary_tensor_data"]}
    assert triton.saw("metadata", SOME) == {"server": server, "model": model, "version": model}


def test_triton_has_several_requests_under_way(triton: Run) -> None:
    assert triton.saw("several", SOME)["ids"] == [f"r{i}" for i in range(REQUESTS)]
    check_bits(triton, "several", SOME)
    assert triton.saw("aio_binary", SOME)["second"] == "r1"


@pytest.mark.parametrize(
    ("wrong", "status", "message"),
    [
        ("binary shape", "400", "expected shape [-1, 5000, 1], got [3, 4999, 1]"),
        ("text shape", "400", "expected shape [-1, 5000, 1], got [3, 4999, 1]"),
        ("packed shape", "400", "expected shape [-1, 5000, 1], got [3, 4999, 1]"),
        ("unknown input", "400", 'inputs[0].name: expected "input", got "signal"'),
        ("unknown output", "400", 'outputs[0].name: expected "output", got "scores"'),
        (
            "classes",
            "400",
            "outputs[0].parameters.classification: this extension is not supported",
        ),
        ("unknown model", "404", 'no model "nobody"; this service has "demo"'),
        ("unknown version", "404", 'no version "2" of "demo"; it has "1"'),
        ("metadata", "404", 'no model "nobody"; this service has "demo"'),
        ("statistics", "404", "GET /v2/models/demo/stats: Not Found; see /openapi.json"),
    ],
)
def test_triton_raises_what_is_wrong(triton: Run, wrong: str, status: str, message: str) -> None:
    assert triton.saw("refusals", SOME)[wrong] == {"status": status, "message": message}


@pytest.mark.parametrize("wrong", ["binary values", "text values"])
def test_triton_raises_which_value_the_model_does_not_take(triton: Run, wrong: str) -> None:
    value = np.nextafter(triton.matrices.astype(np.float64).flat[0], np.inf)
    assert triton.saw("refusals", SOME)[wrong] == {
        "status": "400",
        "message": f'matrix "0": value 0 ({value:.17g}) is not one of FP32, the model\'s datatype: '
        "convert before sending",
    }


def test_triton_goes_on_after_a_refusal(triton: Run) -> None:
    assert triton.saw("refusals", SOME)["afterwards"] is True
    for scenario in ("aio_binary", "aio_json", "aio_gzip"):
        assert triton.saw(scenario, SOME)["unknown model"] == "404"


@pytest.mark.parametrize(("scenario", "count"), KSERVE)
def test_kserve_gets_the_very_numbers(kserve: Run, scenario: str, count: int) -> None:
    check_bits(kserve, scenario, count)


@pytest.mark.parametrize(("scenario", "count"), KSERVE)
def test_kserve_gets_what_it_asks_for(kserve: Run, scenario: str, count: int) -> None:
    seen = kserve.saw(scenario, count)
    is_binary = (scenario, count) in KSERVE_BINARY
    assert seen["response"] == {
        "model": MODEL,
        "id": None if scenario == "dict" else "a7",
        "name": OUTPUT,
        "datatype": "FP32",
        "shape": [count, 2],
        # It takes binary_data_size out when it has read the bytes.
        "parameters": {} if is_binary else None,
    }
    headers = seen["headers"]
    assert ("inference-header-content-length" in headers) is is_binary
    # It asks for packed responses by itself.
    is_packed = not is_binary and count == MANY
    assert headers.get("content-encoding") == ("gzip" if is_packed else None)


def test_the_code_of_the_page_runs(root: Path, url: str, tmp_path: Path) -> None:
    page = (root / "docs/open-inference.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    np.savez(tmp_path / "sample.npz", matrices=np.zeros((2, 5000, 1)))
    code = "".join(blocks).replace("localhost:8000", url.removeprefix("http://"))
    printed = run_python("-c", code, folder=tmp_path).splitlines()
    assert (len(blocks), len(printed)) == (2, 4)
    assert printed[:2] == printed[2:]  # by the client, and by hand


def test_kserve_sees_that_server_and_model_are_ready(kserve: Run) -> None:
    ready = {"live": True, "ready": True, "model": True}
    assert kserve.saw("health", SOME) == ready | {"unknown model": False}


def test_kserve_has_several_requests_under_way(kserve: Run) -> None:
    check_bits(kserve, "several", SOME)


@pytest.mark.parametrize(
    ("wrong", "status", "message"),
    [
        ("binary shape", "400", "expected shape [-1, 5000, 1], got [3, 4999, 1]"),
        ("text shape", "400", "expected shape [-1, 5000, 1], got [3, 4999, 1]"),
        ("unknown input", "400", 'inputs[0].name: expected "input", got "signal"'),
        ("unknown model", "404", 'no model "nobody"; this service has "demo"'),
    ],
)
def test_kserve_raises_what_is_wrong(kserve: Run, wrong: str, status: str, message: str) -> None:
    refusal = kserve.saw("refusals", SOME)[wrong]
    assert refusal["status"] == status
    assert refusal["message"].startswith(f"{message}, '{status} ")
