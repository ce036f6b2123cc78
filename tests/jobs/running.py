"""A job as its user starts it, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path


def start(root: Path, *arguments: object, **env: str) -> "subprocess.CompletedProcess[str]":
    """`main.py` with these arguments; of AWS it knows what is given."""
    usual = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, str(root / "jobs/main.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        env=usual | {"PYTHONPATH": os.pathsep.join(sys.path)} | env,
        check=False,
        timeout=600,
    )
