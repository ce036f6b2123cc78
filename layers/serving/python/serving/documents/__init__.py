"""Documents of matrices, streamed: bytes in, matrices out, whatever the format.

The format is read from the first bytes, since files in a store carry no content type.
"""

from serving.documents.document import Document, read_document
from serving.documents.matrix import Matrix

__all__ = ["Document", "Matrix", "read_document"]
