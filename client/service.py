"""The service as the client sees it: ask for a form, look at a prediction, delete it."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, urljoin

from client.transport import (
    Answer,
    ClientError,
    FinalError,
    PassingError,
    check_address,
    origin,
    readable,
    request,
)

Save = Callable[[Iterable[bytes]], None]

_ACCEPT = {"Accept": "application/json, application/problem+json"}
_PASSING = {429, 500, 502, 503, 504}
_SET_ASIDE = "urn:verger:problem:set-aside"
_SMALL_BYTES = 256 * 1024


class Permission(Protocol):
    """What a service on AWS wants to see: a signature, or a token."""

    def sign(self, method: str, url: str, /) -> dict[str, str]:
        """The headers that show it."""
        ...

    def hide(self, text: str) -> str:
        """Text that may be printed."""
        ...


@dataclass(frozen=True)
class Form:
    """Where and how a document is sent: a presigned POST of S3."""

    prediction: str
    url: str
    fields: tuple[tuple[str, str], ...]
    file_field: str
    max_bytes: int


@dataclass(frozen=True)
class Running:
    """A prediction that is not ready."""

    state: str
    matrices: int
    progress: float
    pause_s: float | None


class Service:
    """A Verger service.

    Every method raises:
        PassingError: no answer, or one that may be another in a moment.
        ClientError: the service said no, with its reason.
    """

    def __init__(self, url: str, permission: Permission | None = None) -> None:
        self._url = url
        self._permission = permission

    def ask_form(self) -> Form:
        """Ask for a place to send a document to."""
        with self._ask("POST", "/uploads", 201) as answer:
            content = answer.read(_SMALL_BYTES)
        try:
            return self._read_form(json.loads(content))
        except (ValueError, KeyError, TypeError, AttributeError) as cause:
            raise ClientError(
                f"{self._url} answered with something else than an upload form: "
                "is it a Verger service?"
            ) from cause

    def _read_form(self, content: dict[str, Any]) -> Form:
        upload = content["upload"]
        return Form(
            prediction=str(content["id"]),
            url=check_address(upload["url"], like=self._url),
            fields=tuple((str(name), str(value)) for name, value in upload["fields"].items()),
            file_field=str(upload.get("file_field", "file")),
            max_bytes=int(upload["max_bytes"]),
        )

    def look(self, prediction: str, save: Save) -> Running | None:
        """Save the result if it is there, else say how far it is."""
        with self._ask("GET", _path(prediction), 200, 202, 303) as answer:
            if answer.status == 202:
                return _read_running(answer)
            if answer.status == 200:
                save(answer.chunks())
                return None
            link = urljoin(f"{self._url}/", answer.header("Location"))
        self._follow(check_address(link, like=self._url), save)
        return None

    def _follow(self, link: str, save: Save) -> None:
        """A result too large for the service's own answer; the link itself is the permission."""
        with request("GET", link, {}) as answer:
            if answer.status != 200:
                kind = PassingError if answer.status in _PASSING else ClientError
                reason = readable(answer.reason)
                raise kind(
                    f"{origin(link)}, which has the result, answered {answer.status} {reason}"
                )
            save(answer.chunks())

    def has(self, prediction: str) -> bool:
        """Whether the document of a prediction has arrived."""
        with self._ask("GET", _path(prediction), 200, 202, 303, 404) as answer:
            return answer.status != 404

    def delete(self, prediction: str) -> None:
        """Erase a document and its result; one that is gone already is no fault."""
        with self._ask("DELETE", _path(prediction), 200, 202, 204, 404):
            pass

    @contextmanager
    def _ask(self, method: str, path: str, *expected: int) -> Iterator[Answer]:
        url = f"{self._url}{path}"
        headers = self._permission.sign(method, url) if self._permission else {}
        with request(method, url, headers | _ACCEPT) as answer:
            if answer.status not in expected:
                raise self._explain(answer)
            yield answer

    def _explain(self, answer: Answer) -> ClientError:
        problem = _read_object(answer)
        reason = _sentence(problem) or f"{answer.status} {answer.reason}"
        message = f"{self._url} answered {answer.status}: {readable(reason)}"
        if self._permission:
            message = self._permission.hide(message)
        elif answer.status in {401, 403}:
            message += "; if it wants signed requests: --sign REGION; if a token: --token"
        if answer.status in _PASSING and problem.get("type") != _SET_ASIDE:
            return PassingError(message, answer.pause_s())
        # What is no problem of ours may change, such as a gateway's 403 after a night.
        is_ours = str(problem.get("type", "")).startswith("urn:verger:")
        return FinalError(message) if is_ours else ClientError(message)


def _path(prediction: str) -> str:
    return f"/predictions/{quote(prediction, safe='')}"


def _read_object(answer: Answer) -> dict[str, Any]:
    try:
        content = json.loads(answer.read(_SMALL_BYTES))
    except ValueError:  # not JSON: a gateway's page, or nothing
        return {}
    return content if isinstance(content, dict) else {}


def _sentence(problem: dict[str, Any]) -> str:
    """Title, detail and place; API Gateway itself answers with a message only."""
    parts = [str(problem[key]) for key in ("title", "detail", "message") if problem.get(key)]
    sentence = ": ".join(parts)
    place = [
        f"{name} {problem[name]}"
        for name in ("matrix", "line")
        if problem.get(name) is not None and str(problem[name]) not in sentence
    ]
    return f"{sentence} ({', '.join(place)})" if sentence and place else sentence


def _read_running(answer: Answer) -> Running:
    content = _read_object(answer)
    matrices, progress = content.get("matrices"), content.get("progress")
    return Running(
        state=readable(str(content.get("state", "running"))),
        matrices=matrices if isinstance(matrices, int) else 0,
        progress=float(progress) if isinstance(progress, int | float) else 0.0,
        pause_s=answer.pause_s(),
    )
