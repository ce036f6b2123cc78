"""Runs a client's program, and holds what it saw against what the same server says elsewhere."""

import json
import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from numpy.typing import NDArray

from serving.signature import Float64Array
from tests.clients.report import REQUESTS
from tests.support.documents import POINTS, npy

Case = tuple[str, int]  # a scenario, and how many matrices it takes

_ROOT = Path(__file__).parents[2]
_PYTHON = _ROOT / "build/env/clients/bin/python"
_LONGEST_S = 120


def is_installed() -> bool:
    """Whether the clients are here, as make test installs them."""
    return (_ROOT / "build/env/clients/.ready").exists()


@dataclass(frozen=True, slots=True)
class Run:
    """What a client saw of a server."""

    url: str
    folder: Path
    matrices: NDArray[np.float32]
    seen: dict[str, Any]
    _answers: dict[bytes, Float64Array] = field(default_factory=dict)

    def saw(self, scenario: str, count: int) -> dict[str, Any]:
        seen: dict[str, Any] = self.seen[f"{scenario}:{count}"]
        return seen

    def output(self, scenario: str, count: int) -> NDArray[Any]:
        output: NDArray[Any] = np.load(self.folder / f"{scenario}:{count}.npy")
        return output

    def expected(self, scenario: str, count: int) -> Float64Array:
        """What the server says of the same matrices under POST /predictions."""
        given = self.matrices[:count]
        if scenario == "fp16":
            given = given.astype(np.float16).astype(np.float32)
        if scenario == "several":
            return np.stack([self._predict(given / 2**i) for i in range(REQUESTS)])
        return self._predict(given)

    def _predict(self, matrices: NDArray[np.float32]) -> Float64Array:
        content = npy(matrices)
        if content not in self._answers:
            self._answers[content] = predict(self.url, content)
        return self._answers[content]


def predict(url: str, content: bytes) -> Float64Array:
    """The numbers of POST /predictions for an array as npy."""
    headers = {"content-type": "application/x-npy"}
    answer = httpx2.post(f"{url}/predictions", content=content, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    return np.array([prediction["output"] for prediction in answer.json()["predictions"]])


def run(program: str, url: str, folder: Path, cases: Iterable[Case]) -> Run:
    """Let a program talk to a server; in its own environment, which has nothing of ours."""
    names = [f"{scenario}:{count}" for scenario, count in cases]
    most = max(int(name.partition(":")[2]) for name in names)
    rng = np.random.default_rng(1)
    matrices = rng.standard_normal((most, POINTS, 1)).astype(np.float32)
    np.save(folder / "matrices.npy", matrices)
    run_python("-m", f"tests.clients.{program}", url, str(folder), *names, folder=_ROOT)
    return Run(url, folder, matrices, json.loads((folder / "seen.json").read_bytes()))


def run_python(*arguments: str, folder: Path) -> str:
    """What the clients' Python prints."""
    done = subprocess.run(
        [str(_PYTHON), *arguments],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        timeout=_LONGEST_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_bits(seen: Run, scenario: str, count: int) -> None:
    """The client has FP32 in the output's shape, and each value is the very number."""
    given, expected = seen.output(scenario, count), seen.expected(scenario, count)
    assert given.dtype == np.float32
    assert given.shape == expected.shape
    assert given.astype(np.float64).tobytes() == expected.tobytes()
