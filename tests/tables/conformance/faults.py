"""Faults that the service could have: a check that does not see its own is none."""

from typing import Any

import numpy as np

from tests.tables.conformance.asks import LENGTH
from tests.tables.conformance.checks import JSON
from tests.tables.conformance.faulty import Answer, Edit, Fault


def always(status: int, content: Any) -> Edit:
    """The same answer to everything."""

    def edit(answer: Answer) -> None:
        answer.status, answer.content, answer.data = status, content, b""
        answer.headers = {"content-type": JSON}

    return edit


def _sets(place: str, value: Any) -> Edit:
    """Another value where the answer has this member; None for none at all."""
    *path, name = place.split(".")

    def edit(answer: Answer) -> None:
        holder = answer.content
        for step in path:
            holder = holder[0] if step == "0" else holder.get(step)
            if not holder:
                return
        if name in holder:
            holder[name] = value
            if value is None:
                del holder[name]

    return edit


def _status(old: int, new: int) -> Edit:
    def edit(answer: Answer) -> None:
        answer.status = new if answer.status == old else answer.status

    return edit


def _header(name: str, value: str | None) -> Edit:
    def edit(answer: Answer) -> None:
        if name in answer.headers:
            answer.headers.pop(name)
            if value is not None:
                answer.headers[name] = value

    return edit


def _makes_an_id_up(answer: Answer) -> None:
    if "outputs" in answer.content and "model_name" in answer.content:
        answer.content.setdefault("id", "")


def _has_parameters(answer: Answer) -> None:
    if "model_name" in answer.content:
        answer.content["parameters"] = {}


def _as_problem(answer: Answer) -> None:
    if "error" in answer.content:
        answer.content = {"detail": answer.content["error"]}


def _turned(answer: Answer) -> None:
    for output in answer.content.get("outputs", []):
        if "data" in output:
            output["data"].reverse()
    answer.data = np.frombuffer(answer.data, "<f4")[::-1].tobytes()


def _big_endian(answer: Answer) -> None:
    answer.data = np.frombuffer(answer.data, "<f4").astype(">f4").tobytes()


def _in_both_forms(answer: Answer) -> None:
    if answer.data:
        answer.content["outputs"][0]["data"] = []


_ANSWERS = [
    Fault(
        "values in another order",
        [
            "server-live",
            "server-ready",
            "infer",
            "infer-version",
            "request-inputs",
            "request-other-members",
            "input-batch",
            "input-data",
            "response-output-data",
            "parameters-unknown",
            "data-row-major",
            "data-no-padding",
            "data-nested",
            "data-flat",
            "binary-row-major",
            "binary-behind-json",
            "binary-header-without-bytes",
            "raw-header",
            "raw-size",
        ],
        _turned,
    ),
    Fault(
        "an error that says nothing",
        [
            "version-unknown",
            "model-unknown",
            "request-many-inputs",
            "error-descriptive",
            "error-of-the-server",
            "data-neither",
            "binary-header-needed",
            "binary-header-value",
            "binary-instead-of-data",
        ],
        _sets("error", "bad request"),
    ),
    Fault("a problem instead of an error", ["error-object", "verbs"], _as_problem),
    Fault("an error that is an object", ["error-object"], _sets("error", {"text": "a"})),
    Fault("422 for 400", ["error-status", "error-object"], _status(400, 422)),
    Fault("200 for 404", ["error-status", "version-unknown", "model-unknown"], _status(404, 200)),
    Fault("404 for 405", ["verbs"], _status(405, 404)),
    Fault("405 without Allow", ["verbs"], _header("allow", None)),
    Fault("an address too few", ["server-metadata-slash"], always(404, {}), path="/v2/"),
    Fault(
        "no addresses with versions",
        ["model-metadata-version", "model-ready-version", "infer-version", "metadata-versions"],
        always(404, {"error": "not found"}),
        path="/versions/",
    ),
    Fault("gRPC", ["grpc"], always(200, {}), path="/inference.GRPCInferenceService/"),
    Fault(
        "text/plain",
        ["response-headers", "binary-types", "raw-output", "error-object"],
        _header("content-type", "text/plain"),
    ),
    Fault("live as text", ["server-live", "live-live", "ready-live"], _sets("live", "true")),
    Fault(
        "ready as a number",
        ["server-ready", "model-ready", "ready-live", "model-ready-ready"],
        _sets("ready", 1),
    ),
    Fault(
        "another name",
        ["server-metadata", "model-metadata", "model-ready-name"],
        _sets("name", "other"),
    ),
    Fault("a name that is none", ["server-name", "metadata-name"], _sets("name", 1)),
    Fault("a version that is a number", ["server-version"], _sets("version", 1)),
    Fault("no extension", ["server-extensions", "binary-advertised"], _sets("extensions", [])),
    Fault(
        "extensions as text",
        ["server-extensions", "binary-advertised"],
        _sets("extensions", "binary_tensor_data"),
    ),
    Fault("versions as numbers", ["metadata-versions"], _sets("versions", [1])),
    Fault("two versions", ["many-models", "metadata-versions"], _sets("versions", ["1", "2"])),
    Fault("another platform", ["metadata-platform"], _sets("platform", "onnx")),
    Fault("no inputs", ["metadata-inputs"], _sets("inputs", [])),
    Fault(
        "outputs as an object",
        ["metadata-outputs", "response-outputs"],
        _sets("outputs", {"name": "output"}),
    ),
    Fault("an input of another name", ["metadata-tensor-name"], _sets("inputs.0.name", "x")),
    Fault(
        "an output of another name",
        ["metadata-tensor-name", "request-outputs-named", "response-output-name"],
        _sets("outputs.0.name", "x"),
    ),
    Fault(
        "NumPy's datatypes, of inputs",
        ["metadata-tensor-datatype"],
        _sets("inputs.0.datatype", "float32"),
    ),
    Fault(
        "NumPy's datatypes, of outputs",
        ["metadata-tensor-datatype", "response-output-datatype"],
        _sets("outputs.0.datatype", "float32"),
    ),
    Fault(
        "inputs without the batch", ["metadata-tensor-shape"], _sets("inputs.0.shape", [5000, 1])
    ),
    Fault(
        "outputs without the batch",
        ["metadata-tensor-shape", "response-output-shape", "raw-batch"],
        _sets("outputs.0.shape", [2]),
    ),
    Fault("no shape", ["response-output-shape"], _sets("outputs.0.shape", None)),
    Fault("no data", ["response-output-data", "infer"], _sets("outputs.0.data", None)),
    Fault("no model_name", ["response-model-name"], _sets("model_name", None)),
    Fault(
        "model_version as a number",
        ["response-model-version", "version-absent"],
        _sets("model_version", 1),
    ),
    Fault("no id", ["response-id"], _sets("id", None)),
    Fault("an id that nobody gave", ["response-no-id"], _makes_an_id_up),
    Fault("parameters that nobody defined", ["response-parameters"], _has_parameters),
    Fault("big-endian bytes", ["binary-little-endian", "raw-header"], _big_endian),
    Fault("bytes, and data too", ["binary-response-size"], _in_both_forms),
    Fault(
        "bytes without their size",
        ["binary-response-size", "raw-output"],
        _sets("outputs.0.parameters", None),
    ),
    Fault(
        "bytes of another size",
        ["binary-response-size", "binary-response-lengths", "raw-output"],
        _sets("outputs.0.parameters", {"binary_data_size": 9}),
    ),
    Fault(
        "bytes without the header",
        ["binary-response-header", "binary-response-lengths", "raw-output"],
        _header(LENGTH, None),
    ),
    Fault("responses that are not packed", ["packed-gzip", "packed-deflate"]),
]
_DATATYPES = [
    Fault(f"{new} for {old}", [row, *more], reads=(f'"{old}"', f'"{new}"'))
    for old, new, row, *more in (
        ("BOOL", "INT8", "datatype-bool", "binary-bool", "data-booleans"),
        ("UINT8", "INT8", "datatype-uint8"),
        ("UINT16", "INT16", "datatype-uint16"),
        ("UINT32", "INT32", "datatype-uint32"),
        ("UINT64", "INT64", "datatype-uint64"),
        ("INT8", "BOOL", "datatype-int8"),
        ("INT16", "UINT8", "datatype-int16"),
        ("INT32", "FP32", "datatype-int32", "data-integers"),
        ("INT64", "FP64", "datatype-int64"),
        ("FP16", "FP32", "datatype-fp16"),
        ("FP32", "FP16", "datatype-fp32", "binary-size"),
        ("FP64", "FP32", "datatype-fp64"),
        ("BYTES", "FP32", "datatype-bytes"),
        ("BF16", "FP16", "data-halves"),
        ("FP31", "FP32", "input-datatype"),
    )
]
# What is refused would be taken.
_REQUESTS = [
    Fault(f"{old} read as {new}", rows, reads=(old, new))
    for old, new, *rows in (
        ('"id": 42', '"id":"42"', "request-id"),
        ('"parameters": [1]', '"parameters": {}', "request-parameters"),
        ('"parameters": "a"', '"parameters": {}', "input-parameters"),
        ('"parameters": 1', '"parameters":{}', "output-parameters"),
        ('"name": "other", "shape"', '"name": "input", "shape"', "input-name"),
        ('[{"name": "other"}]', '[{"name": "output"}]', "request-outputs-named"),
        ('[{"name": 1}]', '[{"name": "output"}]', "output-name"),
        ('"outputs": "output"', '"outputs": []', "request-outputs-absent"),
        ("[5000, 1]", "[1, 5000, 1]", "input-no-batch"),
        ("[1, 5001, 1]", "[1, 5000, 1]", "input-shape"),
        ("[-1, 5000, 1]", "[1, 5000, 1]", "input-dimensions"),
        ('["1", ', "[1, ", "data-strings"),
        ("[true, 1", "[1, 1", "data-booleans"),
        ('{"a": [1]}', '{"a": 1}', "parameters-values"),
        ('{"a": {"b": 1}}', '{"a": 1}', "parameters-values"),
        ('"classification"', '"ignored"', "parameters-classification"),
        ('"shared_memory_region"', '"ignored"', "parameters-shared-memory"),
        ('"outputs"', '"x"', "request-outputs-named", "binary-data-overrides"),
        ('"binary_data"', '"x"', "binary-data", "binary-data-overrides", "binary-little-endian"),
        ('"binary_data_output"', '"x"', "binary-data-output", "binary-response-lengths"),
        ('"binary_data_size": 19996', '"binary_data_size": 20000', "binary-size"),
        ('"binary_data_size": "20000"', '"binary_data_size": 20000', "binary-size"),
        ('"binary_data": false', '"binary_data": true', "binary-data", "binary-data-overrides"),
        ('"parameters": {}', '"parameters": {"binary_data": true}', "binary-data-absent"),
    )
]
FAULTS = [*_ANSWERS, *_DATATYPES, *_REQUESTS]
