"""What the server says of itself, and of its model."""

from fastapi.testclient import TestClient

from tests.tables.conformance.asks import MODEL, got, unlike
from tests.tables.conformance.checks import STRING, Part, Row, every, member
from tests.tables.conformance.server import VERSION

_DATATYPES = ["BOOL", "FP16", "FP32", "FP64", "BYTES"]
_DATATYPES += [f"{kind}{bits}" for kind in ("INT", "UINT") for bits in (8, 16, 32, 64)]
_TENSORS = {"type": "array", "items": {"type": "object"}, "minItems": 1, "maxItems": 1}


def _other_platform(client: TestClient) -> None:
    member(got(MODEL), "platform", {"const": "onnx_onnxv1"})(client)
    tensorflow = unlike(engine="tensorflow")
    member(got(MODEL), "platform", {"const": "keras_hdf5"})(tensorflow)


SERVER = Part(
    "Server metadata",
    [
        Row("server-name", "`name` is a string", "MUST", member(got("/v2"), "name", STRING)),
        Row(
            "server-version",
            "`version` is a string",
            "MUST",
            member(got("/v2"), "version", STRING),
            "as stated: of Verger, not of the model",
        ),
        Row(
            "server-extensions",
            "`extensions` is a list of strings: the extensions that the server has",
            "MUST",
            member(got("/v2"), "extensions", {"const": ["binary_tensor_data"]}),
            "as stated: binary_tensor_data is the only one",
        ),
    ],
)
METADATA = Part(
    "Model metadata",
    [
        Row("metadata-name", "`name` is a string", "MUST", member(got(MODEL), "name", STRING)),
        Row(
            "metadata-versions",
            "`versions` is a list of strings: those that an address may name",
            "MAY",
            every(
                member(got(MODEL), "versions", {"const": ["1"]}),
                member(got(VERSION), "versions", {"const": ["1"]}),
            ),
        ),
        Row(
            "metadata-platform",
            "`platform` is a string of the form project_format, from a list that is given",
            "MUST",
            _other_platform,
            "differs: onnx_onnxv1 is of the list; where the engine is TensorFlow it is "
            "keras_hdf5, which is not, and for which the list has no name",
        ),
        Row(
            "metadata-inputs",
            "`inputs` lists the tensors that the model needs",
            "MUST",
            member(got(MODEL), "inputs", _TENSORS),
            "as stated: there is always one",
        ),
        Row(
            "metadata-outputs",
            "`outputs` lists the tensors that the model gives",
            "MUST",
            member(got(MODEL), "outputs", _TENSORS),
            "as stated: there is always one",
        ),
        Row(
            "metadata-tensor-name",
            "A tensor has `name`, a string",
            "MUST",
            every(
                member(got(MODEL), "inputs.0.name", {"const": "input"}),
                member(got(MODEL), "outputs.0.name", {"const": "output"}),
            ),
            "as stated: input and output, or as `INPUT_NAME` and `OUTPUT_NAME` say",
        ),
        Row(
            "metadata-tensor-datatype",
            "A tensor has `datatype`, one of the protocol's",
            "MUST",
            every(
                member(got(MODEL), "inputs.0.datatype", {"enum": _DATATYPES}),
                member(got(MODEL), "outputs.0.datatype", {"enum": _DATATYPES}),
            ),
        ),
        Row(
            "metadata-tensor-shape",
            "A tensor has `shape`, a list of integers; -1 stands for any length",
            "MUST",
            every(
                member(got(MODEL), "inputs.0.shape", {"const": [-1, 5000, 1]}),
                member(got(MODEL), "outputs.0.shape", {"const": [-1, 2]}),
            ),
            "as stated; the first dimension is the batch, and always open",
        ),
    ],
)
