"""schemathesis against the service: every check that it has, on what our OpenAPI document says."""

import io
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from client.service import Service
from client.upload import send
from local.aws import Aws
from local.emulator import Emulator
from tests.support.documents import matrices, xml
from tests.support.gateway import gateway
from tests.support.ground import SIGNED
from tests.support.processes import environment
from tests.support.servers import serve

CONFIG = "tests/schemathesis/schemathesis.toml"
_ST = Path("build/env/schemathesis/bin/st")
_LONGEST_S = 240
_SEED = os.environ.get("SCHEMATHESIS_SEED", "1")
_EXAMPLES = int(os.environ.get("SCHEMATHESIS_EXAMPLES", "25"))


def check(root: Path, url: str, folder: Path, *options: str) -> dict[str, Any]:
    """What schemathesis reports of a service."""
    if not (root / _ST).exists():
        pytest.skip("this needs the environment that make test makes (build/env/schemathesis)")
    report = folder / "report.json"
    done = subprocess.run(
        [
            root / _ST, "--config-file", CONFIG, "--no-color", "run", *options,
            "--seed", _SEED, "--report", "json", "--report-json-path", report,
        ],
        cwd=root,
        env=environment(VERGER_URL=url, VERGER_LINK=presign(url)),
        capture_output=True,
        text=True,
        timeout=_LONGEST_S * max(1, _EXAMPLES // 25),
    )  # fmt: skip
    assert report.exists(), (done.stdout + done.stderr)[-3000:]
    found: dict[str, Any] = json.loads(report.read_bytes())
    assert found["exit_code"] == done.returncode
    return found | {"said": "\n".join(line[:300] for line in done.stdout.splitlines()[-200:])}


def presign(url: str) -> str:
    """A document in the service's S3, under a URL as a presigned GET has it."""
    document = xml(matrices(1))
    form = Service(url).ask_form()
    send(form, io.BytesIO(document), len(document), lambda _: None)
    return f"{form.url.rstrip('/')}/{dict(form.fields)['key']}?{SIGNED}"


def assert_clean(report: dict[str, Any], url: str) -> None:
    """Nothing failed, and nothing was left out."""
    documented = httpx2.get(f"{url}/openapi.json").json()["paths"]
    assert report["exit_code"] == 0, report["said"]
    operations = sum(len(methods) for methods in documented.values())
    assert report["operations"]["tested"] == report["operations"]["total"] == operations
    assert {phase["status"] for phase in report["phases"].values()} == {"success"}
    cases = report["test_cases"]
    assert (cases["unique_failures"], cases["errored"], cases["without_checks"]) == (0, 0, 0)
    # Legal requests are predicted, in both protocols: the rest of the run is about refusals.
    for label in ("POST /predictions", "POST /v2/models/{name}/infer"):
        assert report["valid_rates"][label]["fuzzing"]["accepted"] > 0
        assert report["valid_rates"][label]["coverage"]["accepted"] > 0
    print(f"{cases['generated']:,} requests to {operations} operations")


@pytest.fixture
def lambda_url(bundle: Path, aws: Aws) -> Iterator[str]:
    """AWS's runtime emulator behind what API Gateway does, and the stand-in for S3."""
    env = {"MODEL_DIR": str(bundle)} | aws.env
    with Emulator(env) as emulator, gateway(emulator.invoke) as url:
        yield url


@pytest.fixture(scope="module")
def url(root: Path, bundle: Path) -> Iterator[str]:
    with serve(root, bundle) as url:
        yield url


def test_service_is_as_it_says(root: Path, url: str, tmp_path: Path) -> None:
    address = f"{url}/openapi.json"
    assert_clean(check(root, url, tmp_path, address, "--max-examples", str(_EXAMPLES)), url)


def test_function_behind_its_gateway_is_as_it_says(
    root: Path, lambda_url: str, tmp_path: Path
) -> None:
    few = str(max(5, _EXAMPLES // 5))
    report = check(root, lambda_url, tmp_path, f"{lambda_url}/openapi.json", "--max-examples", few)
    assert_clean(report, lambda_url)


def without_422(document: dict[str, Any]) -> None:
    del document["paths"]["/predictions"]["post"]["responses"]["422"]


def with_another_type(document: dict[str, Any]) -> None:
    live = document["components"]["schemas"]["Live"]
    live["properties"]["status"]["type"] = "integer"


def with_a_header_that_is_needed(document: dict[str, Any]) -> None:
    _, length = document["paths"]["/v2/models/{name}/infer"]["post"]["parameters"]
    length["required"] = True


def without_erasing(document: dict[str, Any]) -> None:
    del document["paths"]["/predictions/{id}"]["delete"]


@pytest.mark.parametrize(
    ("lie", "path", "code"),
    [
        pytest.param(without_422, "/predictions", "UndefinedStatusCode", id="status"),
        pytest.param(with_another_type, "/health/live", "JsonSchemaError", id="body"),
        pytest.param(
            with_a_header_that_is_needed,
            "/v2/models/{name}/infer",
            "AcceptedNegativeData",
            id="header",
        ),
        pytest.param(without_erasing, "/predictions/{id}", "AllowHeaderMismatch", id="method"),
    ],
)
def test_a_document_that_says_otherwise_is_found_out(
    root: Path, url: str, tmp_path: Path, lie: Any, path: str, code: str
) -> None:
    document = httpx2.get(f"{url}/openapi.json").json()
    lie(document)
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(document))
    options = ("--url", url, "--include-path", path, "--phases", "coverage")
    report = check(root, url, tmp_path, str(file), *options)
    assert report["exit_code"] == 1
    assert code in {failure["type"] for failure in report["failures"]}
