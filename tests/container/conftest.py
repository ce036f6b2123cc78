"""Real containers: an engine, the images, and the API in front of one.

Nothing here is skipped: who asks for these tests is told what they lack.
"""

import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import api, image
from local.aws import Aws
from local.ports import free_ports

START_TIMEOUT_S = 120


@pytest.fixture(scope="session")
def fast_image() -> str:
    """The image without TensorFlow, around the demo model."""
    return image.build("auto", "models/demo/bundle", "fast")


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Aws]]:
    """What make local serves: its address, and the stand-in for S3 and SQS."""
    api.build("auto", "models/demo/bundle", "fast")
    [port] = free_ports(1)
    log = tmp_path_factory.mktemp("sam") / "log"
    with log.open("wb") as file, api.serving(port, file) as (server, aws):
        wait(f"http://127.0.0.1:{port}/health/live", server, log)
        yield f"http://127.0.0.1:{port}", aws


@pytest.fixture(scope="session")
def url(local: tuple[str, Aws]) -> str:
    return local[0]


@pytest.fixture(scope="session")
def containers_aws(local: tuple[str, Aws]) -> Aws:
    return local[1]


def wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=30).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    pytest.fail(f"sam local did not start: {log.read_text()[-2000:]}")
