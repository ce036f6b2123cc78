"""Scores a folder of documents with a bundle: what the service would answer, in bulk.

list → score (read, predict; once) → split into predictions and problems → put in place.
"""

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from platform import python_version
from typing import Any, TextIO

import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from cluster.faults import reason_of
from cluster.models import share_model
from cluster.progress import Progress, Stages
from scoring.documents import list_documents, share_documents
from scoring.outputs import Output
from scoring.scorer import ROWS, Scorer, Task, create_scorer
from serving import __version__
from serving.errors import ServingError
from serving.passport import Passport
from serving.settings import Settings

# Of a document; the others are of requests.
_LIMITS = ("upload_bytes", "matrices", "matrix_values", "id_characters", "depth")


@dataclass(frozen=True, slots=True)
class Scores:
    """What became of the documents.

    Attributes:
        documents: how many there are; each was predicted or refused.
        predicted: of how many there are predictions, and `matrices` how many.
        refused: how many have a problem, by its status.
        builds, workers: how often a model was built, and how many Python workers asked for one.
        seconds: by stage.
    """

    documents: int
    predicted: int
    matrices: int
    refused: Mapping[int, int]
    builds: int
    workers: int
    seconds: Mapping[str, float]

    @property
    def failed(self) -> int:
        """Documents that have no predictions through no fault of theirs: run it again."""
        return sum(count for status, count in self.refused.items() if status >= 500)


def run(
    spark: SparkSession,
    *,
    documents: str,
    out: str,
    bundle: str,
    settings: Settings,
    report: TextIO = sys.stderr,
) -> Scores:
    """Score every document of a folder, at any depth.

    Args:
        documents, out, bundle: folders of this machine, or of s3://.
        settings: as of a Lambda: names, limits and the batch size are taken from them.
        report: where the progress goes.

    Raises:
        ConfigurationError: a folder or the bundle is not what it should be; nothing was written.
        ServingError: Spark gave up, or the folder changed meanwhile; what was there is still there.
    """
    started = datetime.now(UTC)
    output = Output(spark, out, documents)
    stages = Stages(3, report)
    with output.staged():
        with stages.stage("listing"):
            shared = share_model(spark, bundle)
            listed = list_documents(documents, settings.region, settings.endpoint)
        total = len(listed)
        done = spark.sparkContext.accumulator(0)
        scorer = create_scorer(shared, shared.passport, settings, done)
        with (
            stages.stage("scoring"),
            Progress("documents", total, lambda: int(done.value), out=report),
        ):
            _score(spark, listed, scorer, output.rows)
        with stages.stage("writing"):
            rows = spark.read.schema(ROWS).option("__globPaths__", "false").parquet(output.rows)
            counts = _count(rows, total)
            output.write(*_split(rows))
        builds, workers = int(shared.builds.value), len(shared.workers.value)
        scores = Scores(total, *counts, builds, workers, stages.seconds)
        output.publish(_manifest(scores, shared.passport, scorer, started))
    print(_summary(scores), file=report)
    return scores


def _summary(scores: Scores) -> str:
    refused = scores.documents - scores.predicted - scores.failed
    text = f"{scores.documents:,} documents: {scores.predicted:,} predicted ({scores.matrices:,} "
    text += f"matrices), {refused:,} refused; models built: {scores.builds}, "
    text += f"Python workers: {scores.workers}"
    if scores.failed:
        text += f"; {scores.failed:,} failed through no fault of theirs (status 5xx): run it again"
    return text


def _split(rows: DataFrame) -> tuple[DataFrame, DataFrame]:
    """Predictions, and the lines of the problems."""
    predictions = rows.where("problem is null").drop("status", "problem")
    problems = rows.where("problem is not null").repartition(1).sortWithinPartitions("path")
    return predictions, problems.select("problem")


def _score(spark: SparkSession, listed: pa.Table, scorer: Scorer, folder: str) -> None:
    """Read and predict every document, once; the rows are read again from where they are put."""
    shares = share_documents(spark, listed)
    try:
        shares.numbers(spark).mapInArrow(Task(shares, scorer), ROWS).write.parquet(folder)
    except (PySparkException, Py4JJavaError) as cause:
        raise ServingError(f"Spark gave up: {reason_of(cause)}") from cause


def _count(rows: DataFrame, total: int) -> tuple[int, int, dict[int, int]]:
    """Documents predicted, their matrices, and documents refused by status.

    Raises:
        ServingError: together they are not as many as were listed.
    """
    groups = rows.groupBy("status").agg(
        F.count("*").alias("rows"), F.count_if(F.col("position") == 0).alias("documents")
    )
    found = {row["status"]: row for row in groups.collect()}
    good = found.pop(None, None)
    predicted, matrices = (0, 0) if good is None else (good["documents"], good["rows"])
    refused = {status: found[status]["rows"] for status in sorted(found)}
    if (outcomes := predicted + sum(refused.values())) != total:
        raise ServingError(f"{total:,} documents were listed, and {outcomes:,} have an outcome")
    return predicted, matrices, refused


def _manifest(
    scores: Scores, passport: Passport, scorer: Scorer, started: datetime
) -> dict[str, Any]:
    libraries = ("numpy", "onnxruntime", "pyarrow", "pyspark")
    return {
        "job": "score",
        "started": started.isoformat(timespec="seconds"),
        "model": {
            "name": passport.name,
            "version": passport.version,
            "sha256": passport.source.sha256,
            "engine": passport.engine,
            "output": passport.output.model_dump(mode="json"),
        },
        "batch_size": scorer.batch_size,
        "names": asdict(scorer.document.names),
        "limits": {name: getattr(scorer.document.limits, name) for name in _LIMITS},
        **{key: value for key, value in asdict(scores).items() if key != "seconds"},
        "seconds": {name: round(seconds, 2) for name, seconds in scores.seconds.items()},
        "versions": {
            "verger": __version__,
            "python": python_version(),
            **{name: version(name) for name in libraries},
        },
    }
