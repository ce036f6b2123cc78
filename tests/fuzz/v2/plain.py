"""A second reader of requests, by the protocol and the standards alone: plain, strict and slow.

It shares no code with the one that it is held against: the standard library reads JSON, NumPy makes
numbers. What the standards leave open, or a limit covers, is a doubt: then both answers are right.
"""

import base64
import json
import re
from urllib.parse import unquote

import numpy as np

from local.event import Event
from serving.passport import Passport
from serving.settings import Limits
from tests.fuzz.packing import DamagedError, UnclearError, inflate, unpack_gzip
from tests.fuzz.v2.good import DATATYPES
from tests.fuzz.v2.plain_tensors import check_size, held, read_bytes, read_numbers, read_shape
from tests.fuzz.v2.reading import (
    Array,
    Members,
    Number,
    Reading,
    UnknownError,
    WrongError,
    array_of,
    object_of,
    read_json,
    string_of,
    strings_in,
)

_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.ASCII)


def read(event: Event, passport: Passport, limits: Limits) -> Reading:
    """Read an event as a request for inference.

    Raises:
        WrongError: it is none.
        UnknownError: what it means is not clear.
    """
    reading = Reading(limits)
    headers = {name.lower(): value for name, value in event["headers"].items()}
    _check_address(event, passport)
    body = _unpack(_body(event), headers, reading)
    length = _header_length(headers, reading)
    if length == 0:
        reading.is_binary = True
        reading.values = _raw(body, passport, reading)
        return reading
    if length is not None and length > len(body):
        raise WrongError("the body is shorter than its JSON")
    text = body if length is None else body[:length]
    _request(text, None if length is None else body[length:], passport, reading)
    return reading


def texts(event: Event, limits: Limits) -> list[str]:
    """The body as far as it can be read: decoded, unpacked, and each text in its JSON."""
    reading = Reading(limits)
    headers = {name.lower(): value for name, value in event["headers"].items()}
    found: list[str] = []
    try:
        body = _body(event)
        found.append(body.decode(errors="replace"))
        text = _unpack(body, headers, reading)
        found.append(text.decode(errors="replace"))
        length = _header_length(headers, reading)
        found += strings_in(read_json(text if length is None else text[:length], reading))
    except (WrongError, UnknownError):
        pass  # what was read so far
    return found


def _check_address(event: Event, passport: Passport) -> None:
    http = event["requestContext"].get("http") or {}
    path, method = http.get("path") or event.get("path", ""), http.get("method")
    model = f"/v2/models/{passport.name}"
    # The framework's routes end with "$", before which a newline may stand.
    if unquote(path).removesuffix("\n") not in {
        f"{model}/infer",
        f"{model}/versions/{passport.version}/infer",
    }:
        raise WrongError("not the address")
    if (method or event.get("httpMethod")) != "POST":
        raise WrongError("not the method")


def _body(event: Event) -> bytes:
    body = event.get("body") or ""
    if not event["isBase64Encoded"]:
        text: str = body
        return text.encode()
    if not _BASE64.fullmatch(body):
        raise WrongError("not base64")
    return base64.b64decode(body)


def _unpack(body: bytes, headers: dict[str, str], reading: Reading) -> bytes:
    stated = headers.get("content-length", "")
    if stated.isdecimal() and stated != str(len(body)):
        reading.doubt("content-length")
    least = min(reading.limits.text_bytes, reading.limits.binary_bytes)
    reading.doubt("limits: the body", len(body) > least)
    encoding = headers.get("content-encoding", "")
    if encoding in {"", "identity"}:
        return body
    kind = encoding.strip().lower()
    reading.doubt("content-encoding: its spelling", kind != encoding)
    most_bytes = reading.limits.inflated_bytes
    try:
        if kind in {"gzip", "x-gzip"}:
            unpacked = unpack_gzip(body, most_bytes)
        elif kind == "deflate":
            unpacked, rest = inflate(body, 15, most_bytes + 1)
            if rest:
                raise WrongError("bytes behind its end")
        else:
            raise WrongError("content-encoding")
    except DamagedError as cause:
        raise WrongError("damaged") from cause
    except UnclearError as cause:
        raise UnknownError(str(cause)) from cause
    if len(unpacked) > most_bytes:
        raise UnknownError("limits: unpacked")
    return unpacked


def _header_length(headers: dict[str, str], reading: Reading) -> int | None:
    stated = headers.get("inference-header-content-length")
    if stated is None:
        return None
    if not re.fullmatch(r"[0-9]+", stated, re.ASCII) or len(stated) > 4_000:
        raise WrongError("the length of the JSON is no number")
    reading.doubt("length: leading zeros", stated != str(int(stated)))
    return int(stated)


def _raw(body: bytes, passport: Passport, reading: Reading) -> Array:
    dtype = np.dtype(passport.input.dtype).newbyteorder("<")
    if not body or len(body) % dtype.itemsize:
        raise WrongError("not whole values")
    values = np.frombuffer(body, dtype)
    shape = passport.input.shape
    known = int(np.prod([n for n in shape if n is not None]))
    if values.size % known:
        raise WrongError("not whole matrices")
    batch = 1 if None in shape else values.size // known
    wanted = (batch, *(values.size // known if n is None else n for n in shape))
    check_size(wanted, passport, reading)
    return held(values, dtype, passport).reshape(wanted)


def _request(text: bytes, tail: bytes | None, passport: Passport, reading: Reading) -> None:
    request = object_of(read_json(text, reading), "the request")
    reading.id = string_of(request["id"], "id") if request.get("id") is not None else None
    reading.doubt("limits: id", len(reading.id or "") > reading.limits.id_characters)
    parameters = _parameters(request, reading)
    wanted = _flag(parameters, "binary_data_output")
    inputs = array_of(request.get("inputs"), "inputs")
    if len(inputs) != 1:
        raise WrongError("not one input")
    tensor = object_of(inputs[0], "input")
    outputs = [] if request.get("outputs") is None else array_of(request["outputs"], "outputs")
    reading.doubt("limits: outputs", len(json.dumps(outputs)) > 1_600)
    if len(outputs) > 1:
        raise WrongError("outputs")
    for output in [object_of(found, "output") for found in outputs]:
        if output.get("name") != "output":
            raise WrongError("the name of an output")
        flag = _flag(_parameters(output, reading), "binary_data")
        wanted = wanted if flag is None else flag
    reading.is_binary = bool(wanted)
    reading.values = _tensor(tensor, tail, passport, reading)


def _tensor(tensor: Members, tail: bytes | None, passport: Passport, reading: Reading) -> Array:
    parameters = _parameters(tensor, reading)
    if tensor.get("name") != "input":
        raise WrongError("the name of the input")
    datatype = string_of(tensor.get("datatype"), "datatype")
    if datatype not in DATATYPES:
        raise WrongError("datatype")
    shape = read_shape(tensor, passport, reading)
    dtype = np.dtype(DATATYPES[datatype])
    data, size = tensor.get("data"), parameters.get("binary_data_size")
    if size is not None:
        if data is not None or tail is None:
            raise WrongError("binary data, and other data or no place for it")
        wanted = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if not isinstance(size, Number) or size != str(wanted) or len(tail) != wanted:
            raise WrongError("the size of the binary data")
        values = read_bytes(tail, dtype, reading)
    else:
        if tail:
            raise WrongError("bytes behind the JSON")
        values = read_numbers(array_of(data, "data"), shape, dtype, reading)
    return held(values, dtype, passport).reshape(shape)


def _parameters(holder: Members, reading: Reading) -> Members:
    if holder.get("parameters") is None:
        return Members()
    found = object_of(holder["parameters"], "parameters")
    reading.doubt("limits: parameters", len(json.dumps(found)) > 1_600)
    for name, value in found.items():
        if name in {"classification", "shared_memory_region"}:
            raise WrongError("an extension that there is not")
        if not isinstance(value, str | bool):
            raise WrongError("a parameter that is no string, number or boolean")
        if isinstance(value, Number):
            reading.doubt(
                "parameters: a large number", len(value) > 15 or not np.isfinite(float(value))
            )
    return found


def _flag(parameters: Members, name: str) -> bool | None:
    flag = parameters.get(name)
    if flag is not None and not isinstance(flag, bool):
        raise WrongError("a flag that is none")
    return flag
