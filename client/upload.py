"""A file of any size to S3: multipart/form-data, streamed from disk with its length announced."""

import html
import os
import re
import secrets
import select
import ssl
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from client.service import Form
from client.transport import (
    Answer,
    ClientError,
    FinalError,
    PassingError,
    connect,
    origin,
    readable,
    why,
)

OnSent = Callable[[int], None]

_CHUNK_BYTES = 256 * 1024
# For one chunk: the slowest line that is put up with sends 2 kB a second.
_TIMEOUT_S = 120
_ANSWER_TIMEOUT_S = 600
# Under TLS a write after that is a fault of the protocol.
_HUNG_UP = (ConnectionError, ssl.SSLError)
_FINAL = {"EntityTooLarge", "EntityTooSmall"}


class UploadError(FinalError):
    """The file did not arrive, or nobody said that it did.

    Attributes:
        final: another try would end the same way.
        complete: all of it was sent, so it may have arrived.
    """

    def __init__(self, message: str, *, final: bool = False, complete: bool = False) -> None:
        super().__init__(message)
        self.final = final
        self.complete = complete


def open_document(path: Path) -> tuple[BinaryIO, int]:
    """A file to send, and its size.

    Raises:
        ClientError: it is missing, empty, or no regular file.
    """
    try:
        # Looked at before it is opened: opening a pipe would wait.
        if not stat.S_ISREG(path.stat().st_mode):
            raise ClientError(f"{path} is no regular file")
        file = path.open("rb")
    except OSError as cause:
        raise ClientError(f"{path}: {cause.strerror}") from cause
    size_bytes = os.fstat(file.fileno()).st_size
    if size_bytes == 0:
        file.close()
        raise ClientError(f"{path} is empty")
    return file, size_bytes


def send(form: Form, file: BinaryIO, size_bytes: int, on_sent: OnSent) -> None:
    """Send a file; `on_sent` is told of each chunk's bytes.

    Raises:
        UploadError: it did not arrive, or nobody said that it did.
        FinalError: it is too large, or changed while it was sent.
    """
    if size_bytes > form.max_bytes:
        raise FinalError(
            f"{size_bytes:,} bytes are too many: the service takes {form.max_bytes:,} at once. "
            "Pack the document (gzip), or split it"
        )
    boundary = f"verger-{secrets.token_hex(16)}"
    head, tail = _wrap(form, boundary)
    connection, target, headers = connect(form.url, _TIMEOUT_S)
    headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
    headers["Content-Length"] = str(len(head) + size_bytes + len(tail))
    complete = False
    with closing(connection):
        try:
            _open(connection, target, headers)
            complete = _pour(connection, chain([head], _chunks(file, size_bytes), [tail]), on_sent)
            answer = _listen(connection, origin(form.url))
        except (OSError, HTTPException) as cause:
            raise UploadError(
                f"the upload to {origin(form.url)} broke off ({why(cause)})", complete=complete
            ) from cause
        if not (complete and 200 <= answer.status < 300):
            raise _refusal(answer, origin(form.url))


def _wrap(form: Form, boundary: str) -> tuple[bytes, bytes]:
    """What stands before the file and after it; S3 ignores fields that come behind the file."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{value}\r\n'
        for name, value in form.fields
    ]
    # Never the file's own name: it may say whose data it is, and nobody needs it.
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(form.file_field)}"; '
        'filename="document"\r\nContent-Type: application/octet-stream\r\n\r\n'
    )
    return "".join(parts).encode(), f"\r\n--{boundary}--\r\n".encode()


def _quoted(name: str) -> str:
    """As browsers do (WHATWG, multipart/form-data encoding algorithm)."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _chunks(file: BinaryIO, size_bytes: int) -> Iterator[bytes]:
    """Exactly as many bytes as were announced.

    Raises:
        FinalError: the file cannot be read, or became shorter.
    """
    left_bytes = size_bytes
    try:
        file.seek(0)
        while left_bytes:
            chunk = file.read(min(_CHUNK_BYTES, left_bytes))
            if not chunk:
                raise FinalError(f"{file.name} became shorter while it was sent")
            left_bytes -= len(chunk)
            yield chunk
    except OSError as cause:  # not one of the network
        raise FinalError(f"{file.name}: {cause.strerror}") from cause


def _open(connection: HTTPConnection, target: str, headers: dict[str, str]) -> None:
    connection.putrequest("POST", target)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()


def _pour(connection: HTTPConnection, chunks: Iterable[bytes], on_sent: OnSent) -> bool:
    """Send until the end, or until the server wants no more; whether the end was reached."""
    for chunk in chunks:
        if _has_answered(connection):
            return False
        try:
            connection.send(chunk)
        except _HUNG_UP:  # perhaps on what we still send, with its answer before that
            return False
        on_sent(len(chunk))
    return True


def _has_answered(connection: HTTPConnection) -> bool:
    """Whether there is something to read, which before our end can only be a refusal.

    Not asked under TLS, where the handshake's own messages look the same.
    """
    if connection.sock is None or isinstance(connection.sock, ssl.SSLSocket):
        return False
    return bool(select.select([connection.sock], [], [], 0)[0])


def _listen(connection: HTTPConnection, place: str) -> Answer:
    if connection.sock is not None:
        connection.sock.settimeout(_ANSWER_TIMEOUT_S)
    return Answer(connection.getresponse(), place)


def _refusal(answer: Answer, place: str) -> UploadError:
    """What S3 said, in its own code and message."""
    try:
        text = answer.read(_CHUNK_BYTES).decode(errors="replace")
    except PassingError:  # it hung up in the middle of its reason
        text = ""
    code, message = (
        readable(html.unescape(found[1])) if (found := re.search(pattern, text, re.S)) else ""
        for pattern in ("<Code>(.*?)</Code>", "<Message>(.*?)</Message>")
    )
    reason = ": ".join(filter(None, (code, message))) or readable(answer.reason)
    return UploadError(
        f"{place} refused the document with status {answer.status}: {reason}",
        final=code in _FINAL,
    )
