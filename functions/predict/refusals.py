"""Problems as HTTP answers: in problem+json, and under /v2 as that protocol has them."""

import json
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from predict import contract
from predict.contract import PROBLEM_TYPE
from predict.problems import Problem, explain, problem, to_bytes
from predict.telemetry.facts import facts
from serving.errors import ServingError

REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": why,
        "content": {PROBLEM_TYPE: {"schema": contract.schema_of(contract.Problem)}},
    }
    for status, why in {
        400: "not well-formed, damaged, or forbidden (a DTD, a pickle)",
        404: "there is nothing under this name",
        413: "over a limit; the detail says which, and the way out",
        415: "a format that is not read here",
        422: "well-formed, but the wrong data; names the matrix and the line",
        500: "a fault of the service, which was logged",
        503: "a passing fault; try again",
    }.items()
}
_ALL_400 = {413, 415, 422}
_TITLES = {404: "There is nothing at this address", 405: "The method does not fit the address"}


def answer(content: Problem) -> Response:
    """A problem as an answer."""
    return Response(to_bytes(content), content["status"], media_type=PROBLEM_TYPE)


def answer_v2(content: Problem) -> Response:
    """A problem as the Open Inference Protocol has it: {"error": "…"}.

    What is wrong with a request is a 400 there; 404, 405 and what is not its fault stay.
    """
    status = 400 if content["status"] in _ALL_400 else content["status"]
    error = {"error": content["detail"]}
    body = json.dumps(error, ensure_ascii=False).encode(errors="replace")
    return Response(body, status, media_type="application/json")


def answer_at(path: str, content: Problem) -> Response:
    """A problem as clients of an address expect it."""
    return (answer_v2 if f"{path}/".startswith("/v2/") else answer)(content)


def _methods(request: Request) -> list[str]:
    """Those of an address, which may be several routes; the framework names those of the first."""
    there = (route for route in request.app.routes if route.matches(request.scope)[0] != Match.NONE)
    return sorted({method for route in there for method in route.methods})


def install(app: FastAPI) -> None:
    """Answer every error of an app with a problem."""

    def respond(request: Request, content: Problem) -> Response:
        return answer_at(request.scope["path"], content)

    async def on_error(request: Request, error: Exception) -> Response:
        return respond(request, explain(error))

    async def on_http(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            return respond(request, explain(error))
        facts().reason = "http"
        title = _TITLES.get(error.status_code, "The request is wrong")
        what = f"{request.method[:20]} {request.scope['path'][:80]}"
        detail = f"{what}: {error.detail}; see /openapi.json"
        response = respond(request, problem(error.status_code, "http", title, detail))
        response.headers.update(error.headers or {})
        if error.status_code == 405:
            response.headers["allow"] = ", ".join(_methods(request))
        return response

    async def on_validation(request: Request, _error: Exception) -> Response:
        facts().reason = "invalid"
        detail = "The parameters do not fit; see /openapi.json"
        return respond(request, problem(422, "invalid", "The data is wrong", detail))

    # The first alone would pass every error on to the server, which logs what it says.
    app.add_exception_handler(Exception, on_error)
    app.add_exception_handler(ServingError, on_error)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_validation)
