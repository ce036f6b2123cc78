"""A model of 1 GB of weights, and the largest documents: in 4 GB, and in a container of 6 GB.

Makes the model once, as make bench does (a minute, and 4 GB of memory), in build/bench.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.bundles import bundle as bundle_of
from bench.bundles import compile_model
from local.emulator import Emulator, python_path
from local.event import Event, body_of
from tests.container.functions import container, docker, invoke
from tests.container.test_large import batch_function
from tests.load.largest import COUNT, largest
from tests.load.process import held
from tests.support.batch import put
from tests.support.documents import matrices, xml
from tests.support.processes import children

# What the specification gives 32 matrices; the function has 6 GB.
_MOST_MB = 4_000


@pytest.fixture(scope="module")
def big() -> Path:
    """The bundle; made if it is not there, or the compiler changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", python_path())
        compiled = compile_model("large")
    assert compiled.fault is None
    return bundle_of("large").absolute()


@dataclass(frozen=True, slots=True)
class Peaks:
    """The most that was resident, in MB.

    Attributes:
        process: of the function; weights that are mapped count, as far as they were read.
        group: what the kernel charged to the container; pages of files that others read before
            are charged to them.
    """

    process: float
    group: float


def _group_peak_mb(pid: int) -> float:
    """Of a process's control group, by whichever version the machine has."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for file in (
            Path(f"/sys/fs/cgroup{path}/memory.peak"),
            Path(f"/sys/fs/cgroup/memory{path}/memory.max_usage_in_bytes"),
        ):
            if controllers in {"", "memory"} and file.exists():
                return int(file.read_text()) / 1e6
    return float("nan")


def peaks(pid: int) -> Peaks:
    return Peaks(held(pid).peak_mb, _group_peak_mb(pid))


def tell(capfd: pytest.CaptureFixture[str], found: Peaks) -> None:
    """Printed also where the test passes: it is what one wants to know."""
    with capfd.disabled():
        print(
            f"\nthe model of 1 GB: {found.process:.0f} MB at most, container {found.group:.0f} MB"
        )


@pytest.fixture(scope="module")
def events() -> dict[str, Event]:
    return largest("large")


def predictions(answer: Event, kind: str) -> Any:
    """As many as there were matrices, in one list for each."""
    assert answer.get("statusCode") == 200, (kind, str(answer)[:300])
    content = json.loads(body_of(answer))
    if "outputs" in content:
        return np.reshape(content["outputs"][0]["data"], content["outputs"][0]["shape"])
    return np.array([p["output"] for p in content["predictions"]])


def check(events: dict[str, Event], answers: dict[str, Event]) -> None:
    """The same numbers in each form; those of float32 bytes as near as the digits are."""
    found = {kind: predictions(answer, kind) for kind, answer in answers.items()}
    assert {kind: len(outputs) for kind, outputs in found.items()} == {
        kind: 300 if kind.startswith("300") else COUNT for kind in events
    }
    for kind, outputs in found.items():
        if len(outputs) == COUNT:
            assert np.max(np.abs(outputs - found["npz"])) <= 1e-5, kind


def test_the_largest_documents_stay_under_4_gb(big: Path, events: dict[str, Event]) -> None:
    before = set(children(os.getpid()))
    with Emulator({"MODEL_DIR": str(big)}) as emulator:
        [pid] = set(children(os.getpid())) - before
        answers = {}
        for kind, event in events.items():
            answers[kind] = emulator.invoke(event)
            [function] = children(pid)
            print(f"{kind}: {held(function).peak_mb:.0f} MB at most until here")
        peak_mb = held(function).peak_mb
    check(events, answers)
    assert peak_mb < _MOST_MB


@pytest.fixture(scope="module")
def options(big: Path) -> list[str]:
    return ["--volume", f"{big}:/opt/model:ro", "--env", "AWS_LAMBDA_FUNCTION_TIMEOUT=60"]


def test_the_largest_documents_stay_under_4_gb_in_a_container_of_6(
    fast_image: str,
    options: list[str],
    events: dict[str, Event],
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Read-only, without rights; the engine would have ended what takes more than 6 GB."""
    with container(fast_image, *options) as address:
        answers = {kind: invoke(address, event) for kind, event in events.items()}
        run = docker("ps", "--latest", "--quiet")
        state = json.loads(docker("inspect", run))[0]
        [function] = children(state["State"]["Pid"])
        found = peaks(function)
        left = docker("exec", run, "find", "/tmp", "-mindepth", "1")
        killed = json.loads(docker("inspect", run))[0]["State"]["OOMKilled"]
    tell(capfd, found)
    assert state["HostConfig"]["Memory"] == state["HostConfig"]["MemorySwap"] == 6144 * 2**20
    assert state["HostConfig"]["ReadonlyRootfs"]
    check(events, answers)
    assert found.process < _MOST_MB
    assert not killed
    assert left == ""


def test_a_long_document_stays_under_4_gb_in_the_batch_function(
    fast_image: str, options: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    with batch_function(fast_image, *options) as batch:
        put(batch.aws, "long.xml", xml(matrices(400, decimals=3), "values"))
        batch.run()
        found = peaks(batch.pid)
        content = batch.result("long.xml")
    tell(capfd, found)
    assert len(content["predictions"]) == 400
    assert found.process < _MOST_MB
