"""Our handler, and requests of every kind and size."""

from collections.abc import Callable
from functools import partial
from typing import Any

from predict.handler import api
from tests.load.process import send

COMMANDS: dict[str, Callable[..., dict[str, Any]]] = {"send": partial(send, api)}
