"""kserve's InferenceRESTClient against a server; see tests.clients.report for the command line."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
from httpx import HTTPStatusError  # as kserve brings it
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

from tests.clients.report import INPUT, MODEL, OUTPUT, REQUESTS, Matrices, Scenario, Seen, report

Talk = Callable[..., Coroutine[Any, Any, Seen]]


def scenario(talk: Talk, **options: Any) -> Scenario:
    """What is said to a client of the protocol v2, in a loop of its own."""

    async def run(url: str, matrices: Matrices) -> Seen:
        client = InferenceRESTClient(RESTConfig(protocol="v2"))
        try:
            return await talk(client, url, matrices, **options)
        finally:
            await client.close()

    return lambda url, matrices: asyncio.run(run(url, matrices))


def request(
    matrices: Matrices,
    *,
    binary: bool,
    parameters: dict[str, Any] | None = None,
    outputs: dict[str, Any] | None = None,
    name: str = INPUT,
) -> Any:
    tensor = InferInput(name, list(matrices.shape), "FP32")
    tensor.set_data_from_numpy(matrices, binary_data=binary)
    wanted = None if outputs is None else [RequestedOutput(OUTPUT, outputs)]
    return InferRequest(
        MODEL, [tensor], request_id="a7", parameters=parameters, request_outputs=wanted
    )


def told(response: Any, headers: dict[str, str]) -> Seen:
    """What a response holds, and the headers that it came with."""
    [output] = response.outputs
    held = {
        "model": response.model_name,
        "id": response.id,
        "name": output.name,
        "datatype": output.datatype,
        "shape": output.shape,
        "parameters": output.parameters,
    }
    return {"response": held, "headers": headers, "output": output.as_numpy()}


async def health(client: Any, url: str, _: Matrices) -> Seen:
    return {
        "live": await client.is_server_live(url),
        "ready": await client.is_server_ready(url),
        "model": await client.is_model_ready(url, MODEL),
        "unknown model": await client.is_model_ready(url, "nobody"),
    }


async def infer(client: Any, url: str, matrices: Matrices, **options: Any) -> Seen:
    headers: dict[str, str] = {}
    data = request(matrices, **options)
    response = await client.infer(url, data, model_name=MODEL, response_headers=headers)
    return told(response, headers)


async def infer_dict(client: Any, url: str, matrices: Matrices) -> Seen:
    """Without the client's types: the JSON as people write it, nested as the matrices are."""
    tensor = {
        "name": INPUT,
        "shape": list(matrices.shape),
        "datatype": "FP32",
        "data": matrices.tolist(),
    }
    headers: dict[str, str] = {}
    data = {"inputs": [tensor]}
    response = await client.infer(url, data, model_name=MODEL, response_headers=headers)
    return told(response, headers)


async def several(client: Any, url: str, matrices: Matrices) -> Seen:
    """Requests that are under way together, each with values of its own."""
    calls = [
        client.infer(url, request(matrices / 2**i, binary=True), model_name=MODEL)
        for i in range(REQUESTS)
    ]
    responses = await asyncio.gather(*calls)
    return {"output": np.stack([response.outputs[0].as_numpy() for response in responses])}


async def refusals(client: Any, url: str, matrices: Matrices) -> Seen:
    """What the client raises, by what was wrong."""
    short = matrices[:, :-1]
    given = {
        "binary shape": (request(short, binary=True), MODEL),
        "text shape": (request(short, binary=False), MODEL),
        "unknown input": (request(matrices, binary=True, name="signal"), MODEL),
        "unknown model": (request(matrices, binary=True), "nobody"),
    }
    seen: Seen = {}
    for wrong, (data, model) in given.items():
        try:
            await client.infer(url, data, model_name=model)
        except HTTPStatusError as error:
            seen[wrong] = {"status": str(error.response.status_code), "message": str(error)}
    return seen


BINARY_OUTPUT = {"binary_data_output": True}
SCENARIOS = {
    "health": scenario(health),
    "json": scenario(infer, binary=False),
    "binary": scenario(infer, binary=True, parameters=BINARY_OUTPUT),
    "binary_to_json": scenario(infer, binary=True),
    "json_to_binary": scenario(infer, binary=False, outputs={"binary_data": True}),
    "requested": scenario(infer, binary=True, outputs={}),
    "requested_over_all": scenario(
        infer, binary=True, parameters=BINARY_OUTPUT, outputs={"binary_data": False}
    ),
    "dict": scenario(infer_dict),
    "several": scenario(several),
    "refusals": scenario(refusals),
}

if __name__ == "__main__":
    report(SCENARIOS)
