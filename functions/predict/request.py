"""The body of a request: its type checked, its size bounded while it arrives."""

import io
from collections.abc import Callable
from typing import TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError

from predict.contract import DOCUMENT_TYPES, LINK_TYPE, XML_TYPES, Link
from serving.errors import (
    InvalidInputError,
    MalformedError,
    RequestTooLargeError,
    TooLargeError,
    UnsupportedError,
)
from serving.settings import Limits

WAY_OUT = (
    "Send it packed (Content-Encoding: gzip), as npz, or in several requests; "
    "GET /limits lists the limits."
)
_WAY_OUT_OF_BINARY = (
    "Send it in several requests, or smaller (float32, np.savez_compressed); "
    "GET /limits lists the limits."
)
_LONGEST_LINK_BYTES = 16_000
_T = TypeVar("_T")


async def compute(request: Request, work: Callable[[], _T]) -> _T:
    """Do the work of a request, so that health answers meanwhile."""
    if "aws.event" in request.scope:  # Lambda sends one request at a time
        return work()
    return await run_in_threadpool(work)


def is_link(request: Request) -> bool:
    """Whether a request says where the document is, instead of carrying it."""
    return _media_type(request) == LINK_TYPE


async def read_link(request: Request) -> str:
    """The URL that a request carries.

    Raises:
        MalformedError: it is not JSON.
        InvalidInputError: it is not {"url": "…"}; says what is wrong in it.
        TooLargeError: more bytes than a URL has.
    """
    try:
        body = await read_bounded(request, _LONGEST_LINK_BYTES, "This is more than a URL.")
    except RequestTooLargeError as cause:  # an upload would not help
        raise TooLargeError(str(cause)) from cause
    try:
        return Link.model_validate_json(body.getvalue()).url
    except ValidationError as cause:
        [fault, *_] = cause.errors(include_url=False, include_input=False)
        expected = (
            'expected {"url": "<a presigned GET of an object in S3>"}; a document is sent as '
            "application/xml, npz or npy"
        )
        if fault["type"] == "json_invalid":
            raise MalformedError(f"{fault['msg'][:200]}: {expected}") from cause
        place = ".".join(map(str, fault["loc"]))[:60]
        raise InvalidInputError(f"{place}: {fault['msg'][:200]}: {expected}") from cause


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_body(request: Request, limits: Limits) -> io.BytesIO:
    """The document that a request carries.

    Raises:
        UnsupportedError: a media type or a content encoding that is not read here.
        RequestTooLargeError: more bytes than one request may carry.
    """
    media_type = _media_type(request)
    if media_type not in DOCUMENT_TYPES:
        raise UnsupportedError(
            f'the Content-Type is "{media_type[:60]}", expected one of: '
            f"{', '.join(DOCUMENT_TYPES)} (with curl: -H 'Content-Type: application/xml'), "
            f"or {LINK_TYPE} for the URL of one"
        )
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        raise UnsupportedError(f'the Content-Encoding is "{encoding[:60]}", expected gzip or none')
    # What is not text travels through Lambda in base64, which makes 4 bytes of 3.
    is_text = media_type in XML_TYPES and encoding in {"", "identity"}
    limit_bytes = limits.text_bytes if is_text else limits.binary_bytes
    return await read_bounded(request, limit_bytes, WAY_OUT if is_text else _WAY_OUT_OF_BINARY)


async def read_bounded(request: Request, limit_bytes: int, way_out: str) -> io.BytesIO:
    """The body of a request, whatever it is.

    Raises:
        RequestTooLargeError: more bytes; says the way out.
    """
    announced = request.headers.get("content-length", "")
    # int() refuses thousands of digits; what is no number at all, the server has refused.
    if announced.isdecimal() and (len(announced) > 15 or int(announced) > limit_bytes):
        size = f"{int(announced):,}" if len(announced) <= 15 else announced[:30]
        raise _too_large(f"{size} bytes", limit_bytes, way_out)
    chunks: list[bytes] = []
    read_bytes = 0
    async for chunk in request.stream():
        read_bytes += len(chunk)
        if read_bytes > limit_bytes:
            raise _too_large("more bytes", limit_bytes, way_out)
        if chunk:  # a body in one chunk, with nothing behind it, is joined without a copy
            chunks.append(chunk)
    return io.BytesIO(b"".join(chunks))


def _too_large(size: str, limit_bytes: int, way_out: str) -> RequestTooLargeError:
    return RequestTooLargeError(
        f"{size} in one request; the limit is {limit_bytes:,} bytes. {way_out}"
    )
