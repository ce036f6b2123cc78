"""A folder of drawn fruit: `Training/<class>/<number>_100.jpg`, drawn by all cores."""

import json
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from drawing.fruit import draw_fruit
from drawing.kinds import KINDS, class_name

NOTE = "_drawing.json"  # what was drawn; Spark passes over names that begin with "_"
ALONE = 200  # up to so many images, starting processes would take longer than drawing
TASK = 50  # images


class FolderTakenError(ValueError):
    """The folder holds something that this drawing would not have put there."""


class Picture(NamedTuple):
    """One file to draw."""

    path: Path
    kind: int
    number: int
    size: int
    seed: int


def draw_orchard(folder: Path, *, classes: int, images: int, size: int = 100, seed: int = 0) -> int:
    """Draws `images` files evenly over `classes` kinds; returns how many there are now.

    What an earlier call with the same arguments has drawn stays as it is. Raises ValueError for
    numbers that cannot be drawn, FolderTakenError for a folder with other content.
    """
    if not 1 <= classes <= KINDS:
        raise ValueError(f"classes: {classes} asked for, 1 to {KINDS} can be drawn")
    if images < classes:
        raise ValueError(f"images: {images} asked for, at least one for each of {classes} classes")
    if size < 8:
        raise ValueError(f"size: {size} pixels asked for, at least 8")
    plan = list(_plan(folder, classes, images, size, seed))
    note = {"classes": classes, "images": images, "size": size, "seed": seed}
    missing = _claim(folder, plan, note)
    for parent in {picture.path.parent for picture in missing}:
        parent.mkdir(parents=True, exist_ok=True)
    if len(missing) <= ALONE:
        _draw(missing)
        return len(plan)
    tasks = [missing[start : start + TASK] for start in range(0, len(missing), TASK)]
    spawn = multiprocessing.get_context("spawn")  # the caller may have threads, as Spark's has
    with ProcessPoolExecutor(min(len(tasks), os.cpu_count() or 1), mp_context=spawn) as pool:
        list(pool.map(_draw, tasks))
    return len(plan)


def _plan(folder: Path, classes: int, images: int, size: int, seed: int) -> Iterator[Picture]:
    for kind in range(classes):
        parent = folder / "Training" / class_name(kind)
        for number in range(images // classes + (kind < images % classes)):
            yield Picture(parent / f"{number}_{size}.jpg", kind, number, size, seed)


def _claim(folder: Path, plan: list[Picture], note: dict[str, int]) -> list[Picture]:
    """The files still to draw; refuses a folder that is not ours or was drawn otherwise."""
    written = folder / NOTE
    found = {path for path in folder.rglob("*") if not path.is_dir()} if folder.exists() else set()
    if written in found:
        if (earlier := written.read_text()) != json.dumps(note):
            raise FolderTakenError(f"{folder}: holds another drawing, {earlier}")
    elif found:
        raise FolderTakenError(f"{folder}: holds files that were not drawn, as {min(found).name}")
    ours = {picture.path for picture in plan}
    strange = [path for path in found - ours - {written} if path.suffix != ".drawn"]
    if strange:
        raise FolderTakenError(
            f"{folder}: holds {min(strange).relative_to(folder)}, not drawn here"
        )
    folder.mkdir(parents=True, exist_ok=True)
    partial = written.with_suffix(".drawn")
    partial.write_text(json.dumps(note))
    partial.replace(written)
    return [picture for picture in plan if picture.path not in found]


def _draw(pictures: list[Picture]) -> None:
    for picture in pictures:
        pixels = draw_fruit(picture.kind, picture.number, size=picture.size, seed=picture.seed)
        # Under another name first: a drawing that was stopped leaves no half image.
        partial = picture.path.with_suffix(".drawn")
        Image.fromarray(pixels).save(partial, "JPEG", quality=92, subsampling=0)
        partial.replace(picture.path)
