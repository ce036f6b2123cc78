"""The published XSD, held against a schema processor that is not ours."""

from pathlib import Path

import pytest
from lxml import etree

from serving.documents.schema import schema
from serving.settings import Names
from tests.support.documents import matrices, one, xml


def validator(names: Names | None = None) -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(schema(names or Names()).encode()))


@pytest.mark.parametrize("form", ["text", "values"])
def test_schema_takes_what_the_converter_writes(form: str) -> None:
    validator().assertValid(etree.fromstring(xml(matrices(2), form)))


def test_schema_takes_the_sample(root: Path) -> None:
    validator().assertValid(etree.parse(root / "models/demo/sample.xml"))


def test_schema_speaks_the_dialect() -> None:
    document = etree.fromstring(b'<matrices><s k="1"><v>1</v></s></matrices>')
    validator(Names("s", "v", "k")).assertValid(document)


@pytest.mark.parametrize(
    "content",
    [
        one("<value>NaN</value>"),
        one("<value>1e</value>"),
        one("<value>1,5</value>"),
        one("<x>1</x>"),
        one("1", ' id=""'),
        one("1", ' shape="a"'),
        b"<matrices/>",
        b'<matrices><matrix id="a">1</matrix><matrix id="a">2</matrix></matrices>',
    ],
)
def test_schema_refuses(content: bytes) -> None:
    assert not validator().validate(etree.fromstring(content))
