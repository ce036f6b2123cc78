"""The inference request."""

from tests.tables.conformance.asks import (
    OTHER,
    VALUES,
    Ask,
    posted,
    request,
    tensor,
    with_input,
    with_output,
)
from tests.tables.conformance.checks import Part, Row, every, member, predicts, refused

_BATCH = tensor(shape=[2, 5000, 1], data=VALUES + OTHER)
_SIXTY_FOUR_BITS = 2**64 - 1


def _without(name: str) -> Ask:
    return posted(request(tensor(without=name)))


def _shape(*dimensions: object) -> Ask:
    return with_input(shape=list(dimensions))


REQUEST = Part(
    "The inference request",
    [
        Row(
            "request-id",
            "`id` is an optional string",
            "MAY",
            every(
                predicts(posted(request(id="42"))),
                predicts(posted(request())),
                refused(posted(request(id=42)), "id"),
            ),
            "as stated: of up to 256 characters; null counts as none",
        ),
        Row(
            "request-parameters",
            "`parameters` is an optional object",
            "MAY",
            every(
                predicts(posted(request(parameters={}))),
                refused(posted(request(parameters=[1])), "Expected object"),
            ),
        ),
        Row(
            "request-inputs",
            "`inputs` is required: a list of tensors",
            "MUST",
            every(
                predicts(posted(request())),
                refused(posted({"outputs": []}), "inputs"),
                refused(posted({"inputs": tensor()}), "inputs"),
            ),
        ),
        Row(
            "request-many-inputs",
            "A model may need several inputs",
            "MAY",
            every(
                refused(posted({"inputs": [tensor(), tensor()]}), "length 1", "inputs"),
                refused(posted({"inputs": []}), "length 1", "inputs"),
            ),
            "differs: each model that Verger takes has exactly one input and one output",
        ),
        Row(
            "request-outputs-absent",
            "`outputs` is optional; without it all outputs are returned",
            "MAY",
            every(
                predicts(posted(request())),
                predicts(posted(request(outputs=[]))),
                refused(posted(request(outputs="output")), "Expected array"),
            ),
            "as stated; an empty list also means all",
        ),
        Row(
            "request-outputs-named",
            "`outputs` lists the outputs that are wanted",
            "MAY",
            every(
                member(with_output(), "outputs.0.name", {"const": "output"}),
                refused(with_output(name="other"), "outputs[0].name", "other"),
            ),
        ),
        Row(
            "request-other-members",
            "The extension's examples have members that no object lists (`model_name`)",
            "MAY",
            every(
                predicts(posted(request(model_name="demo", other={"deep": [1]}))),
                predicts(with_input(other=[1])),
            ),
            "as stated: what is not known is ignored",
        ),
        Row(
            "input-name",
            "An input has `name`, a string: the tensor's",
            "MUST",
            every(
                predicts(with_input(name="input")),
                refused(with_input(name="other"), "inputs[0].name", '"other"'),
                refused(with_input(name=1), "inputs[0].name"),
                refused(_without("name"), "name"),
            ),
        ),
        Row(
            "input-shape",
            "An input has `shape`, a list of integers",
            "MUST",
            every(
                predicts(_shape(1, 5000, 1)),
                refused(_shape(1, 5001, 1), "expected shape [-1, 5000, 1]"),
                refused(_shape(1, "5000", 1), "inputs[0].shape[1]"),
                refused(_shape(1, 5000.5, 1), "inputs[0].shape[1]"),
                refused(_without("shape"), "shape"),
            ),
        ),
        Row(
            "input-dimensions",
            "A dimension is an integer of 64 bits without a sign",
            "MUST",
            every(
                refused(_shape(-1, 5000, 1), "expected shape", "[-1, 5000, 1]"),
                refused(_shape(_SIXTY_FOUR_BITS, 5000, 1), f"{_SIXTY_FOUR_BITS:,} matrices"),
                refused(_shape(1, _SIXTY_FOUR_BITS, 1), f"[1, {_SIXTY_FOUR_BITS}, 1]"),
            ),
            "as stated; a request has up to 1,000,000 matrices, and none of length 0",
        ),
        Row(
            "input-batch",
            "Where the input is a batch, shape and data are of all of it",
            "MUST",
            every(
                predicts(posted(request(_BATCH)), VALUES, OTHER),
                refused(posted(request(_BATCH | {"data": VALUES})), "expected 10,000 values"),
            ),
        ),
        Row(
            "input-no-batch",
            "An input may come without the dimension of the batch, where the model has none",
            "MAY",
            refused(_shape(5000, 1), "expected shape [-1, 5000, 1]"),
            "differs: every model has that dimension, and every shape states it",
        ),
        Row(
            "input-datatype",
            "An input has `datatype`, one of the protocol's",
            "MUST",
            every(
                predicts(with_input(datatype="FP32")),
                refused(with_input(datatype="FP31"), 'datatype "FP31"', "FP32"),
                refused(with_input(datatype=32), "inputs[0].datatype"),
                refused(_without("datatype"), "datatype"),
            ),
            "as stated; it need not be the model's, where the model's can hold the values",
        ),
        Row(
            "input-parameters",
            "An input may have `parameters`, an object",
            "MAY",
            every(
                predicts(with_input(parameters={})),
                refused(with_input(parameters="a"), "Expected object"),
            ),
        ),
        Row(
            "input-data",
            "An input has `data`, an array",
            "MUST",
            every(
                predicts(with_input(data=VALUES)),
                refused(with_input(data=0.5), "expected an array"),
                refused(_without("data"), "inputs[0]", "data"),
            ),
        ),
        Row(
            "output-name",
            "A requested output has `name`, a string",
            "MUST",
            every(
                predicts(with_output()),
                refused(posted(request(outputs=[{}])), "name", "outputs[0]"),
                refused(with_output(name=1), "outputs[0].name"),
            ),
            "as stated; the same one twice is refused",
        ),
        Row(
            "output-parameters",
            "A requested output may have `parameters`, an object",
            "MAY",
            every(
                predicts(with_output(parameters={})),
                refused(with_output(parameters=1), "outputs[0].parameters"),
            ),
        ),
    ],
)
