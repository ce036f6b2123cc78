"""The routes of large documents: where to send one, how far it is, its result."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fastapi import FastAPI, Request, Response

from predict.batch.notes import Progress
from predict.contract import PROBLEM_TYPE, Predictions, Running, Upload, UploadForm
from predict.keys import UNREADABLE, Note, Result, Source, is_name, result_key
from predict.problems import Problem, problem
from predict.refusals import REFUSALS, answer
from predict.telemetry.facts import span
from serving.errors import InvalidInputError, NotFoundError, ServingError
from serving.settings import Limits

if TYPE_CHECKING:  # boto3 takes a third of a second, which inline predictions do not need
    from predict.store import Store

_LONGEST_NAME = 1024 - len(result_key(""))  # S3 takes keys of so many bytes
# By hand, as is what follows: FastAPI would add a 422 of its own, which nothing answers.
_PARAMETERS = {
    "parameters": [
        {
            "name": "id",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1, "maxLength": _LONGEST_NAME},
        }
    ]
}
_LOCATION = {
    "required": True,
    "description": "where its prediction will be",
    "schema": {"type": "string", "format": "uri-reference"},
}
_BEGUN = {
    "headers": {"Location": _LOCATION},
    "links": {
        name: {"operationId": name, "parameters": {"id": "$response.body#/id"}}
        for name in ("get_prediction", "erase_prediction")
    },
}
_RUNNING = {
    "model": Running,
    "description": "not yet",
    "headers": {
        "Retry-After": {
            "required": True,
            "description": "when to ask again, in seconds",
            "schema": {"type": "integer", "minimum": 0},
        }
    },
}
_ELSEWHERE = {
    "description": "too large for an answer",
    "headers": {
        "Location": _LOCATION
        | {"description": "a presigned GET of S3", "schema": {"type": "string", "format": "uri"}}
    },
}
_FAILURES: dict[int | str, Any] = {status: REFUSALS[status] for status in (500, 503)}
_NOTHING = "nothing was uploaded under this id, or it was erased, or it has expired"
_SOON_S = 2


@span("store")
def begin(store: "Store", limits: Limits) -> Upload:
    """A place for one document, under a name that nobody can guess."""
    name = uuid4().hex
    form = store.upload_form(name, limits.upload_bytes)
    return Upload(
        id=name,
        prediction=f"/predictions/{name}",
        upload=UploadForm(
            url=form["url"],
            fields=form["fields"],
            max_bytes=limits.upload_bytes,
            expires_s=store.storage.upload_expires_s,
        ),
    )


def offer(open_store: "Callable[[], Store]", limits: Limits, problem: Problem) -> None:
    """Add the way out to the problem of a document that is too large for a request."""
    with suppress(ServingError):  # the problem stands without it
        problem["upload"] = begin(open_store(), limits).model_dump()
        problem["detail"] += " Or upload it (POST /uploads): here is the form, as `upload`."


def add(app: FastAPI, open_store: "Callable[[], Store]", limits: Limits) -> None:
    """Add the routes."""

    @app.post(
        "/uploads",
        status_code=201,
        tags=["large documents"],
        response_model=Upload,
        responses={201: _BEGUN, **_FAILURES},
        summary="Ask where to send a large document.",
        description="Then send multipart/form-data to `upload.url`: every one of `upload.fields` "
        "as it stands, and last the document as `upload.file_field`. S3 answers 204, and the "
        "prediction starts by itself.",
    )
    def upload(response: Response) -> Upload:
        begun = begin(open_store(), limits)
        response.headers["location"] = begun.prediction
        return begun

    @app.get(
        "/predictions/{id:path}",
        tags=["large documents"],
        operation_id="get_prediction",
        response_model=Predictions,
        responses={202: _RUNNING, 303: _ELSEWHERE, **REFUSALS},
        openapi_extra=_PARAMETERS,
        summary="The prediction of an uploaded document, or how far it is.",
    )
    def prediction(request: Request) -> Response:
        return _look_up(open_store(), request.path_params["id"], limits)

    @app.delete(
        "/predictions/{id:path}",
        status_code=204,
        tags=["large documents"],
        operation_id="erase_prediction",
        responses={404: REFUSALS[404], **_FAILURES},
        openapi_extra=_PARAMETERS,
        summary="Erase a document and its result.",
    )
    def erase(request: Request) -> None:
        id = request.path_params["id"]
        if not is_name(id) or not open_store().erase(id):
            raise NotFoundError(_NOTHING)


@span("store")
def _look_up(store: "Store", name: str, limits: Limits) -> Response:
    if not is_name(name):
        raise NotFoundError(_NOTHING)
    result = store.result(name)
    source = _source(store, name)
    if result and source is None and store.was_erased(name):  # and its job died
        raise NotFoundError(_NOTHING)
    if result and (source is None or source.etag == result.source_etag):
        return _give(store, name, result, limits)
    if source is None:
        raise NotFoundError(_NOTHING)
    progress = Progress.from_json(store.note(name, Note.PROGRESS))
    running = Running(id=name, state="waiting")
    if progress and progress.is_of(source):
        if progress.is_set_aside:
            return _set_aside()
        running = Running(
            id=name, state="running", matrices=progress.matrices, progress=progress.progress
        )
    return Response(
        running.model_dump_json(),
        202,
        headers={"retry-after": str(_SOON_S)},
        media_type="application/json",
    )


def _source(store: "Store", name: str) -> "Source | None":
    try:
        return store.source(name)
    except InvalidInputError:  # nobody can read it; its result says so
        return Source(name, UNREADABLE, 0)


def _give(store: "Store", name: str, result: "Result", limits: Limits) -> Response:
    if result.size_bytes <= limits.answer_bytes:
        body = store.result_body(name, result)
        # As Lambda sends it, a text inside of JSON.
        if len(json.dumps(body.decode())) <= limits.answer_bytes:
            kind = "application/json" if result.status == 200 else PROBLEM_TYPE
            return Response(body, result.status, media_type=kind)
    return Response(status_code=303, headers={"location": store.result_url(name)})


def _set_aside() -> Response:
    detail = (
        "the document was tried as often as it may be, and is kept for the operator, who can "
        "bring it back (make redrive)"
    )
    return answer(problem(503, "set-aside", "The prediction was set aside", detail))
