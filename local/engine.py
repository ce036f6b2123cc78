"""A container engine: the one that runs, or one of our own where we may start it.

`python -m local.engine` prints its address (for DOCKER_HOST); `--stop` ends the one we started.
"""

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path("build/engine").absolute()
_SOCKET = FOLDER / "docker.sock"
_PID = FOLDER / "docker.pid"
_START_TIMEOUT_S = 60


class EngineError(Exception):
    """There is no container engine, or a container step failed; the text says the way out."""


def start() -> str:
    """The address of a running engine; starts one as root on Debian where none runs.

    Raises:
        EngineError: none runs and we may not start one.
    """
    default = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    own = f"unix://{_SOCKET}"
    for address in (default, own):
        if _answers(address):
            return address
    if os.geteuid() != 0:
        raise EngineError("no container engine runs (docker info fails): start Docker first")
    _install()
    _launch()
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not _answers(own):
        if time.monotonic() > deadline:
            raise EngineError(f"dockerd did not start; see {FOLDER / 'log'}")
        time.sleep(0.5)
    return own


def stop() -> None:
    """End the engine that `start` started, if it did."""
    try:
        pid = int(_PID.read_text())
        os.kill(pid, signal.SIGTERM)
    except (OSError, ValueError):
        return
    deadline = time.monotonic() + _START_TIMEOUT_S
    while _PID.exists() and time.monotonic() < deadline:
        time.sleep(0.2)


def _answers(address: str) -> bool:
    if shutil.which("docker") is None:
        return False
    probe = subprocess.run(
        ["docker", "--host", address, "version", "--format", "{{.Server.Version}}"],
        capture_output=True,
    )
    return probe.returncode == 0


def _install() -> None:
    if shutil.which("dockerd") and shutil.which("docker"):
        return
    if not shutil.which("apt-get"):
        raise EngineError("no container engine is installed: install Docker first")
    say("installing a container engine (docker.io)")
    apt("docker.io")


def apt(*packages: str) -> None:
    """Install Debian packages.

    Raises:
        EngineError: they could not be installed.
    """
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], env=env)
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], env=env)


def _launch() -> None:
    say("starting a container engine of our own in build/engine (make engine-stop ends it)")
    FOLDER.mkdir(parents=True, exist_ok=True)
    command = [
        "dockerd", "--host", f"unix://{_SOCKET}", "--pidfile", str(_PID),
        "--data-root", str(FOLDER / "data"), "--exec-root", str(FOLDER / "exec"),
    ]  # fmt: skip
    # Through a shell that ends at once: the engine is nobody's child, and stays.
    detached = f"{shlex.join(command)} >> {shlex.quote(str(FOLDER / 'log'))} 2>&1 &"
    subprocess.run(["sh", "-c", detached], check=True, start_new_session=True)


def run(command: list[str], env: dict[str, str] | None = None) -> str:
    """Run a command to its end and return what it printed.

    Raises:
        EngineError: it failed; with the end of what it said.
    """
    done = subprocess.run(
        command, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise EngineError(f"{' '.join(command)[:200]} failed:\n{said}")
    return done.stdout


def say(text: str) -> None:
    """Tell the person who waits what is going on."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stop", action="store_true")
    if parser.parse_args().stop:
        stop()
    else:
        try:
            print(start())
        except EngineError as refusal:
            sys.exit(str(refusal))
