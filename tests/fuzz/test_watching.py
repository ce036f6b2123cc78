"""The process that watches, and the command line."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.target import FaultError
from tests.fuzz.watching import FOUND, Running, watch
from tests.support.processes import environment


@pytest.fixture
def running(tmp_path: Path) -> Running:
    return Running.create(tmp_path / "running")


@pytest.mark.parametrize("code", [0, FOUND])
def test_the_parent_passes_the_code_on(running: Running, code: int) -> None:
    assert watch([sys.executable, "-c", f"raise SystemExit({code})"], running, 60) == code


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        pytest.param("import os; os.abort()", "ended with -6", id="dies"),
        pytest.param("raise SystemExit(1)", "ended with 1", id="breaks"),
        pytest.param("import time; time.sleep(600)", "nothing could interrupt it", id="hangs"),
    ],
)
def test_the_parent_sees_what_the_process_cannot(
    running: Running, program: str, reason: str
) -> None:
    with pytest.raises(FaultError, match=reason):
        watch([sys.executable, "-c", program], running, 0.4 if "sleep" in program else 60)


def test_the_latest_input_outlives_the_process(running: Running, tmp_path: Path) -> None:
    note = "import os, sys, pathlib; from tests.fuzz.watching import Running\n"
    note += f"r = Running(pathlib.Path({str(tmp_path / 'running')!r}))\n"
    note += "r.note(b'first'); r.note(b'last'); os.abort()"
    with pytest.raises(FaultError):
        watch([sys.executable, "-c", note], running, 60)
    assert (running.executions, running.data) == (2, b"last")


def fuzz(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_run_from_the_command_line(tmp_path: Path) -> None:
    """All targets, one after the other; and one of their inputs again."""
    ended = fuzz(
        *("--blind", "--seconds", "3", "--documents", "50", "--seed", "4"),
        *("--folder", str(tmp_path)),
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "parsers: 50 documents" in ended.stdout
    assert ended.stdout.count("findings: 0\nlines of functions reached: ") == 3
    kept = sorted((tmp_path / "corpus-xml-4").iterdir())
    again = fuzz("--target", "xml", "--replay", str(kept[0]))
    assert again.returncode == 0
    assert "Outcome(kind='re" in again.stdout
