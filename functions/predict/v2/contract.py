"""The protocol as types, for the OpenAPI document and its readers."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

HEADER_BYTES = "Inference-Header-Content-Length"

Shape = Annotated[list[int], Field(description="the first is the batch; -1 for any length")]
Parameters = dict[str, str | int | float | bool]
Data = Annotated[list[Any], Field(description="row-major, flat or nested as the shape")]


class ServerMetadata(BaseModel):
    """What answers."""

    name: str
    version: str
    extensions: list[str]


class ServerLive(BaseModel):
    """The process answers."""

    live: bool


class ServerReady(ServerLive):
    """The model is loaded and proven."""

    ready: bool


class ModelReady(BaseModel):
    """The model is loaded and proven."""

    name: str
    ready: bool


class TensorMetadata(BaseModel):
    """A tensor that the model takes or gives."""

    name: str
    datatype: str
    shape: Shape


class ModelMetadata(BaseModel):
    """The model."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


# Any may be sent; of those that are known here, the type, or that it is refused.
_REFUSED = {"classification": False, "shared_memory_region": False}
_FLAG = {"type": "boolean"}
RequestParameters = Annotated[
    Parameters, Field(json_schema_extra={"properties": {"binary_data_output": _FLAG} | _REFUSED})
]
TensorParameters = Annotated[
    Parameters,
    Field(
        json_schema_extra={
            "properties": {"binary_data_size": {"type": "integer", "minimum": 0}} | _REFUSED
        }
    ),
]
OutputParameters = Annotated[
    Parameters, Field(json_schema_extra={"properties": {"binary_data": _FLAG} | _REFUSED})
]


class TensorData(BaseModel):
    """A tensor: in `data`, or behind the JSON with `binary_data_size` as a parameter."""

    name: str
    datatype: str
    shape: Shape
    parameters: TensorParameters | None = None
    data: Data | None = None


class RequestedOutput(BaseModel):
    """An output that is wanted; as bytes with `binary_data` as a parameter."""

    name: str
    parameters: OutputParameters | None = None


class InferenceRequest(BaseModel):
    """A request; `binary_data_output` as a parameter asks for bytes."""

    id: str | None = None
    parameters: RequestParameters | None = None
    inputs: Annotated[list[TensorData], Field(min_length=1, max_length=1)]
    outputs: list[RequestedOutput] | None = None


class InferenceResponse(BaseModel):
    """The answer; with the `id` of the request, where that had one."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[TensorData]
