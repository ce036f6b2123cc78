"""tritonclient.http against a server; see tests.clients.report for the command line."""

import asyncio
import http.client
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException

from tests.clients.report import (
    INPUT,
    MODEL,
    OUTPUT,
    REQUESTS,
    VERSION,
    Matrices,
    Scenario,
    Seen,
    report,
)

_DATATYPES = {"float16": "FP16", "float32": "FP32", "float64": "FP64"}


def connect(url: str, **options: Any) -> Any:
    return triton.InferenceServerClient(url.removeprefix("http://"), **options)


def tensors(matrices: Matrices, *, binary: bool = True, name: str = INPUT) -> list[Any]:
    datatype = _DATATYPES[matrices.dtype.name]
    tensor = triton.InferInput(name, list(matrices.shape), datatype)
    tensor.set_data_from_numpy(matrices, binary_data=binary)
    return [tensor]


def wanted(*, binary: bool = True, classes: int = 0) -> list[Any]:
    return [triton.InferRequestedOutput(OUTPUT, binary_data=binary, class_count=classes)]


def told(result: Any) -> Seen:
    """What a result holds."""
    return {"response": result.get_response(), "output": result.as_numpy(OUTPUT)}


def refused(call: Callable[[], Any]) -> Seen:
    try:
        call()
    except InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}
    return {"status": None}


def noted(post: Callable[..., Any], headers: dict[str, str]) -> Callable[..., Any]:
    """A client's way to post, which notes the response's headers: its results do not have them."""

    def posted(*args: Any, **options: Any) -> Any:
        response = post(*args, **options)
        headers.update({name.lower(): value for name, value in response.items()})
        return response

    return posted


def health(url: str, _: Matrices) -> Seen:
    with connect(url) as client:
        return {
            "live": client.is_server_live(),
            "ready": client.is_server_ready(),
            "model": client.is_model_ready(MODEL),
            "version": client.is_model_ready(MODEL, VERSION),
            "unknown model": client.is_model_ready("nobody"),
            "unknown version": client.is_model_ready(MODEL, "2"),
        }


def metadata(url: str, _: Matrices) -> Seen:
    with connect(url) as client:
        return {
            "server": client.get_server_metadata(),
            "model": client.get_model_metadata(MODEL),
            "version": client.get_model_metadata(MODEL, VERSION),
        }


def infer(
    url: str,
    matrices: Matrices,
    *,
    binary: bool = True,
    binary_output: bool | None = None,
    **options: Any,
) -> Seen:
    """One request; `binary_output` None asks for no output by name, as the client's default."""
    outputs = None if binary_output is None else wanted(binary=binary_output)
    with connect(url) as client:
        given = tensors(matrices, binary=binary)
        return told(client.infer(MODEL, given, outputs=outputs, **options))


def packed(url: str, matrices: Matrices, *, answer: str, binary_output: bool) -> Seen:
    """A packed response, with the headers that it came with."""
    headers: dict[str, str] = {}
    with connect(url) as client:
        client._post = noted(client._post, headers)
        outputs = wanted(binary=binary_output)
        result = client.infer(
            MODEL, tensors(matrices), outputs=outputs, response_compression_algorithm=answer
        )
    return told(result) | {"headers": headers}


def several(url: str, matrices: Matrices) -> Seen:
    """Requests that are under way together, each with values of its own."""
    with connect(url, concurrency=REQUESTS) as client:
        pending = [
            client.async_infer(MODEL, tensors(matrices / 2**i), request_id=f"r{i}")
            for i in range(REQUESTS)
        ]
        results = [request.get_result() for request in pending]
    return {
        "ids": [result.get_response()["id"] for result in results],
        "output": np.stack([result.as_numpy(OUTPUT) for result in results]),
    }


def refusals(url: str, matrices: Matrices) -> Seen:
    """What the client raises, by what was wrong."""
    short = matrices[:, :-1]
    between = np.nextafter(matrices.astype(np.float64), np.inf)  # no values of FP32
    with connect(url) as client:
        infer = partial(client.infer, MODEL)
        text, data = tensors(between, binary=False), tensors(between)
        calls = {
            "binary shape": lambda: infer(tensors(short)),
            "text shape": lambda: infer(tensors(short, binary=False), outputs=wanted()),
            "binary values": lambda: infer(data),
            "text values": lambda: infer(text),
            "unknown input": lambda: infer(tensors(matrices, name="signal")),
            "unknown output": lambda: infer(
                tensors(matrices), outputs=[triton.InferRequestedOutput("scores")]
            ),
            "classes": lambda: infer(tensors(matrices), outputs=wanted(classes=1)),
            "unknown model": lambda: client.infer("nobody", tensors(matrices)),
            "unknown version": lambda: infer(tensors(matrices), model_version="2"),
            "metadata": lambda: client.get_model_metadata("nobody"),
            "statistics": lambda: client.get_inference_statistics(MODEL),
            "packed shape": lambda: infer(tensors(short), request_compression_algorithm="gzip"),
        }
        seen: Seen = {name: refused(call) for name, call in calls.items()}
        return seen | {"afterwards": client.is_server_live()}


def request_body(url: str, matrices: Matrices, *, binary: bool, accept: str = "") -> Seen:
    """The client's own bytes, sent and received by somebody else."""
    body, header_length = triton.InferenceServerClient.generate_request_body(
        tensors(matrices, binary=binary), outputs=wanted(binary=binary)
    )
    headers = {"Accept-Encoding": accept} if accept else {}
    if header_length is not None:
        headers["Inference-Header-Content-Length"] = str(header_length)
    return exchange(url, body, headers)


def raw(url: str, matrices: Matrices) -> Seen:
    """The tensor's bytes, and nothing else."""
    return exchange(url, matrices.tobytes(), {"Inference-Header-Content-Length": "0"})


def exchange(url: str, body: bytes, headers: dict[str, str]) -> Seen:
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    try:
        connection.request("POST", f"/v2/models/{MODEL}/infer", body, headers)
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    header_length = answer.getheader("Inference-Header-Content-Length")
    result = triton.InferenceServerClient.parse_response_body(
        content,
        header_length=None if header_length is None else int(header_length),
        content_encoding=answer.getheader("Content-Encoding"),
    )
    known = {name.lower(): value for name, value in answer.getheaders()}
    return told(result) | {"headers": known}


def aio(url: str, matrices: Matrices, **options: Any) -> Seen:
    """The same client for asyncio: health, and requests that are under way together."""
    return asyncio.run(_aio(url, matrices, **options))


async def _aio(
    url: str, matrices: Matrices, *, binary: bool, binary_output: bool, answer: str | None = None
) -> Seen:
    async with triton_aio.InferenceServerClient(url.removeprefix("http://")) as client:
        live, ready = await client.is_server_live(), await client.is_server_ready()
        first, second = await asyncio.gather(
            *(
                client.infer(
                    MODEL,
                    tensors(matrices, binary=binary),
                    outputs=wanted(binary=binary_output),
                    request_id=f"r{i}",
                    response_compression_algorithm=answer,
                )
                for i in range(2)
            )
        )
        try:
            await client.infer("nobody", tensors(matrices))
            status = None
        except InferenceServerException as error:
            status = error.status()
    seen = {"live": live, "ready": ready, "unknown model": status}
    return seen | {"second": second.get_response()["id"]} | told(first)


PARAMETERS = {"purpose": "night", "weight": 2, "share": 0.5, "urgent": True}
SCENARIOS: dict[str, Scenario] = {
    "health": health,
    "metadata": metadata,
    "json": partial(infer, binary=False, binary_output=False),
    "binary": infer,
    "binary_to_json": partial(infer, binary_output=False),
    "json_to_binary": partial(infer, binary=False, binary_output=True),
    "requested_binary": partial(infer, binary_output=True),
    "json_without_outputs": partial(infer, binary=False),
    "request_id": partial(infer, request_id='nächtlich/"7"'),
    "request_id_in_json": partial(
        infer, binary=False, binary_output=False, request_id='nächtlich/"7"'
    ),
    "version": partial(infer, model_version=VERSION),
    "parameters": partial(infer, parameters=PARAMETERS, priority=1, timeout=1_000_000),
    "fp16": lambda url, matrices: infer(url, matrices.astype(np.float16)),
    "fp64": lambda url, matrices: infer(url, matrices.astype(np.float64)),
    "fp64_in_json": lambda url, matrices: infer(url, matrices.astype(np.float64), binary=False),
    "gzip_request": partial(infer, request_compression_algorithm="gzip"),
    "deflate_request": partial(infer, request_compression_algorithm="deflate"),
    "gzip_request_in_json": partial(
        infer, binary=False, binary_output=False, request_compression_algorithm="gzip"
    ),
    "deflate_request_in_json": partial(
        infer, binary=False, binary_output=False, request_compression_algorithm="deflate"
    ),
    "gzip_response": partial(packed, answer="gzip", binary_output=True),
    "deflate_response": partial(packed, answer="deflate", binary_output=True),
    "gzip_response_in_json": partial(packed, answer="gzip", binary_output=False),
    "deflate_response_in_json": partial(packed, answer="deflate", binary_output=False),
    "gzip_both": partial(
        infer, request_compression_algorithm="gzip", response_compression_algorithm="gzip"
    ),
    "several": several,
    "refusals": refusals,
    "request_body": partial(request_body, binary=True),
    "request_body_in_json": partial(request_body, binary=False),
    "request_body_gzip": partial(request_body, binary=True, accept="gzip"),
    "request_body_deflate": partial(request_body, binary=True, accept="deflate"),
    "raw": raw,
    "aio_binary": partial(aio, binary=True, binary_output=True),
    "aio_json": partial(aio, binary=False, binary_output=False),
    "aio_gzip": partial(aio, binary=True, binary_output=False, answer="gzip"),
}

if __name__ == "__main__":
    report(SCENARIOS)
