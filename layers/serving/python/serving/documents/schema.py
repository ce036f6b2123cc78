"""The XML document's schema (XSD 1.0), in the vocabulary that the service is set to."""

from importlib.resources import files
from string import Template

from serving.settings import Names


def schema(names: Names) -> str:
    """The XSD, with the element and attribute names of the settings."""
    template = files("serving.documents").joinpath("matrices.xsd").read_text(encoding="utf-8")
    return Template(template).substitute(matrix=names.matrix, value=names.value, id=names.id)
