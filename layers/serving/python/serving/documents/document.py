"""Opens a document: finds its format, unpacks it within limits, and hands its matrices on."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from serving.documents.compression import inflate, limited
from serving.documents.matrix import Matrix, unique
from serving.errors import InvalidInputError, MalformedError, TooLargeError
from serving.settings import Limits, Names
from serving.signature import TensorSpec

_HEAD_BYTES = 1024
_BEFORE_XML = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"  # byte order marks and blanks
GZIP, ZIP, NPY = b"\x1f\x8b", b"PK", b"\x93NUMPY"


@dataclass(frozen=True, slots=True)
class Document:
    """How to read a document: what one matrix looks like, the vocabulary, the limits."""

    spec: TensorSpec
    names: Names = field(default_factory=Names)
    limits: Limits = field(default_factory=Limits)


def read_document(source: BinaryIO, document: Document) -> Iterator[Matrix]:
    """Yield the matrices of an XML, npz or npy document, packed by gzip or not, in order.

    Memory is bounded by a matrix (npz and Fortran-ordered arrays: by the document's limit), so
    the caller may hold as few matrices at once as it likes. What was yielded before an error is
    not a result: the document as a whole is refused.

    Raises:
        MalformedError: not the format that the first bytes announce, or a forbidden part of it.
        UnsupportedError: a format or an encoding that is not read here.
        TooLargeError: more bytes than `limits.inflated_bytes`, more matrices, or a longer matrix,
            id or number than the limits allow.
        InvalidInputError: well-formed, but the wrong data; names the matrix and the line.
    """
    count = 0
    for matrix in unique(_matrices(source, document)):
        count += 1
        if count > document.limits.matrices:  # their ids are kept, to find one that occurs twice
            raise TooLargeError(
                f"more than {document.limits.matrices:,} matrices", line=matrix.line
            )
        yield matrix
    if count == 0:
        raise InvalidInputError(f"no matrix in the document: no element <{document.names.matrix}>")


def _matrices(source: BinaryIO, document: Document) -> Iterator[Matrix]:
    # What limits also borrows: a bare BufferedReader would close the caller's file.
    stream = limited(source, document.limits.inflated_bytes, "the document")
    if stream.peek(2)[:2] == GZIP:
        stream = inflate(stream, document.limits.inflated_bytes)
        if stream.peek(2)[:2] == GZIP:
            raise MalformedError("packed by gzip twice: unpack it once")
    head = stream.peek(6)[:6]
    if not head:
        raise MalformedError("empty document")
    if head.startswith((ZIP, NPY)):
        from serving.documents import npy

        return npy.read(stream, document.spec, document.limits, zipped=head.startswith(ZIP))
    if not stream.peek(_HEAD_BYTES)[:_HEAD_BYTES].lstrip(_BEFORE_XML).startswith(b"<"):
        raise MalformedError("neither XML, npz nor npy: XML starts with <", line=1)
    from serving.documents import xml

    return xml.read(stream, document.spec, document.names, document.limits)
