"""Drawn fruit: the same picture for the same arguments, kinds that differ, our own folders."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from drawing import KINDS, FolderTakenError, class_name, draw_fruit, draw_orchard
from drawing.orchard import NOTE


def read_all(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@settings(max_examples=25, deadline=None)
@given(
    kind=st.integers(0, KINDS - 1),
    number=st.integers(0, 10_000),
    size=st.sampled_from([8, 33, 100]),
    seed=st.integers(0, 2**32),
)
def test_a_picture_is_a_function_of_its_arguments(
    kind: int, number: int, size: int, seed: int
) -> None:
    first = draw_fruit(kind, number, size=size, seed=seed)
    draw_fruit((kind + 1) % KINDS, number, size=size, seed=seed)  # nothing is remembered
    assert first.shape == (size, size, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, draw_fruit(kind, number, size=size, seed=seed))


@pytest.mark.parametrize("change", [{"number": 2}, {"seed": 1}, {"kind": 7}])
def test_each_argument_changes_the_picture(change: dict[str, int]) -> None:
    usual = {"kind": 4, "number": 1, "seed": 0}
    other = usual | change
    one, two = draw_fruit(**usual), draw_fruit(**other)
    assert not np.array_equal(one, two)


def test_every_kind_is_a_coloured_thing_that_stands_in_a_white_frame() -> None:
    for kind in range(KINDS):
        picture = draw_fruit(kind, 5)
        inked = np.asarray((picture < 245).any(axis=2))
        assert 0.12 < inked.mean() < 0.9, class_name(kind)
        border = np.concatenate([inked[0], inked[-1], inked[:, 0], inked[:, -1]])
        assert border.mean() < 0.05, class_name(kind)  # a stalk may reach it, no fruit is cut off
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 500, class_name(kind)


def test_kinds_have_names_and_looks_of_their_own() -> None:
    assert len({class_name(kind) for kind in range(KINDS)}) == KINDS == 131
    looks = np.stack(
        [
            np.mean([shrink(draw_fruit(kind, number)) for number in (0, 40)], axis=0)
            for kind in range(KINDS)
        ]
    )
    apart = np.abs(looks[:, None] - looks[None]).mean(axis=2) + np.eye(KINDS) * 255
    one, other = np.unravel_index(apart.argmin(), apart.shape)
    assert apart.min() > 2, (class_name(int(one)), class_name(int(other)))


def test_pictures_of_a_kind_lie_closer_than_those_of_others() -> None:
    """What makes the demonstration worth looking at: pixels alone separate many classes."""
    kinds = np.repeat(np.arange(20), 10)
    numbers = np.tile(np.arange(10) * 8, 20)
    flat = np.stack(
        [shrink(draw_fruit(int(k), int(n))) for k, n in zip(kinds, numbers, strict=True)]
    )
    away = np.square(flat[:, None] - flat[None]).sum(axis=2) + np.eye(200) * 1e12
    assert (kinds[away.argmin(axis=1)] == kinds).mean() > 0.8  # blindly: 0.05


def shrink(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """10 by 10 blocks, as a vector."""
    blocks: NDArray[np.float64] = picture.reshape(10, 10, 10, 10, 3).mean(axis=(1, 3))
    return blocks.ravel()


@pytest.mark.parametrize("kind", [-1, KINDS])
def test_a_kind_that_is_not_there_is_refused(kind: int) -> None:
    with pytest.raises(ValueError, match=f"kind {kind}: there are 131"):
        draw_fruit(kind, 0)


def test_an_orchard_has_the_layout_of_fruits_360(tmp_path: Path) -> None:
    assert draw_orchard(tmp_path, classes=3, images=8, size=40, seed=2) == 8
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.jpg")}
    assert {"Training/Apple 1/0_40.jpg", "Training/Banana 1/2_40.jpg"} <= files
    assert sorted(len(list(p.iterdir())) for p in (tmp_path / "Training").iterdir()) == [2, 3, 3]
    with Image.open(tmp_path / "Training" / "Pear 1" / "1_40.jpg") as image:
        assert (image.format, image.size, image.mode) == ("JPEG", (40, 40), "RGB")
        drawn = draw_fruit(2, 1, size=40, seed=2).astype(int)
        assert np.abs(np.asarray(image).astype(int) - drawn).mean() < 6  # JPEG loses a little


def test_drawing_again_finds_the_same_and_touches_nothing(tmp_path: Path) -> None:
    draw_orchard(tmp_path / "a", classes=4, images=20)
    draw_orchard(tmp_path / "b", classes=4, images=20)
    first = read_all(tmp_path / "a")
    assert first == read_all(tmp_path / "b")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("*.jpg")}
    assert draw_orchard(tmp_path / "a", classes=4, images=20) == 20
    assert times == {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("*.jpg")}


def test_a_drawing_that_was_stopped_is_finished(tmp_path: Path) -> None:
    draw_orchard(tmp_path, classes=2, images=6, size=20)
    whole = read_all(tmp_path)
    lost = tmp_path / "Training" / "Apple 1" / "1_20.jpg"
    lost.rename(lost.with_suffix(".drawn"))
    lost.with_suffix(".drawn").write_bytes(b"half")
    draw_orchard(tmp_path, classes=2, images=6, size=20)
    assert read_all(tmp_path) == whole


def test_processes_draw_the_same_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drawing.orchard.ALONE", 0)
    draw_orchard(tmp_path / "many", classes=3, images=60, size=16)
    monkeypatch.setattr("drawing.orchard.ALONE", 60)
    draw_orchard(tmp_path / "one", classes=3, images=60, size=16)
    assert read_all(tmp_path / "many") == read_all(tmp_path / "one")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"images": 5}, 'holds another drawing, {"classes": 2, "images": 4', id="more"),
        pytest.param({"seed": 1}, 'holds another drawing, .*"seed": 0', id="other"),
        pytest.param({"classes": 1}, "holds another drawing", id="fewer"),
    ],
)
def test_a_folder_with_another_drawing_is_left_alone(
    tmp_path: Path, change: dict[str, int], reason: str
) -> None:
    usual = {"classes": 2, "images": 4, "size": 16, "seed": 0}
    draw_orchard(tmp_path, **usual)
    before = read_all(tmp_path)
    with pytest.raises(FolderTakenError, match=reason):
        draw_orchard(tmp_path, **(usual | change))
    assert read_all(tmp_path) == before


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(FolderTakenError, match=r"not drawn, as letter\.txt"):
        draw_orchard(tmp_path, classes=2, images=4)
    (tmp_path / "letter.txt").unlink()
    draw_orchard(tmp_path, classes=2, images=4)
    (tmp_path / "Training" / "Apple 1" / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(FolderTakenError, match=r"holds Training/Apple 1/holiday\.jpg"):
        draw_orchard(tmp_path, classes=2, images=4)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"classes": 132, "images": 200}, "classes: 132 asked for, 1 to 131"),
        ({"classes": 0, "images": 200}, "classes: 0 asked for"),
        ({"classes": 20, "images": 19}, "images: 19 asked for"),
        ({"classes": 2, "images": 4, "size": 7}, "size: 7 pixels"),
    ],
)
def test_numbers_that_cannot_be_drawn_are_refused(
    tmp_path: Path, asked: dict[str, int], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        draw_orchard(tmp_path / "new", **asked)
    assert not (tmp_path / "new").exists()


def test_the_program_says_what_it_wrote_or_why_not(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "drawing", str(tmp_path / "f"), "--classes", "2"]
    small = [*command, "--images", "3", "--size", "16"]
    done = subprocess.run(small, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("f: 3 images of 2 classes, seed 0\n")
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"refused: {tmp_path}/f: holds another drawing")
    assert (tmp_path / "f" / NOTE).exists()
