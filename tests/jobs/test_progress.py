"""What a person reads while a job runs."""

import io
import time

import pytest

from cluster.progress import Progress, Stages


def test_stages_are_named_and_timed() -> None:
    out = io.StringIO()
    stages = Stages(2, out)
    with stages.stage("features"):
        pass
    with pytest.raises(ValueError, match="no"), stages.stage("components"):
        raise ValueError("no")
    assert list(stages.seconds) == ["features", "components"]
    lines = out.getvalue().splitlines()
    assert lines == ["[1/2] features …", "[1/2] features: 0.0 s", "[2/2] components …"]


@pytest.mark.parametrize(
    ("done", "start", "text"),
    [
        pytest.param(0, 0, "  images: 0 of 2,000 (0 %)", id="nothing yet"),
        pytest.param(1200, 1200, "  images: 1,200 of 2,000 (60 %)", id="only what was there"),
    ],
)
def test_without_a_speed_nothing_is_promised(done: int, start: int, text: str) -> None:
    assert Progress("images", 2000, lambda: done, start=start).line() == text


def test_speed_is_of_what_was_done_meanwhile() -> None:
    progress = Progress("images", 2000, lambda: 1100, start=1000)
    time.sleep(0.05)
    line = progress.line()
    speed = int(line.split(", ")[1].removesuffix(" a second").replace(",", ""))
    assert 0 < speed <= 100 / 0.05
    assert line.startswith("  images: 1,100 of 2,000 (55 %)")
    assert line.endswith(" left")


def test_an_empty_job_divides_by_nothing() -> None:
    assert Progress("images", 0, lambda: 0).line() == "  images: 0 of 0"


def test_lines_appear_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.progress._EVERY_S", 0.01)
    out, done = io.StringIO(), 0
    with Progress("images", 10, lambda: done, out=out):
        deadline = time.monotonic() + 30
        while out.getvalue().count("\n") < 3 and time.monotonic() < deadline:
            done += 1
            time.sleep(0.02)
    assert out.getvalue().count("\n") >= 3
