"""The bill of materials against the image itself, and the rights that the image asks for."""

import json
import subprocess
from pathlib import Path
from typing import Any

from local.emulator import binary
from local.engine import run
from local.event import body_of, headers_of, http_event
from local.locks import canonical
from tests.container.functions import container, docker, invoke
from tests.support.processes import environment

_LIST = (
    "import json; from importlib.metadata import distributions; "
    "print(json.dumps([[d.name, d.version] for d in distributions()]))"
)


def sbom(root: Path, out: Path) -> dict[str, Any]:
    """What make sbom writes."""
    subprocess.run(
        [root / "build/env/supply/bin/python", "-m", "local.sbom", "--out", out],
        cwd=root,
        env=environment(),
        check=True,
    )
    bill: dict[str, Any] = json.loads(out.read_bytes())
    return bill


def test_sbom_has_what_is_installed_no_more_no_less(
    fast_image: str, root: Path, tmp_path: Path
) -> None:
    bill = sbom(root, tmp_path / "sbom.json")
    given = docker("run", "--rm", "--entrypoint", "python3", fast_image, "-c", _LIST)
    installed = {(canonical(name), version) for name, version in json.loads(given)}
    libraries = [part for part in bill["components"] if part["type"] == "library"]
    listed = {(part["name"], part["version"]) for part in libraries if "pkg:pypi/" in part["purl"]}
    assert listed == installed
    ours = [part for part in libraries if "hashes" in part]
    assert len(ours) > 30
    assert all(part["licenses"] for part in ours if part["name"] != "pysimdjson")
    system = [part for part in libraries if "pkg:pypi/" not in part["purl"]]
    assert len(system) > 50
    assert bill["compositions"][0]["aggregate"] == "complete"


def test_image_runs_as_it_is_without_root(fast_image: str, root: Path) -> None:
    """No user is named here, and nothing but /tmp can be written."""
    [config] = json.loads(run(["docker", "image", "inspect", fast_image]))
    assert config["Config"]["User"] == "993:990"
    sample = root / "models/demo/sample.xml"
    event = http_event("POST", "/predictions", sample.read_bytes(), headers_of(sample))
    name = docker(
        "run", "--detach", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL",
        "--security-opt", "no-new-privileges", "--publish", "127.0.0.1::8080",
        "--volume", f"{binary()}:/emulator:ro", "--env", "AWS_REGION=eu-west-3",
        "--entrypoint", "/emulator", fast_image, "python3", "-m", "awslambdaric",
        "predict.handler.api",
    )  # fmt: skip
    try:
        answer = invoke(docker("port", name, "8080").splitlines()[0], event)
        assert len(json.loads(body_of(answer))["predictions"]) > 0
        assert docker("exec", name, "id", "-u") == "993"
        refused = subprocess.run(
            ["docker", "exec", name, "sh", "-c", "touch /opt/model/x || touch /x"],
            capture_output=True,
        )
        assert refused.returncode != 0
    finally:
        docker("rm", "--force", name)


def test_image_lets_nobody_write_what_it_runs(fast_image: str) -> None:
    """Also where the file system is not read-only: its files are root's, and it is not."""
    found = docker(
        "run", "--rm", "--entrypoint", "find", fast_image, "/opt", "/var/task",
        "-not", "-type", "l", "-writable",
    )  # fmt: skip
    assert found == ""


def test_image_is_small(fast_image: str) -> None:
    size_bytes = int(docker("image", "inspect", "--format", "{{.Size}}", fast_image))
    assert size_bytes <= 450_000_000


def test_image_has_what_its_handlers_reach(fast_image: str) -> None:
    """What was taken out of the packages is asked for by nothing that starts."""
    script = (
        "import boto3, onnxruntime, numpy.random, numpy.testing\n"
        "from aws_lambda_powertools import Logger, Metrics, Tracer\n"
        "import aws_xray_sdk.core\n"
        "for name in ('s3', 'sqs', 'lambda', 'codedeploy', 'xray'):\n"
        "    boto3.client(name, region_name='eu-west-3')\n"
    )
    with container(fast_image) as address:
        assert "statusCode" in invoke(address, http_event("GET", "/health/ready"))
    docker("run", "--rm", "--read-only", "--entrypoint", "python3", fast_image, "-c", script)
