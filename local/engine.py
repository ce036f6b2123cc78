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
import zlib
from pathlib import Path

FOLDER = Path("build/engine").absolute()
# One for each clone. A bridge of our own: on docker0, an engine beside ours or one that was killed
# holds addresses that ours would give to its containers; a request then reaches the wrong one.
_NAME = f"verger{zlib.crc32(str(FOLDER).encode()):08x}"
_RUN = Path("/run", _NAME)  # the path of a socket ends after 107 bytes, and a clone may lie deep
_SOCKET = _RUN / "docker.sock"
_PID = FOLDER / "docker.pid"
_START_TIMEOUT_S = 60


class EngineError(Exception):
    """There is no container engine, or a container step failed; the text says the way out."""


def start() -> str:
    """The address of a running engine; starts one as root on Debian where none runs.

    Raises:
        EngineError: none runs and we may not start one.
    """
    if (address := find()) is not None:
        return address
    if os.geteuid() != 0:
        raise EngineError("no container engine runs (docker info fails): start Docker first")
    _install()
    _launch()
    own = f"unix://{_SOCKET}"
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not _answers(own):
        if time.monotonic() > deadline:
            raise EngineError(f"dockerd did not start; see {FOLDER / 'log'}")
        time.sleep(0.5)
    return own


def find() -> str | None:
    """The address of an engine that runs: the machine's, or the one that we started."""
    default = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    return next(filter(_answers, (default, f"unix://{_SOCKET}")), None)


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
    subprocess.run(["ip", "link", "delete", _NAME], capture_output=True)
    shutil.rmtree(_RUN, ignore_errors=True)


def _answers(address: str) -> bool:
    if shutil.which("docker") is None:
        return False
    probe = subprocess.run(
        ["docker", "--host", address, "version", "--format", "{{.Server.Version}}"],
        capture_output=True,
    )
    return probe.returncode == 0


def _install() -> None:
    if all(shutil.which(name) for name in ("dockerd", "docker", "ip")):
        return
    if not shutil.which("apt-get"):
        raise EngineError("no container engine is installed: install Docker first")
    say("installing a container engine (docker.io)")
    apt("docker.io", "iproute2")


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
    for stale in (_PID, _RUN / "containerd" / "containerd.pid"):  # a killed engine's
        stale.unlink(missing_ok=True)
    _RUN.mkdir(exist_ok=True)
    _make_bridge()
    # Without packet rules: they are the machine's, and containers here need no way out.
    command = [
        "dockerd", "--host", f"unix://{_SOCKET}", "--pidfile", str(_PID),
        "--data-root", str(FOLDER / "data"), "--exec-root", str(_RUN),
        "--bridge", _NAME, "--iptables=false", "--ip6tables=false", "--ip-forward=false",
    ]  # fmt: skip
    # Through a shell that ends at once: the engine is nobody's child, and stays.
    detached = f"{shlex.join(command)} >> {shlex.quote(str(FOLDER / 'log'))} 2>&1 &"
    subprocess.run(["sh", "-c", detached], check=True, start_new_session=True)


def _make_bridge() -> None:
    """The network of our engine's containers, on the first subnet that this machine does not use.

    Raises:
        EngineError: it could not be made.
    """
    subprocess.run(["ip", "link", "delete", _NAME], capture_output=True)  # a killed engine's
    used = run(["ip", "-4", "route"]) + run(["ip", "-4", "address"])
    free = (f"172.{n}.0" for n in range(31, 15, -1) if f"172.{n}." not in used)
    subnet = next(free, None)
    if subnet is None:
        raise EngineError("no free subnet for containers in 172.16.0.0/12: start Docker yourself")
    run(["ip", "link", "add", _NAME, "type", "bridge"])
    run(["ip", "address", "add", f"{subnet}.1/24", "dev", _NAME])
    run(["ip", "link", "set", _NAME, "up"])


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
