"""Spark as a cluster has it, on this machine: executors that see the archive alone."""

import os
import signal
import subprocess
import sys
import tarfile
from importlib.util import find_spec
from pathlib import Path

from emr.archive import PYTHON, build_code
from tests.support.processes import environment

TIMEOUT_S = 600.0  # a hang; it takes one minute on two free cores


def prepare(folder: Path, archive: Path) -> None:
    """The folder that a driver of EMR Serverless starts in, with a Spark and a bare Python.

    The Python has nothing but its standard library: packages are those of the archive.
    """
    spec = find_spec("pyspark")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    [installed] = spec.submodule_search_locations
    home = folder / "spark"
    home.mkdir()
    for name in ("bin", "jars", "python", "sbin"):
        (home / name).symlink_to(Path(installed, name))
    command = [sys.executable, "-m", "venv", "--without-pip", str(folder / "bare")]
    subprocess.run(command, check=True)
    with tarfile.open(archive) as tar:
        tar.extractall(folder / "environment", filter="tar")
    build_code(folder)


def submit(folder: Path, archive: Path, script: Path, *arguments: str, **env: str) -> str:
    """What a script writes to its output; two executors of one core and 1 GB each.

    Raises:
        AssertionError: it failed; with the end of what it said.
    """
    kept = {"PATH", "JAVA_HOME", "HOME", "LANG", "TMPDIR"}
    cleared = {name: text for name, text in environment().items() if name in kept}
    launcher = "./environment/bin/python"
    settings = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.executorEnv.PYSPARK_PYTHON": launcher,
    }
    command = [
        str(folder / "spark/bin/spark-submit"), "--master", "local-cluster[2,1,1024]",
        *(word for name, text in settings.items() for word in ("--conf", f"{name}={text}")),
        "--archives", f"{archive}#environment", "--py-files", "code.zip", str(script), *arguments,
    ]  # fmt: skip
    bare = folder / "bare/bin"
    assert (bare / f"python{PYTHON}").exists(), f"these tests need Python {PYTHON}"
    cleared |= {
        "PATH": f"{bare}{os.pathsep}{cleared['PATH']}",
        "SPARK_HOME": str(folder / "spark"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": launcher,
        "PYSPARK_DRIVER_PYTHON": launcher,
    }
    with subprocess.Popen(
        command,
        cwd=folder,
        env=cleared | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, said = process.communicate(timeout=TIMEOUT_S)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    assert process.returncode == 0, f"{out[-2000:]}\n{said[-6000:]}"
    return out
