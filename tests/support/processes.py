"""Processes of their own, which import what the tests can."""

import os

from local.emulator import python_path


def environment(**env: str) -> dict[str, str]:
    """This process's environment variables with its import roots, and others on top."""
    return os.environ | {"PYTHONPATH": python_path()} | env
