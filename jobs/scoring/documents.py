"""The documents of a folder, listed by the driver and shared out to tasks; nothing is read."""

import os

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession

from cluster.files import File, open_folder
from cluster.shares import Shares, share_out
from cluster.storage import check_name, url_of
from serving.errors import ConfigurationError, InvalidInputError

# What is lost with a task, and after how much a person sees it grow; a small document counts as
# 256 kB, for its opening.
_TASK_BYTES, _LEAST_BYTES = 32 * 1024**2, 256 * 1024


def list_documents(folder: str, region: str | None, endpoint: str | None) -> pa.Table:
    """Every file of a folder, at any depth, or one file of this machine; large ones first.

    Columns: `url`, `path` within the folder, `length` in bytes, -1 for what is no file.

    Names that start with "_" or "." are left out, as in Spark.

    Args:
        region, endpoint: of S3; None for what the environment says.

    Raises:
        ConfigurationError: there is no such folder, no file in it, or it cannot be listed.
    """
    try:
        root, files = _list(folder, region, endpoint)
    except InvalidInputError as cause:  # which here would be a document's fault
        raise ConfigurationError(f"{folder}: there is no such folder") from cause
    if not files:
        raise ConfigurationError(f"no document in {folder}")
    files.sort(key=lambda file: (-file.length, file.path))
    paths = [file.path for file in files]
    urls = [f"{root}{path}" for path in paths]
    return pa.table({"url": urls, "path": paths, "length": [file.length for file in files]})


def _list(folder: str, region: str | None, endpoint: str | None) -> tuple[str, list[File]]:
    """What the URL of each file begins with, and the files."""
    url = url_of(folder)
    alone = url.removeprefix("file:")
    if url.startswith("file:") and os.path.isfile(alone):
        parent, name = os.path.split(alone)
        check_name(alone)
        return f"file:{parent.rstrip('/')}/", [File(name, os.path.getsize(alone), 0)]
    place = open_folder(folder, region, endpoint)
    root = place.root if place.root.startswith("s3:") else f"file:{place.root}"
    return root, place.files()


def share_documents(spark: SparkSession, documents: pa.Table) -> Shares:
    """What `list_documents` found, for tasks of about the same work."""
    costs = np.maximum(documents["length"].to_numpy(), _LEAST_BYTES)
    return share_out(spark, documents, -(-int(costs.sum()) // _TASK_BYTES))
