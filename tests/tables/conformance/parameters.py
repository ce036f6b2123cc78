"""Parameters."""

from tests.tables.conformance.asks import Ask, posted, request, with_input, with_output
from tests.tables.conformance.checks import Check, Part, Row, every, predicts, refused

_SCALARS = {"text": "a", "whole": 1, "decimal": 0.5, "truth": True}


def _everywhere(parameters: object) -> tuple[Ask, Ask, Ask]:
    """With parameters of the request, of the input, of the output."""
    return (
        posted(request(parameters=parameters)),
        with_input(parameters=parameters),
        with_output(parameters=parameters),
    )


def _takes_everywhere(parameters: object) -> Check:
    return every(*map(predicts, _everywhere(parameters)))


def _refuses_everywhere(parameters: object, word: str) -> Check:
    return every(*(refused(ask, "parameters", word) for ask in _everywhere(parameters)))


PARAMETERS = Part(
    "Parameters",
    [
        Row(
            "parameters-values",
            "A parameter is a name with a string, a number or a boolean",
            "MUST",
            every(
                _takes_everywhere(_SCALARS),
                _refuses_everywhere({"a": [1]}, "array"),
                _refuses_everywhere({"a": {"b": 1}}, "object"),
            ),
        ),
        Row(
            "parameters-unknown",
            "The specification defines none; a server may have its own",
            "MAY",
            _takes_everywhere({"priority": 1, "sequence_id": "a"}),
            "as stated: those of binary tensor data; what is not known is ignored",
        ),
        Row(
            "parameters-classification",
            "Triton's extension: `classification` asks for the classes of the largest values",
            "MAY",
            _refuses_everywhere({"classification": 2}, "classification"),
            "differs: refused, since to ignore it would be a wrong answer",
        ),
        Row(
            "parameters-shared-memory",
            "Triton's extension: `shared_memory_region` says where a tensor is",
            "MAY",
            _refuses_everywhere({"shared_memory_region": "a"}, "shared_memory_region"),
            "differs: refused, since client and service share no memory",
        ),
    ],
)
