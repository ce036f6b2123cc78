"""Both readers of XML on generated documents: they agree, and would not hide it if they did not."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fuzz.parsers.run import compare
from tests.fuzz.xml.target import Documents
from tests.fuzz.xml.test_xml_target import of_matrices, swallows, with_values

_DOCUMENTS = 2_000


def test_both_readers_agree(tmp_path: Path) -> None:
    comparison = compare(_DOCUMENTS, 1, tmp_path)
    count = comparison.session.count
    assert not count.findings, str(comparison)
    assert comparison.count == count.executions == _DOCUMENTS
    assert count.kinds["read"] + count.kinds["refused"] == _DOCUMENTS
    assert min(count.kinds["read"], count.kinds["refused"]) > 500
    assert "2,000 documents" in str(comparison)
    assert " refused by both, 0 disagreements" in str(comparison)


def test_a_seed_gives_the_same_documents_again(tmp_path: Path) -> None:
    first, second, other = (compare(200, chosen, tmp_path).seen for chosen in (5, 5, 6))
    assert first == second
    assert len(first & other) < 100


@pytest.mark.parametrize(
    ("read", "key"),
    [
        pytest.param(swallows, "accepted: ", id="swallows an error"),
        pytest.param(
            of_matrices(with_values(lambda values: values + 0.0)),
            "matrices: other values",
            id="loses the sign of zero",
        ),
        pytest.param(
            of_matrices(with_values(lambda values: values.astype(np.float32).astype(np.float64))),
            "warned: RuntimeWarning",
            id="rounds",
        ),
        pytest.param(
            of_matrices(lambda found: [replace(m, id=m.id.strip("0")) for m in found]),
            "matrices: other ids",
            id="another id",
        ),
    ],
)
def test_a_disagreement_is_found(tmp_path: Path, read: Any, key: str) -> None:
    comparison = compare(800, 2, tmp_path, Documents(read))
    assert any(found.startswith(key) for found in comparison.session.count.findings)
    assert " 0 disagreements" not in str(comparison)
