"""What the pages say of the jobs, held against the code: excerpts, names, options, costs."""

import argparse
import re
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from cluster.cost import RATES, estimate
from fruits import job
from fruits.decomposition import (
    Decomposition,
    Standardised,
    check_projections,
    check_solution,
)
from fruits.moments import Moments
from fruits.options import add_arguments

REGION = "eu-west-3"
EXCERPT = re.compile(r"^```python (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def jobs(root: Path) -> Path:
    return root / "jobs"


@pytest.fixture(scope="module")
def readme(jobs: Path) -> str:
    return (jobs / "README.md").read_text()


def cells(text: str, heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, as they are written."""
    lines = text[text.index(heading) :].splitlines()[1:]
    start = next(i for i, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_excerpts_are_in_the_code(jobs: Path, readme: str) -> None:
    """Lines may be left out, but each is there, and in this order."""
    excerpts = EXCERPT.findall(readme)
    assert len(excerpts) >= 8
    for name, excerpt in excerpts:
        lines = iter(line.strip() for line in (jobs / name).read_text().splitlines())
        for line in excerpt.splitlines():
            assert line.strip() in lines, f"{name}: {line.strip()}"


def test_modules_are_told_of(jobs: Path, readme: str) -> None:
    named = {name for row in cells(readme, "## Where each module is") for name in quoted(row[0])}
    there = {
        str(path.relative_to(jobs))
        for folder in ("cluster", "fruits")
        for path in (jobs / folder).glob("*.py")
        if path.name != "__init__.py"
    }
    assert there <= named
    assert all((jobs / name).exists() for name in named)


def test_sections_that_are_linked_exist(readme: str) -> None:
    sections = {
        re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in readme.splitlines()
        if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", readme)) <= sections


def test_checks_are_explained(readme: str) -> None:
    moments = Moments(3, np.zeros(2), np.eye(2))
    found = Decomposition(np.eye(2), np.array([0.5, 0.5]))
    features = Standardised(cast("Any", None), "scaled", moments, np.ones(2), 2)
    checks = check_solution(features, found) | check_projections(moments, found, rows=3, whole=2)
    told = [quoted(row[0])[0] for row in cells(readme, "## 6.")]
    assert told == list(checks)


def test_options_are_documented(root: Path) -> None:
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments(parser)
    told = {}
    for variable, option, default, _ in cells(
        (root / "docs/fruits.md").read_text(), "## What goes"
    ):
        told[quoted(option)[0]] = (variable, default.strip("`").replace(",", ""))
    options = {action.option_strings[0]: action for action in parser._actions}
    assert told.keys() == options.keys()
    for name, action in options.items():
        if action.default not in (None, False):
            assert told[name][1] == str(action.default), name
    assert told["--variance"][1] == str(job._USUAL_VARIANCE)


def test_variables_of_make_reach_their_options(root: Path) -> None:
    makefile = (root / "Makefile").read_text()
    recipe = makefile[makefile.index("\nfruits:") : makefile.index("\nfruits-scaling:")]
    for variable, option, *_ in cells((root / "docs/fruits.md").read_text(), "## What goes"):
        if names := quoted(variable):
            name = names[0].removesuffix("=1")
            assert re.search(rf"{quoted(option)[0]}\b", recipe), option
            assert re.search(rf"\$\((or \$\()?{name}\)", recipe), name


def test_refusals_are_those_of_the_code(root: Path, jobs: Path) -> None:
    code = "\n".join(path.read_text() for path in jobs.rglob("*.py"))
    rows = cells((root / "docs/fruits.md").read_text(), "**A run**")
    pieces = [
        piece.strip()
        for row in rows
        for said in quoted(row[0])
        for piece in said.split("…")
        if piece.strip()
    ]
    assert len(pieces) >= len(rows)
    for piece in pieces:
        assert piece in code, piece


@pytest.mark.parametrize("model", RATES)
@pytest.mark.parametrize("images", [90_000, 1_000_000])
def test_costs_are_those_of_the_estimate(root: Path, images: int, model: str) -> None:
    found = estimate(images, model=model, region=REGION)
    minutes, each = f"{found.hours * 60:.0f}", found.eur / images * 1e6
    row = f"| {images:,} | {model} | {minutes} | {found.eur:.2f} | {each:.2f} |"
    assert row in (root / "docs/fruits-critique.md").read_text()
    assert found.eur < {90_000: 1, 1_000_000: 10}[images]  # what docs/fruits.md says
