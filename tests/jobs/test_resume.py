"""A run that is killed at any moment, and what the next one makes of it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

from cluster.models import share_model
from fruits.features import Extraction, extract
from fruits.listing import list_images
from fruits.models import NETWORKS
from fruits.slices import Slices

NETWORK = NETWORKS["mobilenet_v2"]
SLICE = 8
BOUND_S = 300
RUN = """
import sys
from cluster.models import share_model
from cluster.session import start_session
from fruits.features import extract
from fruits.listing import list_images
from fruits.models import NETWORKS

images, out, bundle, size = sys.argv[1:]
spark = start_session("to be killed", cores=2)
shared = share_model(spark, bundle)
extract(spark, list_images(images), out, shared, NETWORKS["mobilenet_v2"], slice_images=int(size))
"""


@contextmanager
def running(images: Path, out: Path, bundle: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A run in processes of its own, killed with all of them at the end of the block."""
    command = [sys.executable, "-c", RUN, str(images), str(out), str(bundle), str(SLICE)]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, env=env, stdout=file, stderr=file, start_new_session=True
        )
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def after_two_slices(out: Path) -> bool:
    return len(list(out.glob("slice-*/_SUCCESS"))) >= 2


def within_a_slice(out: Path) -> bool:
    """A slice is done, and a task of another has written its part."""
    begun = {part.parent for part in out.glob("slice-*/part-*")}
    done = {mark.parent for mark in out.glob("slice-*/_SUCCESS")}
    return bool(done) and bool(begun - done)


def run(spark: SparkSession, images: Path, out: Path, bundle: Path) -> Extraction:
    shared = share_model(spark, str(bundle))
    listing = list_images(str(images))
    return extract(spark, listing, str(out), shared, NETWORK, slice_images=SLICE, progress=False)


def features_of(found: Extraction) -> dict[str, list[float]]:
    rows = found.features.collect()
    features = {row.path: row.features for row in rows}
    assert len(features) == len(rows)
    return features


@pytest.fixture(scope="module")
def whole(
    spark: SparkSession,
    orchard: Path,
    feature_bundle: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, list[float]]:
    """The features of a run that nobody kills."""
    return features_of(run(spark, orchard, tmp_path_factory.mktemp("whole"), feature_bundle))


@pytest.mark.parametrize("moment", [after_two_slices, within_a_slice])
def test_a_killed_run_is_continued(
    spark: SparkSession,
    orchard: Path,
    feature_bundle: Path,
    whole: dict[str, list[float]],
    tmp_path: Path,
    moment: Callable[[Path], bool],
) -> None:
    out, log = tmp_path / "features", tmp_path / "log"
    with running(orchard, out, feature_bundle, log) as process:
        limit = time.monotonic() + BOUND_S
        while not moment(out):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < limit, log.read_text()
            time.sleep(0.002)
    kept = len(Slices(spark, str(out)).known()[0])
    assert SLICE <= kept < len(whole)
    found = run(spark, orchard, out, feature_bundle)
    assert found.computed == len(whole) - kept
    assert (found.reused, found.listed, found.refused) == (kept, len(whole), 0)
    features = features_of(found)
    assert features.keys() == whole.keys()
    for path, expected in whole.items():
        np.testing.assert_allclose(features[path], expected, atol=1e-5)
    assert run(spark, orchard, out, feature_bundle).computed == 0


def test_what_a_killed_commit_leaves_is_swept_away(
    spark: SparkSession,
    orchard: Path,
    feature_bundle: Path,
    whole: dict[str, list[float]],
    tmp_path: Path,
) -> None:
    """Parts that are in their place already do not count without the mark."""
    out = tmp_path / "features"
    run(spark, orchard, out, feature_bundle)
    slices = sorted(out.glob("slice-*"))
    (slices[0] / "_SUCCESS").unlink()
    (slices[1] / "_SUCCESS").unlink()
    next(slices[1].glob("part-*")).unlink()
    found = run(spark, orchard, out, feature_bundle)
    assert len(whole) - 2 * SLICE <= found.reused < len(whole)
    assert found.computed == len(whole) - found.reused
    assert features_of(found).keys() == whole.keys()
    assert not slices[0].exists()
    assert all((part / "_SUCCESS").exists() for part in out.iterdir())
