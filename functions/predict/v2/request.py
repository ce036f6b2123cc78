"""From the bytes of an inference request to its matrices."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec

from predict.v2.contract import HEADER_BYTES
from predict.v2.numbers import read_numbers
from predict.v2.tensors import Tensor, check_tensor, datatype_of, read_bytes
from serving.documents import Matrix
from serving.documents.document import GZIP
from serving.errors import InvalidInputError, MalformedError, TooLargeError
from serving.settings import Limits, TensorNames
from serving.signature import TensorSpec

Parameters = dict[str, str | int | float | bool]

BINARY_SIZE, BINARY, BINARY_OUTPUT = "binary_data_size", "binary_data", "binary_data_output"
# Extensions that change what is computed or returned: to ignore them would be a wrong answer.
_NOT_SUPPORTED = ("classification", "shared_memory_region")
_AT_ONCE_BYTES = 1_000_000
_LONGEST_PART = 10_000  # bytes: of a shape, of parameters, of a list of outputs
_ABSENT = msgspec.Raw(b"null")
_BYTE = re.compile(r"\(byte (\d+)\)$")
_NOT_FINITE = re.compile(rb"-?(NaN|Infinity)")
_PATH = re.compile(r"`\$\.?([^`]*)`$")  # how msgspec names the place


class _Input(msgspec.Struct):
    name: msgspec.Raw
    shape: msgspec.Raw
    datatype: msgspec.Raw
    parameters: msgspec.Raw = _ABSENT
    data: msgspec.Raw = _ABSENT


class _Output(msgspec.Struct):
    name: str
    parameters: Parameters | None = None


class _Request(msgspec.Struct):
    # One, as a type: a million of them is refused at the second. Parts are decoded when their
    # length is known: one wide letter makes a text take four bytes for each.
    inputs: tuple[_Input]
    id: msgspec.Raw = _ABSENT
    parameters: msgspec.Raw = _ABSENT
    outputs: msgspec.Raw = _ABSENT


@dataclass(frozen=True, slots=True)
class Expected:
    """What the model takes, what its tensors are called, and the limits."""

    spec: TensorSpec
    names: TensorNames
    limits: Limits


@dataclass(frozen=True, slots=True)
class InferRequest:
    """A request, checked but for its values, which are read with its matrices.

    Attributes:
        id: to be returned, where one was given.
        binary_output: whether the output is wanted as bytes.
    """

    matrices: Iterator[Matrix]
    id: str | None = None
    binary_output: bool = False


def read_request(body: BinaryIO, header_bytes: int | None, expected: Expected) -> InferRequest:
    """Read a request.

    Args:
        body: JSON, then the input as bytes where it is not in the JSON.
        header_bytes: how long the JSON is, as Inference-Header-Content-Length states it; None
            for all of the body; 0 for a body that is the input and nothing else.

    Raises:
        MalformedError: not JSON, or not as long as it says.
        InvalidInputError: well-formed, but wrong; names the place in the JSON.
        TooLargeError: over a limit.
    """
    if header_bytes == 0:
        return _raw(body.read(), expected)
    header = body.read() if header_bytes is None else _first(body, header_bytes)
    if header_bytes is not None and len(header) < header_bytes:
        raise MalformedError(f"{HEADER_BYTES} is {header_bytes}, the body has {len(header)} bytes")
    if not header:
        raise MalformedError("the request is empty")
    request: _Request = _decode(header, _Request)
    id: str | None = _part(request.id, str | None, "id")
    if id is not None and len(id) > expected.limits.id_characters:
        raise TooLargeError(f"id: more than {expected.limits.id_characters} characters")
    parameters = _parameters(request.parameters, "parameters")
    binary = _flag(parameters, BINARY_OUTPUT, "parameters") or False
    source = None if header_bytes is None else body
    return InferRequest(
        _matrices(request.inputs[0], source, expected),
        id,
        _outputs(request.outputs, expected.names.output, binary),
    )


def _first(body: BinaryIO, size: int) -> bytes:
    """So many bytes, or all that there are; a reader allocates what it is asked for at once."""
    pieces = [piece := body.read(min(size, _AT_ONCE_BYTES))]
    while piece and (size := size - len(piece)):
        pieces.append(piece := body.read(min(size, _AT_ONCE_BYTES)))
    return b"".join(pieces)


def _raw(data: bytes, expected: Expected) -> InferRequest:
    """The body is the input, in the model's datatype; how many matrices it has, its length says."""
    spec = expected.spec
    datatype = datatype_of(spec.dtype)
    tensor = Tensor(datatype, (1,))
    values, rest = divmod(len(data), tensor.dtype.itemsize)
    try:
        if rest or not values:
            raise ValueError(f"expected {tensor.dtype.itemsize} for each value, of {datatype}")
        if spec.count is None:  # then it is one matrix
            shape = (1, *spec.shape_of(values))
        else:
            if values % spec.count:
                raise ValueError(f"expected a multiple of {spec.count} values of {datatype}")
            shape = (values // spec.count, *spec.shape_of(spec.count))
    except ValueError as cause:
        raise InvalidInputError(f"a body of {len(data):,} bytes: {cause}") from cause
    tensor = check_tensor(Tensor(datatype, shape), spec, expected.limits)
    return InferRequest(read_bytes(io.BytesIO(data), tensor, spec), binary_output=True)


def _matrices(given: _Input, source: BinaryIO | None, expected: Expected) -> Iterator[Matrix]:
    where = "inputs[0]"
    name: str = _part(given.name, str, f"{where}.name")
    if name != expected.names.input:
        raise InvalidInputError(
            f'{where}.name: expected "{expected.names.input}", got "{name[:60]}"'
        )
    tensor = check_tensor(_tensor(given, where), expected.spec, expected.limits)
    parameters = _parameters(given.parameters, f"{where}.parameters")
    if BINARY_SIZE not in parameters:
        if _is_absent(given.data):
            raise InvalidInputError(f"{where}: neither data nor {BINARY_SIZE}")
        if source is not None and source.read(1):
            raise MalformedError(f"bytes after the JSON, and no {BINARY_SIZE} in {where}")
        return read_numbers(memoryview(given.data), tensor, expected.spec)
    if not _is_absent(given.data):
        raise InvalidInputError(f"{where}: both data and {BINARY_SIZE}")
    if source is None:
        raise InvalidInputError(f"{where}: {BINARY_SIZE}, and no header {HEADER_BYTES}")
    stated, size = parameters[BINARY_SIZE], tensor.size_bytes
    if type(stated) is not int or stated != size:
        raise InvalidInputError(
            f"{where}: {BINARY_SIZE} is {str(stated)[:40]}; shape and datatype make {size}"
        )
    return read_bytes(source, tensor, expected.spec)


def _tensor(given: _Input, where: str) -> Tensor:
    datatype: str = _part(given.datatype, str, f"{where}.datatype")
    shape: list[int] = _part(given.shape, list[int], f"{where}.shape")
    return Tensor(datatype, tuple(shape))


def _outputs(given: msgspec.Raw, name: str, binary: bool) -> bool:
    """Whether the output is wanted as bytes; without a list, or with an empty one, it is wanted."""
    if _is_absent(given):
        return binary
    outputs: list[_Output] = _part(given, list[_Output], "outputs")
    if len(outputs) > 1:
        raise InvalidInputError(f'outputs: expected "{name}", once at most, got {len(outputs)}')
    for output in outputs:
        if output.name != name:
            raise InvalidInputError(f'outputs[0].name: expected "{name}", got "{output.name[:60]}"')
        parameters = output.parameters or {}
        _refuse_unsupported(parameters, "outputs[0].parameters")
        wanted = _flag(parameters, BINARY, "outputs[0].parameters")
        binary = binary if wanted is None else wanted
    return binary


def _parameters(given: msgspec.Raw, where: str) -> Parameters:
    found: Parameters = _part(given, Parameters | None, where) or {}
    _refuse_unsupported(found, where)
    return found


def _refuse_unsupported(parameters: Parameters, where: str) -> None:
    for name in _NOT_SUPPORTED:
        if name in parameters:
            raise InvalidInputError(f"{where}.{name}: this extension is not supported")


def _flag(parameters: Parameters, name: str, where: str) -> bool | None:
    flag = parameters.get(name)
    if flag is not None and not isinstance(flag, bool):
        raise InvalidInputError(f"{where}.{name}: expected true or false")
    return flag


def _part(given: msgspec.Raw, kind: Any, where: str) -> Any:
    """A part of the request, once it is known to be short."""
    if len(memoryview(given)) > _LONGEST_PART:
        raise TooLargeError(f"{where}: more than {_LONGEST_PART:,} bytes")
    return _decode(given, kind, where)


def _is_absent(part: msgspec.Raw) -> bool:
    return bytes(memoryview(part)[:5]) == b"null"


def _decode(text: bytes | msgspec.Raw, kind: Any, where: str = "") -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as cause:
        problem, inside = _PATH.subn(where + r"\1", str(cause))
        if where and not inside:  # it is wrong as a whole
            problem += f" - at {where}"
        if problem.endswith("length 1 - at inputs"):
            problem += ": the model has one"
        raise InvalidInputError(problem.replace("`", "")[:300]) from cause
    except (msgspec.DecodeError, UnicodeDecodeError) as cause:
        problem = f"{where or 'the request'}: {cause}"[:300]
        raise MalformedError(problem + _hint(bytes(text), problem)) from cause
    except RecursionError as cause:
        raise MalformedError(f"{where or 'the request'}: nested too deeply") from cause


def _hint(text: bytes, problem: str) -> str:
    """What clients forget; and Python's json writes NaN and Infinity, which JSON has not."""
    if "trailing characters" in problem:
        return f"; where bytes follow, the header {HEADER_BYTES} says how long the JSON is"
    if text.startswith(GZIP):
        return "; it looks packed: say so (Content-Encoding: gzip)"
    if problem.endswith("(byte 0)"):
        return f"; a tensor alone, as bytes, needs the header {HEADER_BYTES}: 0"
    at = _BYTE.search(problem)
    found = at and _NOT_FINITE.match(text, int(at[1]))
    return f"; {found[0].decode()} is not finite, and not JSON" if found else ""
