"""The same work beside what it is compared to; `make bench` writes docs/performance.md."""

from pathlib import Path

FOLDER = Path("build/bench")  # what is made once: models, bundles, documents
