"""Runs of the job to measure: sizes by cores by repetitions, each a process of its own."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from time import perf_counter, time
from typing import Any, Self

from bench.fruits.family import on_cores
from bench.fruits.material import NETWORK, PLACE
from bench.processes import environment

START = "start"
STAGES = (START, "listing", "model", "features", "components", "outputs")
_OUT = PLACE / "scaling"
_LOG = PLACE / "scaling.log"
# What the job calls its stages, and what they are here.
_NAMES = {
    "images and cost": "listing",
    "model": "model",
    "features": "features",
    "components": "components",
    "results": "outputs",
}


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the job.

    Attributes:
        seconds: by stage, all of `STAGES`; "start" is Python, its imports, the Java machine and
            the session; "outputs" is also the manifest, and the end of the process.
    """

    images: int
    cores: int
    repeat: int
    seconds: dict[str, float]

    @property
    def whole(self) -> float:
        """From the start of the process to its end."""
        return sum(self.seconds.values())

    @property
    def key(self) -> tuple[int, int]:
        return self.images, self.cores


@dataclass(frozen=True, slots=True)
class Study:
    """What the page is made from; kept as JSON, so that it can be written without measuring."""

    machine: str
    measured: str
    versions: dict[str, str]
    runs: list[Run]

    @classmethod
    def read(cls, path: Path) -> Self:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        runs = [Run(**run) for run in content.pop("runs")]
        return cls(**content, runs=runs)

    def write(self, path: Path) -> None:
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        path.write_text(text + "\n", encoding="utf-8")

    @property
    def sizes(self) -> list[int]:
        return sorted({run.images for run in self.runs})

    @property
    def cores(self) -> list[int]:
        return sorted({run.cores for run in self.runs})

    def of(self, images: int, cores: int, stage: str | None = None) -> list[float]:
        """The seconds of one stage, or of the whole, in the runs of one kind."""
        runs = [run for run in self.runs if run.key == (images, cores)]
        return [run.whole if stage is None else run.seconds[stage] for run in runs]


def measure(
    sizes: Sequence[int], cores: Sequence[int], repeats: int, folders: dict[int, Path], bundle: Path
) -> Iterator[Run]:
    """Every kind of run in turns, so that all meet the same machine; the first of all is left out.

    Args:
        folders: of images, by their number.
    """
    run_job(folders[sizes[0]], bundle, max(cores))  # brings the files into memory
    for repeat in range(repeats):
        for images in sizes:
            for count in cores:
                seconds = run_job(folders[images], bundle, count)
                yield Run(images, count, repeat, seconds)


def run_job(images: Path, bundle: Path, cores: int) -> dict[str, float]:
    """One run from nothing, on so many cores; its seconds by stage."""
    shutil.rmtree(_OUT, ignore_errors=True)
    command = [
        sys.executable, "jobs/main.py", "fruits", f"--images={images}", f"--out={_OUT}",
        f"--model={NETWORK}", f"--weights={bundle}", f"--cores={cores}",
    ]  # fmt: skip
    _LOG.parent.mkdir(parents=True, exist_ok=True)
    # The Java machine counts cores too: it is to find no more than the job has.
    with on_cores(cores), _LOG.open("w") as log:
        began, started = time(), perf_counter()
        done = subprocess.run(command, env=environment(), stdout=log, stderr=log, check=False)
        whole = perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{_LOG.read_text(errors='replace')[-4000:]}")
    manifest = json.loads((_OUT / "manifest.json").read_text(encoding="utf-8"))
    before = datetime.fromisoformat(manifest["started"]).timestamp() - began
    timings = manifest["timings"]
    return split(whole, before + timings["session_start_s"], timings["stages_s"])


def split(whole: float, start: float, stages: dict[str, float]) -> dict[str, float]:
    """The job's stages as ours; what is in none of them comes after, and is output."""
    seconds = {START: start} | {_NAMES[name]: taken for name, taken in stages.items()}
    seconds["outputs"] += whole - sum(seconds.values())
    return {name: round(seconds[name], 3) for name in STAGES}
