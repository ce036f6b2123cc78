"""What the sender of a bad file or document sees: each refusal done for real."""

import subprocess
import sys
from pathlib import Path

from fastapi.testclient import TestClient

from predict.api import create_app
from serving.model import open_model
from serving.settings import Settings
from tests.support.processes import environment
from tests.tables.refusals import BUNDLE, Refusal


def see_model_file(refusal: Refusal, folder: Path) -> str:
    """What make model says, run in a process of its own: no traceback, nothing left behind."""
    path = refusal.make(folder)
    assert isinstance(path, Path)
    done = subprocess.run(
        [sys.executable, "-m", "compiler", path.name],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done
    assert not (folder / "bundles").exists()
    return done.stderr.strip()


def see_document(refusal: Refusal, folder: Path, client: TestClient) -> str:
    """The status and the detail of the problem."""
    body = refusal.make(folder)
    assert isinstance(body, bytes)
    answer = client.post("/predictions", content=body, headers=refusal.headers)
    assert answer.headers["content-type"] == "application/problem+json"
    return f"{answer.status_code} {answer.json()['detail']}"


def see_start(refusal: Refusal, folder: Path) -> str:
    """The last line of what a cold start says."""
    made = refusal.make(folder)
    env = {"MODEL_DIR": str(BUNDLE), "AWS_REGION": "eu-west-3"}
    if isinstance(made, Path):
        env["MODEL_DIR"] = made.name
    else:
        env |= dict(line.split("=", 1) for line in made.decode().splitlines())
    done = subprocess.run(
        [sys.executable, "-c", "import predict.handler"],
        cwd=folder,
        env=environment(**env),
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    return done.stderr.strip().splitlines()[-1].rpartition("Error: ")[2]


def make_client() -> TestClient:
    """The service around the demo model."""
    settings = Settings.from_env({"MODEL_DIR": str(BUNDLE)})
    return TestClient(create_app(open_model(BUNDLE), settings))
