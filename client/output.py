"""Where the result goes: a file that is complete or not there, or stdout."""

import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from client.service import Save
from client.transport import ClientError


def saver(out: Path | None) -> Save:
    """What saves a result: to a file, or to stdout.

    Raises:
        ClientError: nothing can be written there; said before hours of waiting.
    """
    if out is None:
        return _to_stdout
    path = out.resolve()  # a link stays one
    if path.exists() and not path.is_file():
        raise ClientError(f"{out} is no regular file; without --out the result goes to stdout")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ClientError(f"nothing can be written to the folder {path.parent}")
    return lambda chunks: _to_file(path, chunks)


def _to_file(path: Path, chunks: Iterable[bytes]) -> None:
    part = path.with_name(f".verger-{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())  # the service's own copy may be deleted next
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _to_stdout(chunks: Iterable[bytes]) -> None:
    """By way of a file: an answer that breaks off is asked for again, and must not stand there."""
    with tempfile.TemporaryFile() as file:
        file.writelines(chunks)
        file.seek(0)
        try:
            shutil.copyfileobj(file, sys.stdout.buffer)
            if sys.stdout.isatty():
                sys.stdout.buffer.write(b"\n")
            sys.stdout.buffer.flush()
        except BrokenPipeError as cause:
            # What is left in the buffer would fail again at the end of the process.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise ClientError("whoever reads stdout left before the end of the result") from cause
