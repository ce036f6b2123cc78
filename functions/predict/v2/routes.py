"""The routes of the Open Inference Protocol: what the model is, and inference."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, BinaryIO

from fastapi import FastAPI, Request, Response

from predict.contract import schema_of
from predict.problems import explain
from predict.refusals import answer_v2
from predict.request import compute, read_bounded
from predict.telemetry.facts import counted, span
from predict.v2 import contract
from predict.v2.contract import HEADER_BYTES
from predict.v2.tensors import datatype_of, metadata_shape
from serving import __version__
from serving.documents.compression import inflate, inflate_zlib
from serving.errors import MalformedError, NotFoundError, UnsupportedError
from serving.model import Model, predict_all
from serving.passport import Passport, Tensor
from serving.settings import Settings

TAG = "Open Inference Protocol v2"
_PLATFORMS = {"onnx": "onnx_onnxv1", "tensorflow": "keras_hdf5"}
_WAY_OUT = (
    "Send fewer matrices at once, or as npz by way of S3 (POST /uploads, where there is a bucket)."
)
_WAY_OUT_OF_TEXT = f"Send the tensor as bytes (the extension binary_tensor_data). {_WAY_OUT}"
# By hand: FastAPI would take 2 ms of each cold start to make it of a class, for each route anew.
_ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"description": why, "content": {"application/json": {"schema": _ERROR}}}
    for status, why in {
        400: "the request is wrong; the text says where",
        404: "there is no such model, or no such version of it",
        500: "a fault of the service, which was logged",
    }.items()
}
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_REQUEST = {
    "required": True,
    "content": {
        "application/json": {"schema": schema_of(contract.InferenceRequest)},
        "application/octet-stream": _BINARY,
    },
}
_LENGTH = {
    "name": HEADER_BYTES,
    "in": "header",
    "description": "how long the JSON is, where bytes follow it; 0 for a tensor alone, as bytes",
    "schema": {"type": "integer", "minimum": 0},
}
_RESPONSE = {200: {"content": {"application/octet-stream": _BINARY}}}


def add(app: FastAPI, model: Model, settings: Settings) -> None:
    """Add the routes."""
    _add_server(app)
    _add_model(app, model, settings)
    _add_inference(app, model, settings)


def _add_server(app: FastAPI) -> None:
    @app.get("/v2", tags=[TAG], summary="What answers, and the extensions that it has.")
    @app.get("/v2/", include_in_schema=False)
    async def server() -> contract.ServerMetadata:
        return contract.ServerMetadata(
            name="verger", version=__version__, extensions=["binary_tensor_data"]
        )

    @app.get("/v2/health/live", tags=[TAG], summary="Whether the process answers.")
    async def live() -> contract.ServerLive:
        return contract.ServerLive(live=True)

    @app.get("/v2/health/ready", tags=[TAG], summary="Whether the model is loaded and proven.")
    async def ready() -> contract.ServerReady:
        return contract.ServerReady(live=True, ready=True)


def _add_model(app: FastAPI, model: Model, settings: Settings) -> None:
    passport, names = model.passport, settings.tensors
    metadata = contract.ModelMetadata(
        name=passport.name,
        versions=[passport.version],
        platform=_PLATFORMS[passport.engine],
        inputs=[_describe(names.input, passport.input)],
        outputs=[_describe(names.output, passport.output)],
    )

    async def describe(request: Request) -> contract.ModelMetadata:
        _check_model(request.path_params, model)
        return metadata

    async def ready(request: Request) -> contract.ModelReady:
        _check_model(request.path_params, model)
        return contract.ModelReady(name=passport.name, ready=True)

    _add_route(app, passport, "GET", "", describe, summary="The model's tensors.")
    what = "Whether the model is loaded and proven."
    _add_route(app, passport, "GET", "/ready", ready, summary=what)


def _add_inference(app: FastAPI, model: Model, settings: Settings) -> None:
    async def infer(request: Request) -> Response:
        try:
            _check_model(request.path_params, model)
            body, header_bytes = await _read(request, settings)
            accepted = request.headers.get("accept-encoding", "")
            work = partial(_infer, body, header_bytes, accepted, model, settings)
            content, headers = await compute(request, work)
        except Exception as error:
            # Not left to the framework, which logs a traceback that may quote the request.
            return answer_v2(explain(error))
        return Response(content, headers={"content-type": "application/json"} | headers)

    _add_route(
        app,
        model.passport,
        "POST",
        "/infer",
        infer,
        summary="Predict the matrices of a tensor.",
        response_model=contract.InferenceResponse,
        responses=_ERRORS | _RESPONSE,
        openapi_extra={"parameters": [_LENGTH], "requestBody": _REQUEST},
    )


def _add_route(
    app: FastAPI,
    passport: Passport,
    method: str,
    end: str,
    route: Callable[[Request], Awaitable[Any]],
    **more: Any,
) -> None:
    """With the version in the address, and without."""
    more = {"responses": _ERRORS} | more
    extra = more.pop("openapi_extra", {})
    known = {"name": passport.name, "version": passport.version}
    for versions in ("", "/versions/{version}"):
        names = ["name", *(["version"] if versions else [])]
        parameters = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": {"type": "string", "enum": [known[name]]},
                "example": known[name],
            }
            for name in names
        ]
        described = {"parameters": parameters + extra.get("parameters", [])}
        app.add_api_route(
            f"/v2/models/{{name}}{versions}{end}",
            route,
            methods=[method],
            tags=[TAG],
            openapi_extra=extra | described,
            **more,
        )


def _check_model(address: Mapping[str, str], model: Model) -> None:
    passport = model.passport
    if address["name"] != passport.name:
        raise NotFoundError(
            f'no model "{address["name"][:60]}"; this service has "{passport.name}"'
        )
    if (version := address.get("version", passport.version)) != passport.version:
        raise NotFoundError(
            f'no version "{version[:60]}" of "{passport.name}"; it has "{passport.version}"'
        )


async def _read(request: Request, settings: Settings) -> tuple[BinaryIO, int | None]:
    """The body, unpacked as it is read, and how long the JSON at its start is.

    The content type is not asked for: clients of the protocol send none, or any.
    """
    limits = settings.limits
    encoding = ", ".join(request.headers.getlist("content-encoding")).strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
        raise UnsupportedError(
            f'the Content-Encoding is "{encoding[:60]}", expected gzip, deflate or none'
        )
    header_bytes = _header_bytes(request.headers.getlist(HEADER_BYTES))
    is_text = header_bytes is None and encoding in {"", "identity"}
    limit_bytes = limits.text_bytes if is_text else limits.binary_bytes
    way_out = _WAY_OUT_OF_TEXT if is_text else _WAY_OUT
    body = await read_bounded(request, limit_bytes, way_out)
    if encoding in {"gzip", "x-gzip"}:
        return inflate(body, limits.inflated_bytes), header_bytes
    if encoding == "deflate":
        return inflate_zlib(body, limits.inflated_bytes), header_bytes
    return body, header_bytes


def _header_bytes(given: list[str]) -> int | None:
    if not given:
        return None
    stated = ", ".join(given)  # as API Gateway joins what comes twice
    if not (stated.isascii() and stated.isdecimal() and len(stated) <= 15):
        raise MalformedError(f'{HEADER_BYTES} is "{stated[:40]}": expected a length in bytes')
    return int(stated)


def _infer(
    body: BinaryIO, header_bytes: int | None, accepted: str, model: Model, settings: Settings
) -> tuple[bytes, dict[str, str]]:
    # 5 ms, which other clients do not need.
    from predict.v2.request import Expected, read_request
    from predict.v2.response import pack, to_body

    limits, names = settings.limits, settings.tensors
    request = read_request(body, header_bytes, Expected(model.spec, names, limits))
    batch_size = settings.batch_size or model.passport.batch_size
    with span("predict"):
        predictions = counted(predict_all(request.matrices, model, batch_size))
        content, headers = to_body(model, names.output, request, predictions, limits)
    content, encoding = pack(content, accepted)
    return content, headers | encoding


def _describe(name: str, tensor: Tensor) -> contract.TensorMetadata:
    return contract.TensorMetadata(
        name=name, datatype=datatype_of(tensor.dtype), shape=metadata_shape(tensor.spec)
    )
