"""The HTTP contract as types: what the answers hold, for the OpenAPI document and its readers."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

XML_TYPES = ("application/xml", "text/xml")
NPZ_TYPES = ("application/x-npz", "application/x-npy", "application/zip")
PACKED_TYPES = ("application/gzip", "application/octet-stream")
DOCUMENT_TYPES = (*XML_TYPES, *NPZ_TYPES, *PACKED_TYPES)
PROBLEM_TYPE = "application/problem+json"

# Nested lists, as deep as the model's output has dimensions; a number where it has none.
Output = Annotated[Any, Field(description="float64, in the shape of the model's output")]


class ModelIdentity(BaseModel):
    """Which model answered."""

    name: str
    version: str
    sha256: Annotated[str, Field(description="of the HDF5 file that the model was made from")]
    engine: str


class MatrixPrediction(BaseModel):
    """The answer to one matrix."""

    id: Annotated[str, Field(description="the matrix's id, or its position from 0")]
    output: Output


class Predictions(BaseModel):
    """The answer to a document, in its order."""

    model: ModelIdentity
    predictions: list[MatrixPrediction]


class Problem(BaseModel):
    """What went wrong, as RFC 9457 says it."""

    type: str
    title: str
    status: int
    detail: str
    matrix: Annotated[str | None, Field(description="the id of the matrix at fault")] = None
    line: Annotated[int | None, Field(description="where it starts, from 1")] = None


class Live(BaseModel):
    """The process answers."""

    status: str


class Ready(BaseModel):
    """The model is loaded and gave its golden answer."""

    status: str
    model: ModelIdentity
    cold_start_ms: Annotated[dict[str, float], Field(description="what each part cost")]


class TensorDescription(BaseModel):
    """A signature."""

    shape: Annotated[list[int | None], Field(description="null where any length will do")]
    dtype: str


class LimitsDescription(BaseModel):
    """What a request may ask for."""

    input: TensorDescription
    output: TensorDescription
    values_per_matrix: int | None
    document_bytes: Annotated[int, Field(description="XML as text")]
    binary_document_bytes: Annotated[int, Field(description="gzip, npz, npy")]
    unpacked_bytes: int
    answer_bytes: int
    id_characters: int
    media_types: list[str]
