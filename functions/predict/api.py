"""The HTTP edge: translates requests to the core's calls and its errors to problems."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool

from predict import problems
from predict.answer import identity, to_json
from predict.contract import (
    DOCUMENT_TYPES,
    PROBLEM_TYPE,
    XML_TYPES,
    LimitsDescription,
    Live,
    ModelIdentity,
    Predictions,
    Problem,
    Ready,
    TensorDescription,
)
from predict.request import WAY_OUT, read_body
from serving import __version__
from serving.documents import Document, read_document
from serving.documents.schema import schema
from serving.model import Model, predict_all
from serving.settings import Settings

_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"description": why, "content": {PROBLEM_TYPE: {"schema": Problem.model_json_schema()}}}
    for status, why in {
        400: "not well-formed, damaged, or forbidden (a DTD, a pickle)",
        413: "over a limit; the detail says which, and the way out",
        415: "a format that is not read here",
        422: "well-formed, but the wrong data; names the matrix and the line",
        500: "a fault of the service, which was logged",
        503: "a passing fault; try again",
    }.items()
}
_BODY = {
    "required": True,
    "content": {
        media_type: {
            "schema": {"type": "string"}
            if media_type in XML_TYPES
            else {"type": "string", "format": "binary"}
        }
        for media_type in DOCUMENT_TYPES
    },
}


def create_app(
    model: Model, settings: Settings, cold_start_ms: Mapping[str, float] | None = None
) -> FastAPI:
    """The service around one model.

    Args:
        cold_start_ms: what the start cost beyond the model's own parts, in milliseconds; read at
            each request, so that what follows may be added.
    """
    app = FastAPI(
        title=f"Verger: {model.passport.name}",
        version=__version__,
        summary="Predictions for documents of matrices.",
        redirect_slashes=False,
        redoc_url=None,
        openapi_tags=[{"name": "predictions"}, {"name": "service"}],
    )
    problems.install(app)
    _add_predictions(app, model, settings)
    _add_service(app, model, settings, {} if cold_start_ms is None else cold_start_ms)
    return app


def _add_predictions(app: FastAPI, model: Model, settings: Settings) -> None:
    document = Document(model.spec, settings.names, settings.limits)
    batch_size = settings.batch_size or model.passport.batch_size

    def answer(body: Any) -> bytes:
        predictions = predict_all(read_document(body, document), model, batch_size)
        return to_json(model, predictions, settings.limits.answer_bytes)

    @app.post(
        "/predictions",
        tags=["predictions"],
        response_model=Predictions,
        responses=_REFUSALS,
        openapi_extra={"requestBody": _BODY},
        summary="Predict the matrices of a document.",
        description=f"An XML document (see /schema.xsd), npz or npy; gzip is accepted. {WAY_OUT}",
    )
    async def predict(request: Request) -> Response:
        try:
            body = await read_body(request, settings.limits)
            if "aws.event" in request.scope:  # Lambda sends one request at a time
                content = answer(body)
            else:  # a thread, so that health answers while a document is computed
                content = await run_in_threadpool(answer, body)
        except Exception as error:
            # Not left to the framework, which logs a traceback that may quote the document.
            return problems.explain(error)
        return Response(content, media_type="application/json")


def _add_service(
    app: FastAPI, model: Model, settings: Settings, cold_start_ms: Mapping[str, float]
) -> None:
    limits = _describe_limits(model, settings)
    xsd = schema(settings.names)

    @app.get("/health/live", tags=["service"], summary="Whether the process answers.")
    async def live() -> Live:
        return Live(status="live")

    @app.get("/health/ready", tags=["service"], summary="Whether the model is loaded and proven.")
    async def ready() -> Ready:
        return Ready(
            status="ready",
            model=ModelIdentity(**identity(model)),
            cold_start_ms={**cold_start_ms, **model.start_ms},
        )

    @app.get("/limits", tags=["service"], summary="What the model takes, and the limits.")
    async def show_limits() -> LimitsDescription:
        return limits

    @app.get(
        "/schema.xsd",
        tags=["service"],
        summary="The XML document's schema.",
        response_class=Response,
        responses={200: {"content": {"application/xml": {"schema": {"type": "string"}}}}},
    )
    async def show_schema() -> Response:
        return Response(xsd, media_type="application/xml")


def _describe_limits(model: Model, settings: Settings) -> LimitsDescription:
    limits, passport = settings.limits, model.passport
    return LimitsDescription(
        input=TensorDescription(shape=list(passport.input.shape), dtype=passport.input.dtype),
        output=TensorDescription(shape=list(passport.output.shape), dtype=passport.output.dtype),
        values_per_matrix=model.spec.count,
        document_bytes=limits.text_bytes,
        binary_document_bytes=limits.binary_bytes,
        unpacked_bytes=limits.inflated_bytes,
        answer_bytes=limits.answer_bytes,
        id_characters=limits.id_characters,
        media_types=list(DOCUMENT_TYPES),
    )
