"""A client of the Open Inference Protocol, unchanged, through sam local."""

import pytest

from tests.clients.runs import Run, check_bits, run

# Bodies without a content type, as this client sends them, travel in base64.
CASES = [
    ("json", 1),
    ("json", 32),
    ("binary", 1),
    ("binary", 32),
    ("binary_to_json", 3),
    ("json_to_binary", 3),
    ("raw", 3),
    ("fp16", 3),
    ("fp64", 3),
    ("gzip_request", 3),
    ("deflate_request", 3),
    ("gzip_response", 128),
    ("deflate_response", 128),
    ("gzip_response_in_json", 32),
    ("deflate_response_in_json", 32),
    ("request_body_gzip", 128),
    ("aio_binary", 3),
]


@pytest.fixture(scope="module")
def triton(url: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    others = [("health", 3), ("metadata", 3), ("refusals", 3)]
    return run("triton", url, tmp_path_factory.mktemp("triton"), [*CASES, *others])


@pytest.mark.parametrize(("scenario", "count"), CASES)
def test_triton_gets_the_very_numbers(triton: Run, scenario: str, count: int) -> None:
    check_bits(triton, scenario, count)


@pytest.mark.parametrize(
    ("scenario", "count", "encoding"),
    [
        ("gzip_response", 128, "gzip"),
        ("deflate_response", 128, "deflate"),
        ("gzip_response_in_json", 32, "gzip"),
        ("deflate_response_in_json", 32, "deflate"),
        ("request_body_gzip", 128, "gzip"),
        ("raw", 3, None),
    ],
)
def test_triton_gets_a_packed_response_where_that_is_worth_it(
    triton: Run, scenario: str, count: int, encoding: str | None
) -> None:
    assert triton.saw(scenario, count)["headers"].get("content-encoding") == encoding


def test_triton_sees_that_server_and_model_are_ready(triton: Run) -> None:
    assert triton.saw("health", 3) == {
        "live": True,
        "ready": True,
        "model": True,
        "version": True,
        "unknown model": False,
        "unknown version": False,
    }


def test_triton_sees_the_metadata(triton: Run) -> None:
    seen = triton.saw("metadata", 3)
    assert seen["server"]["extensions"] == ["binary_tensor_data"]
    assert seen["model"] == seen["version"]
    assert seen["model"]["versions"] == ["1"]


@pytest.mark.parametrize(
    ("wrong", "status", "message"),
    [
        ("binary shape", "400", "expected shape [-1, 5000, 1], got [3, 4999, 1]"),
        ("text shape", "400", "expected shape [-1, 5000, 1], got [3, 4999, 1]"),
        ("unknown model", "404", 'no model "nobody"; this service has "demo"'),
        ("statistics", "404", "GET /v2/models/demo/stats: Not Found; see /openapi.json"),
    ],
)
def test_triton_raises_what_is_wrong(triton: Run, wrong: str, status: str, message: str) -> None:
    assert triton.saw("refusals", 3)[wrong] == {"status": status, "message": message}
