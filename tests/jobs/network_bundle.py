"""A bundle that says it is of a network: the demo's files behind another passport."""

import json
import shutil
from pathlib import Path

from fruits.models import NETWORKS

_DEMO = Path("models/demo/bundle")


def write_bundle(folder: Path, *, model: str = "mobilenet_v2", size: int = 100) -> Path:
    """In a new folder; its hashes are right, and its model is never run."""
    shutil.copytree(_DEMO, folder)
    passport = json.loads((folder / "passport.json").read_text())
    passport["input"]["shape"] = [size, size, 3]
    passport["output"]["shape"] = [NETWORKS[model].features]
    (folder / "passport.json").write_text(json.dumps(passport))
    return folder
