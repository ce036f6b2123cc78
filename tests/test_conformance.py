"""The table of the Open Inference Protocol is true, and its checks see what would be wrong."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.tables.conformance.checks import Row
from tests.tables.conformance.faults import FAULTS
from tests.tables.conformance.faulty import Fault, Faulty
from tests.tables.conformance.page import ROWS, page

BY_ID = {row.id: row for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_statement_holds(row: Row, client: TestClient) -> None:
    row.check(client)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.what)
def test_a_fault_is_seen(fault: Fault, app: FastAPI) -> None:
    client = TestClient(Faulty(app, fault))
    for id in fault.rows:
        with pytest.raises(AssertionError):
            BY_ID[id].check(client)


def test_it_is_the_fault_that_is_seen(app: FastAPI) -> None:
    client = TestClient(Faulty(app, Fault("none", [])))
    for id in {id for fault in FAULTS for id in fault.rows if not id.startswith("packed-")}:
        BY_ID[id].check(client)


def test_each_check_sees_a_fault() -> None:
    assert {id for fault in FAULTS for id in fault.rows} == set(BY_ID)
    assert len(BY_ID) == len(ROWS)


def test_each_row_says_what_verger_does() -> None:
    for row in ROWS:
        assert row.does.startswith(("as stated", "differs: ")), row.id


def test_the_page_is_of_the_table(root: Path) -> None:
    assert (root / "docs/open-inference-conformance.md").read_text(encoding="utf-8") == page()
