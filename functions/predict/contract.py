"""The HTTP contract as types: what the answers hold, for the OpenAPI document and its readers."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

XML_TYPES = ("application/xml", "text/xml")
NPZ_TYPES = ("application/x-npz", "application/x-npy", "application/zip")
PACKED_TYPES = ("application/gzip", "application/octet-stream")
LINK_TYPE = "application/json"
DOCUMENT_TYPES = (*XML_TYPES, *NPZ_TYPES, *PACKED_TYPES)
PROBLEM_TYPE = "application/problem+json"

# Nested lists, as deep as the model's output has dimensions; a number where it has none.
Output = Annotated[Any, Field(description="float64, in the shape of the model's output")]


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """A type's JSON Schema without references: those of Pydantic lead to its own document."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def inlined(part: Any) -> Any:
        if isinstance(part, list):
            return [inlined(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            found = inlined(definitions[part["$ref"].removeprefix("#/$defs/")])
            return found | {key: value for key, value in part.items() if key != "$ref"}
        return {key: inlined(value) for key, value in part.items()}

    whole: dict[str, Any] = inlined(schema)
    return whole


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
    upload: Annotated["Upload | None", Field(description="where to send it instead")] = None


class Link(BaseModel):
    """A document that is in S3 already."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: Annotated[
        str,
        Field(
            description="a presigned GET of an object in S3, in the EU",
            json_schema_extra={
                "format": "uri",
                "examples": [
                    "https://documents.s3.eu-west-3.amazonaws.com/signals.npz"
                    "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=…&X-Amz-Signature=…"
                ],
            },
        ),
    ]


class UploadForm(BaseModel):
    """What to send to S3: multipart/form-data with every field, and the document as the last."""

    method: Literal["POST"] = "POST"
    url: str
    fields: Annotated[dict[str, str], Field(description="send each as it stands")]
    file_field: Annotated[str, Field(description="the document's field, after all others")] = "file"
    max_bytes: Annotated[int, Field(description="S3 refuses a longer document")]
    expires_s: Annotated[int, Field(description="how long S3 takes the form, at most")]


class Upload(BaseModel):
    """A place for one document; once it is there, its prediction starts."""

    id: str
    prediction: Annotated[str, Field(description="where its prediction will be")]
    upload: UploadForm


class Running(BaseModel):
    """A prediction to come."""

    id: str
    state: Literal["waiting", "running"]
    matrices: Annotated[int, Field(description="predicted so far")] = 0
    progress: Annotated[float, Field(description="of the document, 0 to 1")] = 0.0


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
    markup_bytes: Annotated[int, Field(description="XML that is read tag by tag")]
    tags: Annotated[int, Field(description="and how many tags that may be")]
    answer_bytes: int
    upload_bytes: Annotated[int, Field(description="an uploaded document, packed or not")]
    link_bytes: Annotated[int, Field(description="a document that a URL names")]
    link_seconds: Annotated[int, Field(description="for reading and predicting it")]
    matrices: int
    id_characters: int
    media_types: list[str]
