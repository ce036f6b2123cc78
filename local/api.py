"""make local: builds the image with sam, and serves it with sam local.

The routes are served by `sam local start-api`. Large documents go to a stand-in for S3, and from
its queue, shaped as S3 and SQS shape them, to the batch function behind `sam local start-lambda`.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from botocore.config import Config

from local.aws import Aws, AwsError, client, default_python
from local.children import end
from local.delivery import TIMEOUT_S, Event
from local.delivery import run as deliver
from local.engine import EngineError, run, say
from local.image import inside, prepare
from local.ports import check_port, free_ports, listens

SAM = Path("build/env/sam/bin/sam")
BUILT = Path("build/sam/template.yaml")
_VARIABLES = Path("build/sam/variables.json")
_BATCH = "BatchFunction"
_CLEANING_S = 30


def build(base: str, bundle: str, target: str, *, own_base: bool = True) -> None:
    """sam build, as for a deployment.

    Raises:
        EngineError: a step failed; with the end of what it said.
    """
    base = prepare(base, target, own_base=own_base)
    say(f"sam build ({target}) on {base}")
    run(
        [
            str(SAM), "build", "--build-dir", str(BUILT.parent), "--parameter-overrides",
            f"BaseImage={base} ModelBundle={inside(bundle)} ImageTarget={target}",
        ]
    )  # fmt: skip


Serving = tuple[subprocess.Popen[bytes], Aws]


@contextmanager
def serving(port: int, log: IO[bytes] | None = None) -> Iterator[Serving]:
    """The built image behind the API, beside it what large documents need; ends all of it.

    Raises:
        AwsError: the stand-in for S3 did not start.
    """
    [lambda_port] = free_ports(1)
    with ExitStack() as stack:
        aws = stack.enter_context(Aws(host_of_containers(), python=default_python()))
        _VARIABLES.write_text(json.dumps({"Parameters": aws.env}), encoding="utf-8")
        stack.callback(_remove_left, aws.endpoint)
        stack.enter_context(_sam("start-lambda", lambda_port, "LAZY", aws, log))
        stack.enter_context(_delivery(lambda_port, aws))
        # Containers of the API stay warm, as they do in Lambda.
        yield stack.enter_context(_sam("start-api", port, "EAGER", aws, log)), aws


def _remove_left(endpoint: str) -> None:
    """The containers that sam lost, known by the stand-in for S3 that is theirs alone.

    With EAGER it makes the containers of all functions in threads of their own, each of which may
    make the runtime that counts them; only the last one's are removed (seen in sam 1.170).
    """
    for container in run(["docker", "ps", "--quiet"]).split():
        with suppress(EngineError):  # it may have ended in between
            if endpoint in run(["docker", "inspect", "--format", "{{.Config.Env}}", container]):
                run(["docker", "rm", "--force", container])


def host_of_containers() -> str:
    """This machine's address as its containers see it, which it answers to as well."""
    form = "{{with index .IPAM.Config 0}}{{.Gateway}} {{.Subnet}}{{end}}"
    *gateway, subnet = run(["docker", "network", "inspect", "bridge", "--format", form]).split()
    return gateway[0] if gateway else subnet.rpartition(".")[0] + ".1"


@contextmanager
def _sam(
    command: str, port: int, warm: str, aws: Aws, log: IO[bytes] | None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server of sam local, which gets one interrupt, on which it removes its containers."""
    arguments = [
        str(SAM), "local", command, "--template", str(BUILT), "--port", str(port),
        "--warm-containers", warm, "--region", "eu-west-3", "--skip-pull-image",
        "--env-vars", str(_VARIABLES),
    ]  # fmt: skip
    # In a session of its own: the terminal's interrupt would reach it beside ours, and the second
    # one ends it in the middle of its cleaning up.
    server = subprocess.Popen(
        arguments, env=os.environ | aws.env, stdout=log, stderr=log, start_new_session=True
    )
    try:
        yield server
    finally:
        if not end(server, _CLEANING_S, signal.SIGINT):
            say("sam did not end: see docker ps for a container that it left")


@contextmanager
def _delivery(port: int, aws: Aws) -> Iterator[None]:
    """What brings the queue's messages to the batch function."""
    ended = threading.Event()
    functions = client(
        "lambda",
        f"http://127.0.0.1:{port}",
        Config(read_timeout=TIMEOUT_S + 60, retries={"total_max_attempts": 1}),
    )

    def invoke(event: Event) -> Any:
        answer = functions.invoke(FunctionName=_BATCH, Payload=json.dumps(event))
        return json.loads(answer["Payload"].read())

    def work() -> None:
        while not listens(port) and not ended.wait(0.2):
            pass
        deliver(invoke, aws.queue_url, aws.endpoint, ended)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(2)


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
        # What is deployed stands on no base that was made here.
        build(args.base, args.bundle, args.target, own_base=not args.build_only)
        if args.build_only:
            return 0
        return serve(args.port)
    except (EngineError, AwsError, OSError) as refusal:
        say(str(refusal))
        return 1
    except KeyboardInterrupt:
        return 130


def serve(port: int) -> int:
    """Run sam until a signal."""
    ended = threading.Event()
    # Before sam is started: in the background of a script interrupts are ignored, and sam would
    # inherit that.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: ended.set())
    with serving(port) as (server, _):
        say(f"serving on http://127.0.0.1:{port}; Ctrl-C ends it")
        while server.poll() is None and not ended.wait(0.2):
            pass
        return server.returncode or 0


if __name__ == "__main__":
    sys.exit(main())
