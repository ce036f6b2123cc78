"""The scaling study: its fit finds what synthetic times were made from, and its page says it."""

import struct
from pathlib import Path

import numpy as np
import pytest

from bench.scaling.figure import draw
from bench.scaling.fit import fit, quantile
from bench.scaling.page import lines_of, render
from bench.scaling.runs import STAGES, START, Run, Study, split

SIZES, CORES, REPEATS = (300, 600, 1200, 2400), (1, 2), 3
FIXED_S = {
    "start": 5.0, "listing": 1.0, "model": 0.2, "features": 3.0, "components": 2.5, "outputs": 2.0
}  # fmt: skip
PER_IMAGE_S = 0.006


def study(noise_s: float = 0.1, undivided_s: float = 0.0) -> Study:
    rng = np.random.default_rng(1)

    def seconds(images: int, cores: int) -> dict[str, float]:
        taken = {stage: fixed + rng.normal(0, noise_s) for stage, fixed in FIXED_S.items()}
        taken["features"] += PER_IMAGE_S * images / cores
        taken["outputs"] += undivided_s * images
        return taken

    runs = [
        Run(images, cores, repeat, seconds(images, cores))
        for repeat in range(REPEATS)
        for images in SIZES
        for cores in CORES
    ]
    return Study("2 cores, 23 GB", "2026-11-22", {"pyspark": "4.0.2"}, runs)


def test_times_without_noise_are_fitted_exactly() -> None:
    line, _ = lines_of(study(noise_s=0.0).runs)
    assert line.fixed.value == pytest.approx(sum(FIXED_S.values()))
    assert line.per_image.value == pytest.approx(PER_IMAGE_S)
    assert np.abs(line.residuals).max() < 1e-9
    assert line.explained == pytest.approx(1.0)
    assert line.speed_up(1e9, 8) == pytest.approx(8, rel=1e-3)
    assert 1 / line.serial_share(600) == pytest.approx(line.speed_up(600, 1e9))


def test_the_intervals_of_noisy_times_hold_the_truth() -> None:
    line, stages = lines_of(study().runs)
    for found, truth in (
        (line.fixed, sum(FIXED_S.values())),
        (line.per_image, PER_IMAGE_S),
        (line.undivided, 0.0),
        (stages["components"].fixed, FIXED_S["components"]),
    ):
        least, most = found.ends
        assert least < truth < most
        assert found.margin > 0


def test_the_interval_fails_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    images, cores = np.repeat(SIZES, 6), np.tile(CORES, 12)
    truth = 10 + PER_IMAGE_S * images / cores
    tries = 400
    missed = 0
    for _ in range(tries):
        found = fit(images.tolist(), cores.tolist(), (truth + rng.normal(0, 0.5, 24)).tolist())
        missed += not found.fixed.ends[0] < 10 < found.fixed.ends[1]
    assert 0.02 < missed / tries < 0.09


def test_the_stages_add_up_to_the_whole() -> None:
    line, stages = lines_of(study().runs)
    assert set(stages) == set(STAGES)
    assert sum(s.fixed.value for s in stages.values()) == pytest.approx(line.fixed.value)
    assert sum(s.per_image.value for s in stages.values()) == pytest.approx(line.per_image.value)


def test_what_cores_do_not_divide_is_seen() -> None:
    line, _ = lines_of(study(noise_s=0.05, undivided_s=0.002).runs)
    least, most = line.undivided.ends
    assert 0 < least < 0.002 < most


@pytest.mark.parametrize(
    ("images", "cores", "seconds", "reason"),
    [
        pytest.param([600] * 4, [1] * 4, [1.0, 1.1, 1.2, 1.0], "do not tell", id="one-kind"),
        pytest.param([300, 600], [1, 1], [1.0, 2.0], "do not tell", id="no-run-to-spare"),
        pytest.param([300, 600, 900], [1, 1, 1], [1, 2, float("nan")], "not finite", id="nan"),
    ],
)
def test_fit_refuses(
    images: list[int], cores: list[int], seconds: list[float], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        fit(images, cores, seconds)


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [
        # Of the usual tables, both sides, 95 %.
        pytest.param(3, 3.182, id="3"),
        pytest.param(10, 2.228, id="10"),
        pytest.param(22, 2.074, id="22"),
        pytest.param(1_000_000, 1.960, id="normal"),
    ],
)
def test_quantile_is_that_of_the_tables(degrees: int, expected: float) -> None:
    assert quantile(degrees) == pytest.approx(expected, rel=2e-3)


def test_seconds_outside_of_the_stages_are_output() -> None:
    stages = {
        "images and cost": 1.0, "model": 0.5, "features": 6.0, "components": 3.0, "results": 2.0
    }  # fmt: skip
    seconds = split(20.0, 6.5, stages)
    assert list(seconds) == list(STAGES)
    assert sum(seconds.values()) == pytest.approx(20.0)
    assert (seconds[START], seconds["listing"], seconds["outputs"]) == (6.5, 1.0, 3.0)


def test_a_study_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = study()
    written.write(tmp_path / "results.json")
    assert Study.read(tmp_path / "results.json") == written


def test_the_page_says_what_was_measured_and_what_was_not() -> None:
    text = render(study(noise_s=0.0))
    # 13.7 s of fixed parts, 0.6 s for 300 images and one core more than for two.
    assert "| 600 | 2 | 5.0 | 1.0 | 0.2 | 4.8 | 2.5 | 2.0 | 15.5 (15.5 to 15.5) | 15.5 |" in text
    assert "| **whole** | 13.70 ± 0.00 | 6.00 ± 0.00 |" in text
    measured, extrapolated = text.split("## Extrapolated")
    assert "**Nothing in this table was measured.**" in extrapolated
    for images in ("90,000", "1,000,000"):
        assert f"| {images} |" in extrapolated
        assert f"| {images} |" not in measured


def test_the_figure_is_a_png() -> None:
    made = study()
    content = draw(made, lines_of(made.runs)[0])
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    assert width > height > 400


def test_the_page_in_docs_is_that_of_the_results(root: Path) -> None:
    kept = Study.read(root / "bench/scaling/results.json")
    assert (root / "docs/fruits-scaling.md").read_text(encoding="utf-8") == render(kept)
    assert (root / "docs/fruits-scaling.png").stat().st_size > 10_000
    assert len(kept.sizes) >= 4
    assert {1, 2} <= set(kept.cores)
