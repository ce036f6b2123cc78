"""The token of a service that wants one (JWT), from the environment: what is in a command line,
others on the machine can read.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from client.transport import ClientError, is_here, origin

VARIABLE = "VERGER_TOKEN"
_LONGEST = 16_000


class Bearer:
    """Shows a token to the service, and to nobody else.

    Raises:
        ClientError: there is no token, or it is none, or it would travel in the clear.
    """

    def __init__(self, url: str, environment: Mapping[str, str]) -> None:
        self._token = environment.get(VARIABLE, "").strip()
        if not self._token:
            raise ClientError(f"--token found nothing in the environment variable {VARIABLE}")
        if not (self._token.isascii() and self._token.isprintable()) or " " in self._token:
            raise ClientError(f"{VARIABLE} holds no token: expected one word, as in eyJ….eyJ….…")
        if len(self._token) > _LONGEST:
            raise ClientError(f"{VARIABLE} holds no token: it has {len(self._token):,} characters")
        parts = urlsplit(url)
        if parts.scheme != "https" and not is_here(parts.hostname or ""):
            raise ClientError(f"a token is not sent to {origin(url)} in the clear: expected https")

    def sign(self, _method: str, _url: str) -> dict[str, str]:
        """The header of a request (RFC 6750)."""
        return {"Authorization": f"Bearer {self._token}"}

    def hide(self, text: str) -> str:
        """Text without the token, should somebody send it back."""
        return text.replace(self._token, "(the token)")
