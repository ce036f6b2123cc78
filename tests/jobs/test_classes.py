"""The archive of Java's classes: made whole, mapped by a session, and never in its way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.classes import archive_options

SESSION = """
import sys
from pathlib import Path
from cluster.classes import archive_options
from cluster.session import JAVA_OPTIONS, start_session

archive, folder = map(Path, sys.argv[1:])
options = {
    "spark.driver.extraJavaOptions": f"{JAVA_OPTIONS} {archive_options(archive)}",
    "spark.sql.warehouse.dir": str(folder),
    "spark.local.dir": str(folder),
}
spark = start_session("classes", cores=1, options=options)
maps = Path(f"/proc/{spark._jvm.ProcessHandle.current().pid()}/maps").read_text()
print(spark.range(5).count(), str(archive) in maps)
spark.stop()
"""


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    env.pop("SPARK_CONF_DIR", None)
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=env | variables, capture_output=True, text=True)


@pytest.fixture(scope="module")
def said(java: None, tmp_path_factory: pytest.TempPathFactory) -> str:  # noqa: ARG001
    """What a session says that has no archive."""
    folder = tmp_path_factory.mktemp("plain")
    done = run("-c", SESSION, str(folder / "absent.jsa"), str(folder))
    assert done.stdout == "5 False\n", done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def archive(java: None, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001
    """In a folder that options and URLs have to escape."""
    archive = tmp_path_factory.mktemp("archive") / "an environment (1) é" / "classes.jsa"
    done = run("-m", "cluster.classes", str(archive))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in archive.parent.iterdir()] == [archive.name]
    return archive


def test_a_session_maps_the_archive(archive: Path, said: str, tmp_path: Path) -> None:
    done = run("-c", SESSION, str(archive), str(tmp_path))
    assert (done.stdout, done.stderr) == ("5 True\n", said)


@pytest.mark.parametrize("place", [0, 0.5])
def test_damage_is_passed_over(archive: Path, said: str, tmp_path: Path, place: float) -> None:
    damaged = tmp_path / "damaged.jsa"
    content = bytearray(archive.read_bytes())
    start = int(len(content) * place)
    content[start : start + 4096] = bytes(255 - byte for byte in content[start : start + 4096])
    damaged.write_bytes(content)
    assert archive_options(damaged)
    done = run("-c", SESSION, str(damaged), str(tmp_path))
    assert (done.stdout, done.stderr) == ("5 False\n", said)


def test_an_archive_of_another_class_path_is_passed_over(
    archive: Path, said: str, tmp_path: Path
) -> None:
    log = Path(__file__).parents[2] / "jobs/cluster/conf/log4j2.properties"
    (tmp_path / log.name).write_text(log.read_text())
    done = run("-c", SESSION, str(archive), str(tmp_path), SPARK_CONF_DIR=str(tmp_path))
    assert done.stdout == "5 False\n"
    assert done.stderr == said


@pytest.mark.parametrize("content", [None, b"", b"who", b"a part of an archive"])
def test_java_is_not_told_of_a_part(tmp_path: Path, content: bytes | None) -> None:
    """It would crash."""
    archive = tmp_path / "classes.jsa"
    if content is not None:
        archive.write_bytes(content)
    assert archive_options(archive) == ""


def test_without_java_one_line_says_so(tmp_path: Path) -> None:
    archive = tmp_path / "classes.jsa"
    done = run("-m", "cluster.classes", str(archive), PATH=str(tmp_path), JAVA_HOME="")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("no archive of Spark's classes, it will start slower: Spark 4.0")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_what_fails_leaves_nothing_behind(java: None, tmp_path: Path) -> None:  # noqa: ARG001
    archive = tmp_path / "classes.jsa"
    done = run("-m", "cluster.classes", str(archive), JAVA_TOOL_OPTIONS="-Xshare:off")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
