"""The HTTP edge: translates requests to the core's calls and its errors to problems."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, BinaryIO

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool

from predict import refusals, uploads
from predict.answer import identity, to_json
from predict.contract import (
    DOCUMENT_TYPES,
    LINK_TYPE,
    XML_TYPES,
    LimitsDescription,
    Link,
    Live,
    ModelIdentity,
    Predictions,
    Ready,
    TensorDescription,
    schema_of,
)
from predict.problems import explain
from predict.refusals import REFUSALS
from predict.request import WAY_OUT, compute, is_link, read_body, read_link
from predict.telemetry.facts import counted, facts, span
from predict.v2 import routes
from serving import __version__
from serving.documents import Document, read_document
from serving.documents.schema import schema
from serving.errors import RequestTooLargeError
from serving.model import Model, predict_all
from serving.settings import Settings

if TYPE_CHECKING:
    from predict.store import Store

OpenStore = Callable[[], "Store"]

_BODY = {
    "required": True,
    "content": {
        media_type: {
            "schema": {"type": "string"}
            if media_type in XML_TYPES
            else {"type": "string", "format": "binary"}
        }
        for media_type in DOCUMENT_TYPES
    }
    | {LINK_TYPE: {"schema": schema_of(Link)}},
}


def create_app(
    model: Model,
    settings: Settings,
    open_store: OpenStore | None = None,
    cold_start_ms: Mapping[str, float] | None = None,
) -> FastAPI:
    """The service around one model.

    Args:
        open_store: for large documents; None where there is no bucket, and no routes for them.
        cold_start_ms: what the start cost beyond the model's own parts, in milliseconds; read at
            each request, so that what follows may be added.
    """
    app = FastAPI(
        title=f"Verger: {model.passport.name}",
        version=__version__,
        summary="Predictions for documents of matrices.",
        redirect_slashes=False,
        # Its page would have the browser fetch a script from a public CDN; make serve has it.
        docs_url=None,
        redoc_url=None,
        openapi_tags=[
            {"name": name} for name in ("predictions", "large documents", routes.TAG, "service")
        ],
    )
    refusals.install(app)
    _add_predictions(app, model, settings, open_store)
    if open_store is not None:
        uploads.add(app, open_store, settings.limits)
    routes.add(app, model, settings)
    _add_service(app, model, settings, {} if cold_start_ms is None else cold_start_ms)
    return app


def _add_predictions(
    app: FastAPI, model: Model, settings: Settings, open_store: OpenStore | None
) -> None:
    answer = _Answer(model, settings)

    @app.post(
        "/predictions",
        tags=["predictions"],
        response_model=Predictions,
        responses=REFUSALS,
        openapi_extra={"requestBody": _BODY},
        summary="Predict the matrices of a document.",
        description=f"An XML document (see /schema.xsd), npz or npy; gzip is accepted. {WAY_OUT} "
        "Or the presigned URL of a document in S3, as JSON.",
    )
    async def predict(request: Request) -> Response:
        try:
            if is_link(request):
                url = await read_link(request)
                content = await run_in_threadpool(answer.to_link, url)
            else:
                body = await read_body(request, settings.limits)
                content = await compute(request, partial(answer.to_body, body))
        except Exception as error:
            # Not left to the framework, which logs a traceback that may quote the document.
            problem = explain(error)
            if open_store is not None and isinstance(error, RequestTooLargeError):
                await run_in_threadpool(uploads.offer, open_store, settings.limits, problem)
            return refusals.answer(problem)
        return Response(content, media_type="application/json")


class _Answer:
    """From a document, wherever it is, to the bytes of the answer."""

    def __init__(self, model: Model, settings: Settings) -> None:
        self._model = model
        self._settings = settings
        self._batch_size = settings.batch_size or model.passport.batch_size
        limits = settings.limits
        self._sent = Document(model.spec, settings.names, limits)
        whole = limits.link_bytes
        fetched = replace(limits, inflated_bytes=whole, markup_bytes=whole, tags=whole)
        self._fetched = Document(model.spec, settings.names, fetched)

    def to_body(self, body: BinaryIO) -> bytes:
        """The document is in the request."""
        return self._predict(body, self._sent)

    def to_link(self, url: str) -> bytes:
        """The document is in S3, under a presigned URL."""
        from predict.link import open_link  # 50 ms, which inline predictions do not need

        facts().document_bytes = None  # that was the URL
        limits = self._settings.limits
        with open_link(
            url, self._settings.endpoint, limits.link_bytes, limits.link_seconds
        ) as body:
            return self._predict(body, self._fetched)

    def _predict(self, body: BinaryIO, document: Document) -> bytes:
        with span("predict"):  # and read, which takes turns with it
            predictions = predict_all(read_document(body, document), self._model, self._batch_size)
            limit_bytes = self._settings.limits.answer_bytes
            return to_json(self._model, counted(predictions), limit_bytes)


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
        markup_bytes=limits.markup_bytes,
        tags=limits.tags,
        answer_bytes=limits.answer_bytes,
        upload_bytes=limits.upload_bytes,
        link_bytes=limits.link_bytes,
        link_seconds=limits.link_seconds,
        matrices=limits.matrices,
        id_characters=limits.id_characters,
        media_types=list(DOCUMENT_TYPES),
    )
