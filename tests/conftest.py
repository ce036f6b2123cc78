"""What the tests share: the demo model, the app around it, and the third-party files."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import settings as hypothesis_settings

from local.aws import Aws
from predict.api import create_app
from predict.store import Store
from serving.model import Model, open_model
from serving.settings import Settings

# A busy machine is no failure: speed is measured in bench/, not here.
hypothesis_settings.register_profile(
    "verger", deadline=None, derandomize=bool(os.environ.get("CI"))
)
hypothesis_settings.load_profile("verger")

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def bundle() -> Path:
    return ROOT / "models/demo/bundle"


@pytest.fixture(scope="session")
def model(bundle: Path) -> Model:
    return open_model(bundle)


@pytest.fixture(scope="session")
def settings(bundle: Path) -> Settings:
    return Settings.from_env({"MODEL_DIR": str(bundle)})


@pytest.fixture(scope="session")
def app(model: Model, settings: Settings) -> FastAPI:
    return create_app(model, settings)


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


@pytest.fixture(scope="session")
def aws() -> Iterator[Aws]:
    """S3 and SQS over HTTP, for all tests: each has names of its own, and none reads the queue."""
    with Aws(smallest_part_bytes=1) as aws:
        yield aws


@pytest.fixture(scope="session")
def stored(bundle: Path, aws: Aws) -> Settings:
    """Settings with a bucket."""
    return Settings.from_env({"MODEL_DIR": str(bundle)} | aws.env)


@pytest.fixture(scope="session")
def store(stored: Settings, aws: Aws) -> Iterator[Store]:
    assert stored.storage is not None
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws.env.items():
            if name.startswith("AWS_"):
                patch.setenv(name, value)
        yield Store(stored.storage)


@pytest.fixture
def name() -> str:
    """Of a document; a new one for each test, and one that is hard to get right."""
    return f"nächtlich/a b+c%20&{uuid4().hex}.xml"


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the third-party files are not here (../shared/data)")
    return SHARED


@pytest.fixture(scope="session")
def ecg(shared: Path) -> Path:
    return shared / "ecg"


@pytest.fixture(scope="session")
def keras_files(shared: Path) -> Path:
    return shared / "keras"
