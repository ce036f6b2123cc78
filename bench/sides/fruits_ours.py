"""`jobs/fruits`, in a session as `make fruits` starts it."""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from pyspark.sql import SparkSession

from bench.fruits.family import peaks
from cluster.models import SharedModel, share_model
from cluster.session import start_session
from fruits.features import extract as extract_features
from fruits.listing import list_images
from fruits.models import NETWORKS

_SLICE = 20_000  # the job's default

spark: SparkSession
shared: SharedModel


def start(cores: int) -> dict[str, Any]:
    """Start the session; the seconds that takes."""
    global spark
    started = perf_counter()
    spark = start_session("bench", cores=cores)
    return {"s": perf_counter() - started}


def share(bundle: str) -> dict[str, Any]:
    """Read, check and broadcast the bundle."""
    global shared
    started = perf_counter()
    shared = share_model(spark, bundle)
    return {"s": perf_counter() - started}


def extract(network: str, images: str, out: str) -> dict[str, Any]:
    """From files to features in Parquet."""
    started = perf_counter()
    done = extract_features(
        spark,
        list_images(images),
        out,
        shared,
        NETWORKS[network],
        slice_images=_SLICE,
        progress=False,
    )
    seconds = perf_counter() - started
    return {
        "s": seconds,
        "computed": done.computed,
        "builds": shared.builds.value,
        "workers": len(shared.workers.value),
        "partitions": len(list(Path(out).rglob("*.parquet"))),
    }


def list_folder(images: str) -> dict[str, Any]:
    """What listing takes by itself."""
    started = perf_counter()
    list_images(images)
    return {"s": perf_counter() - started}


def stop() -> dict[str, Any]:
    """End the session; what its processes held at most."""
    found = peaks()
    spark.stop()
    return found


COMMANDS: dict[str, Callable[..., dict[str, Any]]] = {
    "start": start,
    "share": share,
    "extract": extract,
    "list": list_folder,
    "stop": stop,
}
