"""The table of refusals is true: each row is done, and its answer names the place."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.tables import cell
from tests.tables.answers import see_document, see_model_file, see_start
from tests.tables.refusals import (
    DOCUMENTS,
    MODEL_FILES,
    STARTS,
    Refusal,
)


def check(refusal: Refusal, seen: str, root: Path) -> None:
    assert refusal.place in seen
    assert "Traceback" not in seen
    assert f"| {cell(seen)} |" in (root / "docs/refusals.md").read_text()


@pytest.mark.parametrize("refusal", MODEL_FILES, ids=lambda refusal: refusal.what)
def test_model_files_are_refused(refusal: Refusal, tmp_path: Path, root: Path) -> None:
    check(refusal, see_model_file(refusal, tmp_path), root)


@pytest.mark.parametrize("refusal", DOCUMENTS, ids=lambda refusal: refusal.what)
def test_documents_are_refused(
    refusal: Refusal, tmp_path: Path, root: Path, client: TestClient
) -> None:
    check(refusal, see_document(refusal, tmp_path, client), root)


@pytest.mark.parametrize("refusal", STARTS, ids=lambda refusal: refusal.what)
def test_starts_are_refused(refusal: Refusal, tmp_path: Path, root: Path) -> None:
    check(refusal, see_start(refusal, tmp_path), root)
