"""Follows a presigned URL: to the address that was checked, and no further, within limits."""

import io
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from http.client import HTTPException, HTTPResponse
from time import monotonic
from typing import Any, BinaryIO, cast

from predict.presigned import Link, check_link
from predict.telemetry.facts import facts
from serving.errors import InvalidInputError, RequestTooLargeError, UnavailableError, brief

__all__ = ["Link", "check_link", "open_link"]

_CONNECT_S = 5.0  # for each of the host's addresses
_HEAD_BYTES = 2048  # of an error's body
_WAY_OUT = "upload it with POST /uploads instead"
_CODE = re.compile(rb"<Code>([A-Za-z]{1,64})</Code>")
_MEANINGS = {
    403: "the URL has expired, or does not allow this",
    404: "there is no such object",
}

Resolve = Callable[..., list[Any]]


@contextmanager
def open_link(
    url: str,
    endpoint: str | None,
    limit_bytes: int,
    limit_s: float,
    resolve: Resolve = socket.getaddrinfo,
) -> Iterator[BinaryIO]:
    """The object behind a presigned URL, as a stream; its bytes are not unpacked.

    Args:
        limit_s: for all of it, what the reader computes between two reads included; a name server
            that does not answer takes its own time.

    Raises, here and while the stream is read:
        InvalidInputError: the URL is not followed, or S3 refuses it.
        RequestTooLargeError: more bytes, or more time.
        UnavailableError: S3 cannot be reached, fails, or breaks off.
    """
    link = check_link(url, endpoint)
    clock = _Clock(limit_s)
    addresses = _addresses(link, resolve)
    with closing(_connect(link, addresses, clock)) as sock:
        response = _ask(sock, link, clock)
        yield cast(BinaryIO, _Body(response, clock, limit_bytes))


class _Clock:
    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._end = monotonic() + limit_s

    def left_s(self) -> float:
        left = self._end - monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _addresses(link: Link, resolve: Resolve) -> list[tuple[int, Any]]:
    """What the host resolves to, asked once: family and socket address."""
    try:
        answers = resolve(link.host, link.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as cause:
        raise UnavailableError(f"{link.host[:100]} has no address: {brief(cause)}") from cause
    addresses = [(answer[0], answer[4]) for answer in answers]
    if link.region is not None and not all(_is_public(str(each[0])) for _, each in addresses):
        raise UnavailableError(f"{link.host[:100]} resolves to an address that is not public")
    return addresses


def _is_public(text: str) -> bool:
    """Stricter than is_global, which takes multicast, and IPv4 that is packed into IPv6."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and (
        address not in ipaddress.IPv6Network("2000::/3") or address.sixtofour is not None
    ):
        return False
    return address.is_global and not address.is_multicast


def _connect(link: Link, addresses: list[tuple[int, Any]], clock: _Clock) -> socket.socket:
    """Connect to the first address that answers: the address, so that DNS is not asked again."""
    fault: OSError = OSError("it has no address")
    for family, address in addresses:
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(min(clock.left_s(), _CONNECT_S))
            sock.connect(address)
            if link.scheme == "http":
                return sock
            sock.settimeout(min(clock.left_s(), _CONNECT_S))
            return _tls().wrap_socket(sock, server_hostname=link.host)
        except OSError as cause:
            sock.close()
            fault = cause
    raise UnavailableError(f"no connection to {link.host[:100]}: {brief(fault)}") from fault


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


class _Clocked(io.RawIOBase):
    """A socket as http.client reads it, its headers too, for no longer than is left."""

    def __init__(self, sock: socket.socket, clock: _Clock) -> None:
        self._sock = sock
        self._clock = clock

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._sock.settimeout(self._clock.left_s())
        return self._sock.recv_into(buffer)


def _ask(sock: socket.socket, link: Link, clock: _Clock) -> HTTPResponse:
    """Send the request as it was checked, which no library that encodes it anew does."""
    request = (
        f"GET {link.target} HTTP/1.1\r\nHost: {link.authority}\r\n"
        "Accept-Encoding: identity\r\nConnection: close\r\n\r\n"
    )
    try:
        sock.settimeout(clock.left_s())
        sock.sendall(request.encode("ascii"))
        response = HTTPResponse(cast(socket.socket, _Clocked(sock, clock)), method="GET")
        response.begin()
    except TimeoutError as cause:
        raise UnavailableError(f"S3 does not answer within {clock.limit_s:g} s") from cause
    except (OSError, HTTPException) as cause:
        # Not its text, which may quote what was sent.
        raise UnavailableError(f"S3 does not answer in HTTP: {type(cause).__name__}") from cause
    if response.status != 200:
        raise _answer_error(response)
    if response.length is None and not response.chunked:
        raise UnavailableError("S3 does not say how long the object is, so its end is unknown")
    return response


def _answer_error(response: HTTPResponse) -> InvalidInputError | UnavailableError:
    head = b""
    with suppress(OSError, HTTPException):
        while len(head) < _HEAD_BYTES and (data := response.read1(_HEAD_BYTES - len(head))):
            head += data
    code = _CODE.search(head)
    status = response.status
    says = f"S3 answers {status} ({code[1].decode()})" if code else f"S3 answers {status}"
    if status == 429 or status >= 500:
        return UnavailableError(f"{says}: try again")
    if 300 <= status < 400:
        return InvalidInputError(
            f"{says}: a redirect, which is not followed; sign the object's URL"
        )
    return InvalidInputError(f"{says}: {_MEANINGS.get(status, 'the URL does not give an object')}")


class _Body(io.RawIOBase):
    """The object, one recv at a time, within its limits."""

    def __init__(self, response: HTTPResponse, clock: _Clock, limit_bytes: int) -> None:
        self._response = response
        self._clock = clock
        self._limit_bytes = limit_bytes
        self._announced_bytes = response.length or 0  # 0: in chunks, which http.client checks
        self._read_bytes = 0
        self._check(self._announced_bytes)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._receive(len(buffer))
        self._read_bytes += len(data)
        facts().document_bytes = self._read_bytes
        self._check(self._read_bytes)
        if len(buffer) > 0 and not data and self._read_bytes < self._announced_bytes:
            raise self._broken()
        buffer[: len(data)] = data
        return len(data)

    def _receive(self, size_bytes: int) -> bytes:
        try:
            self._clock.left_s()  # bytes may be here already, and the reader may be slow
            return self._response.read1(size_bytes)
        except TimeoutError as cause:
            raise RequestTooLargeError(
                f"the document takes more than {self._clock.limit_s:g} s to read in one request: "
                f"{_WAY_OUT}"
            ) from cause
        except (OSError, HTTPException) as cause:
            raise self._broken() from cause

    def _check(self, size_bytes: int) -> None:
        if size_bytes > self._limit_bytes:
            raise RequestTooLargeError(
                f"the object has {size_bytes:,} bytes or more; the limit is "
                f"{self._limit_bytes:,} bytes by a URL: {_WAY_OUT}"
            )

    def _broken(self) -> UnavailableError:
        return UnavailableError(f"S3 broke off after {self._read_bytes:,} bytes of the object")
