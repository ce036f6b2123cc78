"""What the tests of the jobs share: one Spark session on two cores, drawn fruit, a bundle."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cluster.session import check_java, start_session
from serving.errors import ConfigurationError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CLASSES, IMAGES = 6, 60

# PySpark leaves the sockets open through which it got its rows, until they are collected; the
# notebook's client leaves its event loop.
UNCLOSED = (
    "unclosed <socket",
    "Exception ignored in. <socket",
    "unclosed event loop",
    "Exception ignored in. <function BaseEventLoop",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            for text in UNCLOSED:
                item.add_marker(pytest.mark.filterwarnings(f"ignore:{text}"))


@pytest.fixture(autouse=True)
def sockets(request: pytest.FixtureRequest) -> Iterator[None]:
    """Collected here, and not during a test that has nothing to do with it."""
    yield
    if "spark" in request.fixturenames:
        gc.collect()


@pytest.fixture(scope="session")
def java() -> None:
    try:
        check_java(os.environ)
    except ConfigurationError as cause:
        pytest.skip(str(cause))


@pytest.fixture(scope="session")
def spark(java: None, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SparkSession]":  # noqa: ARG001
    folder = str(tmp_path_factory.mktemp("spark"))
    options = {"spark.sql.warehouse.dir": folder, "spark.local.dir": folder}
    session = start_session("tests", cores=2, options=options)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def orchard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 images of 6 classes, in the layout of Fruits-360; nobody changes it."""
    from drawing import draw_orchard

    folder = tmp_path_factory.mktemp("orchard")
    draw_orchard(folder, classes=CLASSES, images=IMAGES, seed=3)
    return folder


@pytest.fixture(scope="session")
def feature_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MobileNetV2 with seeded random weights, for images of 100×100."""
    from fruits.models import NETWORKS
    from fruits.weights import bundle_for

    folder = tmp_path_factory.mktemp("bundles")
    return bundle_for(NETWORKS["mobilenet_v2"], "random:7", 100, folder)
