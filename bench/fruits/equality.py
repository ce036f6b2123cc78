"""Whether two folders of features say the same of the same images."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

TOLERANCE = 1e-4
_LEAST_SPREAD = 0.01


def check_equal(ours: Path, other: Path) -> None:
    """An engine that is wrong is not fast.

    Raises:
        RuntimeError: an image is missing on one side, or its features differ by more than 1e-4.
    """
    first, second = read_features(ours), read_features(other)
    if first.keys() != second.keys():
        odd = sorted(first.keys() ^ second.keys())
        raise RuntimeError(f"{ours} and {other}: {len(odd)} images are in one only, as {odd[0]}")
    if not first:
        raise RuntimeError(f"{ours}: no features")
    # A network that says the same of all images would be equal to any other.
    spread = float(np.mean(np.std(np.stack(list(first.values())), axis=0)))
    if not spread > _LEAST_SPREAD:
        raise RuntimeError(f"{ours}: the features of all images are alike ({spread:.3g})")
    for name, features in first.items():
        gap = float(np.max(np.abs(features - second[name])))
        if not gap <= TOLERANCE:  # NaN is no agreement
            raise RuntimeError(f"{other}: the features of {name} differ by {gap:.3g}")


def read_features(folder: Path) -> dict[str, NDArray[Any]]:
    """By class and name of the image, which every side's paths end in."""
    found: dict[str, NDArray[Any]] = {}
    for file in sorted(folder.rglob("*.parquet")):
        table = pq.read_table(file, columns=["path", "features"], partitioning=None)
        for path, values in zip(table["path"].to_pylist(), table["features"], strict=True):
            name = "/".join(path.split("/")[-2:])
            if name in found:
                raise RuntimeError(f"{folder}: {name} is there twice")
            found[name] = np.asarray(values.values.to_numpy(), dtype=np.float32)
    return found
