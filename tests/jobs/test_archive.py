"""The archive that EMR Serverless gets: the lock and no more, the same again, and it suffices."""

import base64
import hashlib
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from emr.archive import BUILD, ENTRY, LOCK, PYTHON, Built, build_code, build_environment, locked_for
from serving.errors import ConfigurationError
from tests.support.executors import prepare, submit
from tests.support.processes import environment

IMAGES = 60  # of the orchard
ARCHIVE = BUILD / "environment.tar.gz"

# Run by executors; what it names, it must find in the archive or in the zip.
LOOK = """
import importlib, importlib.metadata, importlib.util, json, os, sys
from pyspark.sql import SparkSession

OURS = ("cluster.cost", "cluster.models", "fruits.images", "scoring.job", "serving.model")
FOREIGN = ("PIL", "boto3", "matplotlib", "numpy", "onnxruntime", "pandas", "pyarrow", "simdjson")

def look(_):
    import numpy, onnxruntime
    from cluster.cost import estimate
    origins = {name: importlib.import_module(name).__file__ for name in (*OURS, *FOREIGN)}
    return [{
        "pid": os.getpid(),
        "jvm": os.getppid(),
        "here": os.getcwd(),
        "origins": {n: os.path.relpath(p) if n in FOREIGN else p for n, p in origins.items()},
        "absent": [n for n in ("keras", "tensorflow", "moto", "pytest", "pip")
                   if importlib.util.find_spec(n) is None],
        "distributions": sorted({d.name for d in importlib.metadata.distributions()}),
        "eur": estimate(1000, model="mobilenet_v2", region="eu-west-3").eur,
    }]

def double(frames):
    for frame in frames:
        yield frame * 2

spark = SparkSession.builder.getOrCreate()
seen = spark.sparkContext.parallelize(range(4), 4).mapPartitions(look).collect()
doubled = spark.range(100).mapInPandas(double, "id long").groupBy().sum("id").collect()[0][0]
print(json.dumps({"driver": look(0)[0], "workers": seen, "doubled": doubled}))

import main  # the entry script, on the session that is there
sys.exit(main.main(sys.argv[1:]))
"""


def wheel(folder: Path, name: str, files: dict[str, str]) -> str:
    """A small wheel; the line of a lock that asks for it."""
    info = f"{name}-1.0.dist-info"
    metadata = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    path = folder / f"{name}-1.0-py3-none-any.whl"
    record = io.StringIO()
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in (files | metadata).items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
            record.write(f"{inner},sha256={digest.decode().rstrip('=')},{len(text)}\n")
            archive.writestr(inner, text)
        archive.writestr(f"{info}/RECORD", record.getvalue() + f"{info}/RECORD,,\n")
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock of one package, whose wheel is at hand."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    entry = "[console_scripts]\npeel = numpy:peel\n"
    files = {
        "numpy/__init__.py": "sweet = True\n",
        "numpy/tests/test_it.py": "",
        "numpy/core.h": "",
        "numpy-1.0.dist-info/entry_points.txt": entry,
    }
    lock = tmp_path / "lock.txt"
    lock.write_text(wheel(tmp_path, "numpy", files))
    return lock


def names(built: Built) -> list[str]:
    with tarfile.open(built.path) as tar:
        return tar.getnames()


def test_archive_holds_packages_and_a_launcher(lock: Path, tmp_path: Path) -> None:
    """No tests, headers or scripts, and nothing that names the machine that built it."""
    built = build_environment(lock=lock, folder=tmp_path / "a")
    assert names(built) == [
        "bin/python",
        "packages/numpy/__init__.py",
        "packages/numpy-1.0.dist-info/METADATA",
        "packages/numpy-1.0.dist-info/WHEEL",
        "packages/numpy-1.0.dist-info/entry_points.txt",
    ]
    assert str(tmp_path).encode() not in built.path.read_bytes()
    with tarfile.open(built.path) as tar:
        assert {(m.uid, m.mtime, m.uname) for m in tar.getmembers()} == {(0, 0, "")}
        assert tar.getmember("bin/python").mode == 0o755


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda lock, at: build_environment(lock=lock, folder=at), id="environment"),
        pytest.param(lambda _, at: build_code(at), id="code"),
    ],
)
def test_same_sources_are_the_same_bytes(
    lock: Path, tmp_path: Path, build: Callable[[Path, Path], Built]
) -> None:
    first, second = (build(lock, tmp_path / name) for name in ("a", "elsewhere"))
    assert first.sha256 == second.sha256
    assert first.path.read_bytes() == second.path.read_bytes()


def test_archive_is_built_again_when_the_lock_changes(lock: Path, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    first = build_environment(lock=lock, folder=folder)
    first.path.write_bytes(b"left as it is")
    assert build_environment(lock=lock, folder=folder).size_bytes == 13
    lock.write_text(lock.read_text() + wheel(tmp_path, "pear", {"pear.py": "ripe = True\n"}))
    assert "packages/pear.py" in names(build_environment(lock=lock, folder=folder))


def test_launcher_puts_the_packages_before_all_others(lock: Path, tmp_path: Path) -> None:
    with tarfile.open(build_environment(lock=lock, folder=tmp_path).path) as tar:
        tar.extractall(tmp_path / "environment", filter="tar")
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    other = tmp_path / "other"
    (other / "numpy").mkdir(parents=True)
    (other / "numpy/__init__.py").touch()
    done = subprocess.run(
        ["./environment/bin/python", "-c", "import numpy; print(numpy.sweet)"],
        cwd=tmp_path,
        env=environment() | {"PATH": f"{bare}/bin:/usr/bin:/bin", "PYTHONPATH": str(other)},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


@pytest.mark.parametrize(
    ("text", "python", "told"),
    [
        pytest.param("numpy==9 --hash=sha256:" + "0" * 64, PYTHON, "numpy", id="no such wheel"),
        pytest.param("numpy==1.0", PYTHON, "hash", id="without a hash"),
        pytest.param("a b c", PYTHON, "a b c", id="no requirement"),
        pytest.param("", "3.9", "3.9 is not in the release: 3.11", id="another Python"),
    ],
)
def test_archive_is_refused(lock: Path, tmp_path: Path, text: str, python: str, told: str) -> None:
    lock.write_text(text)
    with pytest.raises(ConfigurationError, match=told):
        build_environment(python, lock=lock, folder=tmp_path)
    assert not (tmp_path / "environment.tar.gz").exists()


def test_lock_is_read_for_the_python_of_the_release() -> None:
    """And not for the one that builds: pip would ask that."""
    chosen = {python: "".join(locked_for(python, LOCK)) for python in ("3.11", "3.12")}
    assert chosen["3.11"] != chosen["3.12"]
    assert all(text.count("contourpy==") == 1 for text in chosen.values())
    assert "tensorflow" not in chosen["3.11"]


def test_code_holds_what_the_job_imports() -> None:
    with zipfile.ZipFile(build_code().path) as archive:
        held = set(archive.namelist())
    assert {"cluster/prices.toml", "serving/model.py", "fruits/images.py"} <= held
    assert not [name for name in held if name.startswith(("emr/", "predict/", "local/"))]
    assert not [name for name in held if name.endswith(".pyc")]


@dataclass
class Ran:
    """What executors saw, and where the whole job put its results."""

    seen: dict[str, Any]
    out: Path


@pytest.fixture(scope="module")
def ran(
    java: None,  # noqa: ARG001
    tmp_path_factory: pytest.TempPathFactory,
    orchard: Path,
    feature_bundle: Path,
) -> Ran:
    """One driver and two executors of their own, which see the archive and the code alone."""
    if not ARCHIVE.exists():
        pytest.skip("the archive is not built (make fruits-archive does it)")
    folder, archive = tmp_path_factory.mktemp("cluster"), ARCHIVE.resolve()
    prepare(folder, archive)
    (folder / "main.py").write_bytes(ENTRY.read_bytes())
    script, out = folder / "look.py", folder / "out"
    script.write_text(LOOK)
    words = ["--images", str(orchard), "--out", str(out), "--weights", str(feature_bundle)]
    words += ["--components", "3", "--workers", "2"]
    said = submit(folder, archive, script, "fruits", *words, AWS_REGION="eu-west-3")
    [line] = [line for line in said.splitlines() if line.startswith('{"driver"')]
    return Ran(json.loads(line), out)


def test_executors_find_everything_in_the_archive(ran: Ran) -> None:
    """In JVMs and Python workers of their own, beside a Python that has no package."""
    told = ran.seen
    assert told["doubled"] == 9900
    workers = told["workers"]
    assert len({worker["jvm"] for worker in workers}) == 2
    assert len({worker["here"] for worker in workers}) == 2
    locked = {line.partition("==")[0].lower() for line in locked_for(PYTHON, LOCK)}
    for seen in (told["driver"], *workers):
        assert seen["absent"] == ["keras", "tensorflow", "moto", "pytest", "pip"]
        assert {name.lower().replace("_", "-") for name in seen["distributions"]} == locked
        for name, origin in seen["origins"].items():
            where = "code.zip/" if "." in name else "environment/packages/"
            assert where in origin, (name, origin)
        assert seen["eur"] > 0


def test_whole_job_runs_on_the_archive(ran: Ran) -> None:
    """By the entry script; every image becomes a row, and the estimate is that of a cluster."""
    manifest = json.loads((ran.out / "manifest.json").read_text())
    rows = (ran.out / "components.csv").read_text().splitlines()
    assert rows[0] == "path,label,pc1,pc2,pc3"
    counted = manifest["counters"]
    assert len(rows) == 1 + counted["inferences"] == 1 + IMAGES
    assert counted["model_builds"] == counted["python_workers"] > 0
    assert manifest["cost"]["eur"] > 0
