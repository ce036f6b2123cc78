"""The cold start, in a fresh process: what is imported, what an invocation loads: nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import environment

HEAVY = {"tensorflow", "keras", "tf_keras", "h5py", "tf2onnx", "onnx"}

_TWICE = """
import json, sys
from types import SimpleNamespace
from local.event import http_event
from pathlib import Path
from predict.handler import api

event = http_event("POST", "/predictions", Path("models/demo/sample.xml").read_bytes(),
                   {"content-type": "application/xml"})
loaded = []
def watch(name, arguments):
    if name in ("open", "import"):
        loaded.append([name, str(arguments[0])])
sys.addaudithook(watch)
first = api(event, SimpleNamespace(aws_request_id="1"))
second = api(event, SimpleNamespace(aws_request_id="2"))
print(json.dumps({"loaded": loaded, "same": first == second, "status": second["statusCode"]}))
"""

_FAULTS = """
import resource
from types import SimpleNamespace
from local.event import http_event
from pathlib import Path
from predict.handler import api

event = http_event("POST", "/predictions", Path("models/demo/sample.xml").read_bytes(),
                   {"content-type": "application/xml"})
for round in range(40):
    if round == 20:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    api(event, SimpleNamespace(aws_request_id="1"))
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 20)
"""

_THREADS = """
import os, sys
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[1])])
from serving.engines.onnx import OnnxEngine
from pathlib import Path

started = len(os.listdir("/proc/self/task"))
engine = OnnxEngine(Path("models/demo/bundle/model.onnx"))
print(len(os.listdir("/proc/self/task")) - started)
"""


def start(root: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env=environment(**{"MODEL_DIR": "models/demo/bundle", "AWS_REGION": "eu-west-3"} | env),
        capture_output=True,
        text=True,
    )


def test_start_imports_no_tensorflow(root: Path) -> None:
    done = start(root, "-X", "importtime", "-c", "import predict.handler")
    imported = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.split("\n")
    }
    assert done.returncode == 0
    assert {"onnxruntime", "fastapi"} <= imported
    assert not imported & HEAVY


def test_no_invocation_loads_anything(root: Path) -> None:
    done = start(root, "-c", _TWICE)
    assert json.loads(done.stdout.splitlines()[-1]) == {"loaded": [], "same": True, "status": 200}


def test_a_warm_request_uses_the_memory_of_the_one_before(root: Path) -> None:
    """Page faults for each request; without keep_freed_memory() there are 60 or more."""
    done = start(root, "-c", _FAULTS)
    assert float(done.stdout.splitlines()[-1]) < 20


@pytest.mark.parametrize("cores", [1, 2])
def test_the_engine_has_a_thread_for_each_core(root: Path, cores: int) -> None:
    """Lambda gives cores by memory; the thread that asks is one of them."""
    if len(os.sched_getaffinity(0)) < cores:
        pytest.skip(f"this machine has fewer than {cores} cores")
    assert start(root, "-c", _THREADS, str(cores)).stdout == f"{cores - 1}\n"


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-2", "eu-central-2"])
def test_start_outside_of_the_eu_is_refused(root: Path, region: str) -> None:
    done = start(root, "-c", "import predict.handler", AWS_REGION=region)
    assert done.returncode != 0
    assert f"AWS_REGION is {region}, which is not in the European Union" in done.stderr


def test_start_with_a_damaged_bundle_is_refused(root: Path, tmp_path: Path) -> None:
    done = start(root, "-c", "import predict.handler", MODEL_DIR=str(tmp_path))
    assert "no model bundle in" in done.stderr
    assert "passport.json: No such file" in done.stderr
