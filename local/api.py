"""make local: builds the image with sam, and serves it with sam local start-api."""

import argparse
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from local.engine import EngineError, run, say
from local.image import inside, prepare
from local.ports import check_port

SAM = Path("build/env/sam/bin/sam")
BUILT = Path("build/sam/template.yaml")
_CLEANING_S = 30


def build(base: str, bundle: str, target: str) -> None:
    """sam build, as for a deployment.

    Raises:
        EngineError: a step failed; with the end of what it said.
    """
    base = prepare(base, target)
    say(f"sam build ({target}) on {base}")
    run(
        [
            str(SAM), "build", "--build-dir", str(BUILT.parent), "--parameter-overrides",
            f"BaseImage={base} ModelBundle={inside(bundle)} ImageTarget={target}",
        ]
    )  # fmt: skip


def command(port: int) -> list[str]:
    """What serves the built image; containers stay warm, as they do in Lambda."""
    return [
        str(SAM), "local", "start-api", "--template", str(BUILT), "--port", str(port),
        "--warm-containers", "EAGER", "--region", "eu-west-3", "--skip-pull-image",
    ]  # fmt: skip


def main() -> int:
    """Build, then serve until interrupted."""
    parser = argparse.ArgumentParser(prog="make local", description=__doc__)
    parser.add_argument("--base", default="auto")
    parser.add_argument("--bundle", default="models/demo/bundle")
    parser.add_argument("--target", default="fast")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--build-only", action="store_true", help="as make deploy does")
    args = parser.parse_args()
    try:
        inside(args.bundle)
        if not args.build_only:
            check_port(args.port)
        build(args.base, args.bundle, args.target)
    except (EngineError, OSError) as refusal:
        say(str(refusal))
        return 1
    except KeyboardInterrupt:
        return 130
    if args.build_only:
        return 0
    say(f"serving on http://127.0.0.1:{args.port}; Ctrl-C ends it")
    return serve(args.port)


def serve(port: int) -> int:
    """Run sam until a signal; it gets one interrupt, on which it removes its containers."""
    ended = threading.Event()
    # Before sam is started: in the background of a script interrupts are ignored, and sam would
    # inherit that.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: ended.set())
    # In a session of its own: the terminal's interrupt would reach it beside ours, and the second
    # one ends it in the middle of its cleaning up.
    server = subprocess.Popen(command(port), env=os.environ, start_new_session=True)
    while server.poll() is None and not ended.wait(0.2):
        pass
    if server.poll() is not None:
        return server.returncode
    server.send_signal(signal.SIGINT)
    try:
        server.wait(_CLEANING_S)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        say("sam did not end: see docker ps for a container that it left")
    return 0


if __name__ == "__main__":
    sys.exit(main())
