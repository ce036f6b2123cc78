"""One HTTP request: no redirects of its own, proxies from the environment, errors in plain words.

Not urllib.request: it would follow a redirect with the headers that were signed for someone else,
and lose the answer of a server that refuses an upload before its end.
"""

import base64
import ipaddress
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

_CHUNK_BYTES = 256 * 1024
_LONGEST_TEXT = 2_000


class ClientError(Exception):
    """Something for a person to read, with the way out."""


class PassingError(ClientError):
    """Worth another try; `pause_s` is what the server asked for, if it did."""

    def __init__(self, message: str, pause_s: float | None = None) -> None:
        super().__init__(message)
        self.pause_s = pause_s


class LateError(ClientError):
    """There was no more time to wait."""


class FinalError(ClientError):
    """There is nothing to come back for: the service has judged, or nothing arrived."""


class Answer:
    """A response whose body is read in pieces."""

    def __init__(self, response: HTTPResponse, origin: str) -> None:
        self.status = response.status
        self.reason = response.reason
        self._response = response
        self._origin = origin

    def header(self, name: str) -> str:
        """A header, or nothing."""
        return self._response.headers.get(name, "")

    def pause_s(self) -> float | None:
        """Retry-After in seconds; a date is left unread."""
        text = self.header("Retry-After").strip()
        return float(text) if text.isdecimal() and len(text) < 10 else None

    def chunks(self) -> Iterator[bytes]:
        """The body, in bounded memory.

        Raises:
            PassingError: it ended before its announced length.
        """
        announced, read_bytes = self.header("Content-Length"), 0
        try:
            while chunk := self._response.read(_CHUNK_BYTES):
                read_bytes += len(chunk)
                yield chunk
        except (OSError, HTTPException) as cause:
            raise PassingError(f"the answer of {self._origin} broke off ({why(cause)})") from cause
        # The standard library takes a body that breaks off for a short one.
        if announced.isdecimal() and read_bytes < int(announced):
            raise PassingError(
                f"the answer of {self._origin} broke off after {read_bytes:,} of "
                f"{int(announced):,} bytes"
            )

    def read(self, limit_bytes: int) -> bytes:
        """The body's beginning.

        Raises:
            PassingError: it ended before its announced length.
        """
        content = b""
        for chunk in self.chunks():
            content += chunk
            if len(content) >= limit_bytes:
                break
        return content[:limit_bytes]


@contextmanager
def request(
    method: str, url: str, headers: Mapping[str, str], timeout_s: float = 60
) -> Iterator[Answer]:
    """Send a request without a body, and give the answer whatever its status.

    Raises:
        PassingError: no answer came.
        ClientError: the server's certificate is not trusted here.
    """
    connection, target, extra = connect(url, timeout_s)
    try:
        try:
            connection.request(method, target, headers={**headers, **extra})
            answer = Answer(connection.getresponse(), origin(url))
        except (OSError, HTTPException) as cause:
            raise unreachable(url, cause) from cause
        yield answer
    finally:
        connection.close()


def connect(url: str, timeout_s: float) -> tuple[HTTPConnection, str, dict[str, str]]:
    """A connection that is not open yet, the target to ask it for, and headers for a proxy."""
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    proxy = _proxy(parts)
    if proxy is None:
        kind = HTTPSConnection if secure else HTTPConnection
        return kind(host, parts.port, timeout=timeout_s), target, {}
    pass_on = _credentials(proxy)
    if secure:
        tunnel = HTTPSConnection(proxy.hostname or "", proxy.port, timeout=timeout_s)
        tunnel.set_tunnel(host, parts.port, pass_on)
        return tunnel, target, {}
    plain = HTTPConnection(proxy.hostname or "", proxy.port, timeout=timeout_s)
    return plain, f"http://{parts.netloc}{target}", pass_on


def _proxy(parts: SplitResult) -> SplitResult | None:
    """The proxy for an address; this machine is asked directly, whatever the environment says."""
    proxy = getproxies().get(parts.scheme)
    if not proxy or is_here(parts.hostname or "") or proxy_bypass(parts.netloc):
        return None
    return urlsplit(proxy if "://" in proxy else f"http://{proxy}")


def _credentials(proxy: SplitResult) -> dict[str, str]:
    if not proxy.username:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def is_here(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin(url: str) -> str:
    """Scheme, host and port: what a message may show of an address that holds a signature."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def check_address(url: str, like: str = "") -> str:
    """An address that can be asked: https, or the scheme of `like`.

    Raises:
        ClientError: it cannot.
    """
    schemes = {"https", urlsplit(like).scheme} if like else {"https", "http"}
    try:
        parts = urlsplit(url)
        usable = parts.port != 0 and bool((parts.hostname or "").encode("idna"))
    except ValueError:  # UnicodeError is one
        usable = False
    if (
        not usable
        or "@" in parts.netloc
        or parts.scheme not in schemes
        or not url.isascii()
        or not url.isprintable()
    ):
        raise ClientError(
            f'"{readable(url)[:100]}" is no address for this: expected '
            f"{' or '.join(sorted(schemes))}, as in https://host.example"
        )
    return url


def unreachable(url: str, cause: Exception) -> ClientError:
    """What to say where no answer came."""
    place = origin(url)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return ClientError(f"the certificate of {place} is not trusted: {cause.verify_message}")
    if is_here(urlsplit(url).hostname or ""):
        way_out = "is `make serve` running?"
    else:
        way_out = "check the address, the network and the proxy"
    return PassingError(f"{place} does not answer ({why(cause)}): {way_out}")


def why(cause: Exception) -> str:
    """An exception of the network in a few words."""
    text = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
    return readable(str(text))


def readable(text: str) -> str:
    """Text from elsewhere, without what a terminal would act on."""
    clean = "".join(c if c.isprintable() else " " for c in text[:_LONGEST_TEXT])
    return clean.strip()
