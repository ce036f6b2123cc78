"""The servers that clients talk to, and what they see there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.emulator import Emulator
from tests.clients.runs import is_installed
from tests.support.gateway import gateway
from tests.support.servers import serve


@pytest.fixture(scope="module", params=["serve", "lambda"])
def url(request: pytest.FixtureRequest, root: Path, bundle: Path) -> Iterator[str]:
    """What make serve starts; and AWS's runtime emulator behind what API Gateway does."""
    if not is_installed():
        pytest.skip("these need the environment that make test makes (build/env/clients)")
    if request.param == "serve":
        with serve(root, bundle) as url:
            yield url
    else:
        with Emulator({"MODEL_DIR": str(bundle)}) as emulator, gateway(emulator.invoke) as url:
            yield url
