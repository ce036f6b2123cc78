"""Functions in containers: with no more rights than Lambda gives, under the emulator."""

import contextlib
import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from local.emulator import binary


def docker(*arguments: str) -> str:
    """What a command of the engine prints."""
    return subprocess.run(
        ["docker", *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@contextlib.contextmanager
def container(name: str, *options: str, handler: str = "predict.handler.api") -> Iterator[str]:
    """The image under the emulator, with no more rights than Lambda gives; its address."""
    run = docker(
        "run", "--detach", "--read-only", "--tmpfs", "/tmp", "--user", "993:990",
        "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
        "--memory", "6144m", "--memory-swap", "6144m", "--publish", "127.0.0.1::8080",
        "--volume", f"{binary()}:/emulator:ro", "--env", "AWS_REGION=eu-west-3", *options,
        "--entrypoint", "/emulator", name, "python3", "-m", "awslambdaric", handler,
    )  # fmt: skip
    try:
        yield docker("port", run, "8080").splitlines()[0]
    finally:
        docker("rm", "--force", run)


def invoke(address: str, event: dict[str, Any]) -> dict[str, Any]:
    """The answer to an event; {"refused": …} where the function does not start."""
    url = f"http://{address}/2015-03-31/functions/function/invocations"
    for attempt in range(50):
        try:
            with urllib.request.urlopen(url, json.dumps(event).encode(), 60) as answer:
                content: dict[str, Any] = json.loads(answer.read())
                return content
        except urllib.error.HTTPError as refusal:
            return {"refused": refusal.read().decode()}
        except OSError:
            assert attempt < 49
            time.sleep(0.2)
    raise AssertionError
