"""make docs: writes refusals, attacks, ssrf, open-inference-conformance and models in docs/."""

import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.tables import cell
from tests.tables.answers import make_client, see_document, see_model_file, see_start
from tests.tables.attacks import attacks
from tests.tables.conformance.page import conformance
from tests.tables.links import links
from tests.tables.models import describe_files
from tests.tables.refusals import (
    DOCUMENTS,
    MODEL_FILES,
    ROOT,
    STARTS,
    Refusal,
)

_GENERATED = "<!-- Written by make docs; the tests hold it against what the software does. -->\n\n"


def rows(refusals: Sequence[Refusal], see: Callable[[Refusal, Path], str]) -> list[list[str]]:
    """What is sent, and what is seen."""
    result = []
    for refusal in refusals:
        with tempfile.TemporaryDirectory() as folder:
            result.append([refusal.what, see(refusal, Path(folder))])
    return result


def table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    content = [heads, ["---"] * len(heads), *lines]
    return "".join(f"| {' | '.join(map(cell, line))} |\n" for line in content)


def refusals() -> str:
    """The page of refusals."""
    client = make_client()
    documents = rows(DOCUMENTS, lambda refusal, folder: see_document(refusal, folder, client))
    parts = [
        "# What is refused, and what its sender sees\n\n",
        _GENERATED,
        "## A document, by `POST /predictions` (the demo model: 5000 values a matrix)\n\n",
        table(("What is wrong", "Status and detail of the problem"), documents),
        "\n## A model file, by `make model`\n\n",
        table(("What is wrong", "What is printed"), rows(MODEL_FILES, see_model_file)),
        "\n## A cold start\n\n",
        table(("What is wrong", "What the start fails with"), rows(STARTS, see_start)),
    ]
    return "".join(parts)


def main() -> int:
    """Write the pages."""
    (ROOT / "docs/refusals.md").write_text(refusals(), encoding="utf-8")
    (ROOT / "docs/attacks.md").write_text(attacks(), encoding="utf-8")
    (ROOT / "docs/ssrf.md").write_text(links(), encoding="utf-8")
    page = conformance(make_client())
    (ROOT / "docs/open-inference-conformance.md").write_text(page, encoding="utf-8")
    files = ROOT.parent / "shared/data/keras"
    if not files.is_dir():
        print("docs/models.md is left alone: the third-party files are not here")
        return 0
    heads, lines, notes = describe_files(files)
    page = f"# Third-party models, as `make model` takes them\n\n{_GENERATED}{notes}\n"
    (ROOT / "docs/models.md").write_text(page + table(heads, lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
