"""All statements, and the page of them."""

from collections import Counter

from fastapi.testclient import TestClient

from tests.tables import cell
from tests.tables.conformance.binary import EXTENSION
from tests.tables.conformance.checks import Part, Row
from tests.tables.conformance.metadata import METADATA, SERVER
from tests.tables.conformance.parameters import PARAMETERS
from tests.tables.conformance.raw import PACKING, RAW
from tests.tables.conformance.request import REQUEST
from tests.tables.conformance.response import ERRORS, RESPONSE
from tests.tables.conformance.server import ENDPOINTS, HEALTH
from tests.tables.conformance.tensors import DATA, DATATYPES

_OIP = "https://github.com/kserve/open-inference-protocol/blob"
_REST = f"{_OIP}/7ef512b1f1715ac163091a14fb68990d2f7afa41/specification/protocol/inference_rest.md"
_YAML = (
    f"{_OIP}/18d5991e9e45d291f53103cc79e13ecc6212ffae/specification/protocol/"
    "open_inference_rest.yaml"
)
_BINARY = (
    "https://github.com/triton-inference-server/server/blob/"
    "6306a13d812a4028419186247f5b3f022f63c224/docs/protocol/extension_binary_data.md"
)
PARTS = [
    ENDPOINTS,
    HEALTH,
    SERVER,
    METADATA,
    REQUEST,
    RESPONSE,
    ERRORS,
    PARAMETERS,
    DATA,
    DATATYPES,
    EXTENSION,
    RAW,
    PACKING,
]
ROWS = [row for part in PARTS for row in part.rows]


def _line(row: Row) -> str:
    return f"| {cell(row.what)} | {row.level} | {cell(row.does)} | {row.id} |\n"


def _table(part: Part) -> str:
    heads = "| Statement | Level | What Verger does | Test |\n| --- | --- | --- | --- |\n"
    return f"\n## {part.title}\n\n{heads}{''.join(map(_line, part.rows))}"


def _counted(rows: list[Row]) -> str:
    levels = Counter(row.level for row in rows)
    return f"{len(rows)} ({', '.join(f'{levels[level]} {level}' for level in sorted(levels))})"


def conformance(client: TestClient) -> str:
    """The page; each check is made first.

    Raises:
        AssertionError: a statement does not hold as its row says.
    """
    for row in ROWS:
        row.check(client)
    return page()


def page() -> str:
    """What the table says."""
    apart = [row for row in ROWS if row.does.startswith("differs")]
    alike = [row for row in ROWS if row not in apart]
    return (
        "# The Open Inference Protocol, statement by statement\n\n"
        "<!-- Written by make docs; the tests hold it against what the software does. -->\n\n"
        f"The statements are those of the protocol's [REST specification]({_REST}) with its "
        f"[OpenAPI document]({_YAML}), and of Triton's extension "
        f"[binary tensor data]({_BINARY}), in our words. A level is MUST, SHOULD or MAY as we "
        "read them: what is not optional there is a MUST. Each row has a check that runs against "
        "the service with the demo model:\n"
        "`pytest 'tests/test_conformance.py::test_a_statement_holds[TEST]'`.\n\n"
        f"Statements: {len(ROWS)}. As stated: {_counted(alike)}. Different: {_counted(apart)}.\n"
        f"{''.join(map(_table, PARTS))}"
    )
