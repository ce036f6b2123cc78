"""Services whose model gives back what it takes, of every signature."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest
from fastapi.testclient import TestClient

from serving.model import Model
from tests.support.inference import echoing

Echoes = Callable[..., TestClient]


@pytest.fixture(scope="session")
def echo(model: Model) -> Iterator[Echoes]:
    """Makes a client as `echoing` does, once for each signature."""
    with ExitStack() as stack:

        @cache
        def made(shape: tuple[int | None, ...], dtype: str = "float64", **env: str) -> TestClient:
            return stack.enter_context(echoing(model, shape, dtype, **env))

        yield made


@pytest.fixture(scope="session")
def three(echo: Echoes) -> TestClient:
    """A service for matrices of three float64."""
    return echo((3,))
