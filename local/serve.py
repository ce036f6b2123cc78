"""make serve: the same app over plain HTTP, for curl and a browser.

Large documents go to a stand-in for S3, and from its queue to the batch handler in a process of
its own.
"""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.aws import Aws, AwsError, default_python
from local.children import end
from local.emulator import python_path
from local.ports import check_port
from predict.telemetry.facts import Facts
from predict.telemetry.invocations import Noted, told
from serving.bundle import verify
from serving.errors import ServingError


def main() -> int:
    """Check what can be wrong, then serve until interrupted."""
    parser = argparse.ArgumentParser(prog="make serve", description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True, help="the model's bundle")
    parser.add_argument("--port", type=int, default=8000)
    args = parser.parse_args()
    os.environ["MODEL_DIR"] = str(args.bundle)
    for number in (signal.SIGTERM, signal.SIGHUP):  # else what we started would outlive us
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        check_port(args.port)
        verify(args.bundle)
        with Aws(python=default_python()) as aws:
            os.environ.update(aws.env)
            with _batch():
                from predict.handler import app  # which opens the model

                _add_page(app)
                # Its own log would say each address, with what is in it.
                uvicorn.run(
                    _told(app), host="127.0.0.1", port=args.port, access_log=False, ws="none"
                )
    except (ServingError, AwsError, OSError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


def _add_page(app: FastAPI) -> None:
    """Swagger's page of the contract, whose script the browser fetches from a public CDN."""

    @app.get("/docs", include_in_schema=False)
    async def page() -> HTMLResponse:
        return get_swagger_ui_html(openapi_url="/openapi.json", title=app.title)


def _told(app: FastAPI) -> ASGIApp:
    """The app, which says of each request what became of it."""
    noted = Noted(app)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            facts.status = message.get("status", facts.status)
            await send(message)

        with told(_say, None) as facts:
            await noted(scope, receive, answer)

    return serve


def _say(facts: Facts) -> None:
    """For people; the line of JSON is for CloudWatch."""
    what = f"matrices: {facts.matrices}, {facts.duration_ms:.1f} ms"
    print(f"{facts.route} {facts.status} ({what})", *facts.errors, sep="; ", flush=True)


@contextmanager
def _batch() -> Iterator[None]:
    """What predicts the uploaded documents."""
    process = subprocess.Popen(
        [sys.executable, "-m", "local.delivery", str(os.getpid())],
        env=os.environ | {"PYTHONPATH": python_path()},
        start_new_session=True,  # the terminal's interrupt is for us, who end it
    )
    try:
        yield
    finally:
        end(process, 10)


if __name__ == "__main__":
    sys.exit(main())
