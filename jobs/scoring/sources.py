"""A document of the listing as a stream: in a worker, from a folder or from S3.

Its bytes do not come through Spark: a row holds a document as a whole, some six times over, and
two of 200 MB at once end a Java of 2 GB.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, BinaryIO, cast

from cluster.files import is_of_s3, s3_client
from serving.errors import NotFoundError, UnavailableError

_GONE = frozenset({"NoSuchKey", "404"})


@contextmanager
def open_source(url: str, region: str | None, endpoint: str | None) -> Iterator[BinaryIO]:
    """The bytes of a document, as they are.

    Args:
        url: of `list_documents`.
        region, endpoint: of S3; None for what the environment says.

    Raises, here and while it is read:
        NotFoundError: it is not there any more.
        UnavailableError: it cannot be read now.
    """
    with _translated():
        opened = _open(url, region, endpoint)
    with closing(opened):
        yield cast(BinaryIO, _Source(opened))


class _Source:
    """A reader whose errors are ours: a reader of documents would blame the document."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        with _translated():
            return bytes(self._stream.read(size))


def _open(url: str, region: str | None, endpoint: str | None) -> Any:
    scheme, _, place = url.partition(":")
    if scheme == "file":
        return open(place, "rb")
    bucket, _, key = place.removeprefix("//").partition("/")
    return s3_client(region, endpoint).get_object(Bucket=bucket, Key=key)["Body"]


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as cause:
        raise NotFoundError("the document was removed before it was read") from cause
    except OSError as cause:
        reason = cause.strerror or type(cause).__name__
        raise UnavailableError(f"the document cannot be read: {reason}") from cause
    except Exception as cause:
        if not is_of_s3(cause):
            raise
        code = getattr(cause, "response", {}).get("Error", {}).get("Code", type(cause).__name__)
        if code in _GONE:
            raise NotFoundError("the document was removed before it was read") from cause
        raise UnavailableError(f"the document cannot be read: S3 says {code}") from cause
