"""The target "xml": documents in every format, through `serving.documents.read_document`."""
