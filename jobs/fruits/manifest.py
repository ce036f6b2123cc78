"""The record of a run, OUT/manifest.json: what went in, what computed, what came out, what it took.

It is the last file of a run. It holds no path but those that the user gave, and no host name.
"""

import hashlib
import platform
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from cluster.storage import Storage
from fruits.neighbours import Agreement
from serving import __version__
from serving.errors import ServingError
from serving.passport import Passport

NAME = "manifest.json"
MOST_REASONS = 50
Sha256 = Field(pattern=r"^[0-9a-f]{64}$")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Inputs(_Part):
    """The images.

    Attributes:
        sha256: of all lines "path\\0sha256\\n", sorted by path; the same images under the same
            names give the same, wherever they are and however they were read.
        listed, features, refused, classes: counts; listed is features and refused together.
        reasons: how many images were refused for each reason; rare ones are in "other reasons".
    """

    sha256: str = Sha256
    listed: int
    features: int
    refused: int
    reasons: dict[str, int]
    classes: int


class ModelUsed(_Part):
    """The model; sha256 is of the file that computes."""

    name: str
    version: str
    sha256: str = Sha256
    engine: str

    @classmethod
    def of(cls, passport: Passport) -> Self:
        """As its passport says."""
        compiled = passport.compiled
        sha256 = passport.source.sha256 if compiled is None else compiled.sha256
        return cls(
            name=passport.name, version=passport.version, sha256=sha256, engine=passport.engine
        )


class Counters(_Part):
    """What the workers counted: models built, processes that asked for one, images inferred.

    Attributes:
        unreadable: files that were listed and could not be read, which the next run tries again.
    """

    model_builds: int
    python_workers: int
    inferences: int
    reused: int
    slices: int
    unreadable: int


class ComponentsFound(_Part):
    """The fit: how many components are kept and why, and how it was checked.

    Attributes:
        columns, constant: of the features; how many of them are constant, and count nothing.
        problems: fits that did not hold what they claimed, and were not used.
    """

    k: int
    criterion: str
    explained: list[float]
    route: str
    checks: dict[str, float]
    columns: int
    constant: int
    problems: list[str]


class Timings(_Part):
    """Seconds; the session's start is apart, for a cluster has started before."""

    session_start_s: float
    stages_s: dict[str, float]


class Manifest(_Part):
    """One run."""

    job: str = "fruits"
    started: datetime
    options: dict[str, Any]
    inputs: Inputs
    model: ModelUsed
    counters: Counters
    components: ComponentsFound
    agreement: Agreement | None
    timings: Timings
    cost: dict[str, Any] | None = Field(description="what was estimated; null where nobody is paid")
    versions: dict[str, str]


def describe_inputs(features: DataFrame, listed: int) -> Inputs:
    """The inputs, from the table of features: columns path, label, sha256 and reason.

    The driver holds one partition of names at a time.

    Args:
        listed: how many files there were; each has a row.

    Raises:
        ServingError: there are more rows, or fewer.
    """
    refused = f.col("reason").isNotNull()
    counted = features.agg(
        f.count(f.lit(1)).alias("rows"),
        f.count_if(refused).alias("refused"),
        f.count_distinct("label").alias("classes"),
    ).collect()[0]
    if counted["rows"] != listed:
        raise ServingError(
            f"{listed:,} files were listed, and {counted['rows']:,} have a row: does another run "
            "write to the same OUT? Run it again"
        )
    return Inputs(
        sha256=hash_inputs(features),
        listed=listed,
        features=listed - counted["refused"],
        refused=counted["refused"],
        reasons=_count_reasons(features.where(refused), counted["refused"]),
        classes=counted["classes"],
    )


def hash_inputs(features: DataFrame) -> str:
    """SHA-256 over the lines "path\\0sha256\\n" sorted by path; no hash is an empty one."""
    digest = hashlib.sha256()
    lines = features.select("path", f.coalesce("sha256", f.lit("")).alias("sha256")).orderBy("path")
    for path, sha256 in lines.toLocalIterator():
        digest.update(f"{path}\0{sha256}\n".encode())
    return digest.hexdigest()


def _count_reasons(refused: DataFrame, total: int) -> dict[str, int]:
    groups = refused.groupBy("reason").count().orderBy(f.desc("count"), "reason")
    reasons = {row["reason"]: row["count"] for row in groups.limit(MOST_REASONS).collect()}
    if rest := total - sum(reasons.values()):
        reasons["other reasons"] = rest
    return reasons


def list_versions(spark: SparkSession) -> dict[str, str]:
    """What computed: Python, Java, Spark, and the libraries that give the numbers."""
    jvm: Any = spark._jvm
    packages = ("numpy", "onnxruntime", "pandas", "pillow", "pyarrow")
    return {
        "verger": __version__,
        "python": platform.python_version(),
        "java": str(jvm.System.getProperty("java.version")),
        "spark": spark.version,
        **{name: version(name) for name in packages},
    }


def write_manifest(storage: Storage, out: str, manifest: Manifest) -> None:
    """Write OUT/manifest.json, whole; to be called when all else is written."""
    text = manifest.model_dump_json(indent=2)
    storage.write(f"{out.rstrip('/')}/{NAME}", f"{text}\n".encode())


def read_manifest(storage: Storage, out: str) -> Manifest:
    """The manifest of a run that has ended.

    Raises:
        ServingError: there is none.
    """
    return Manifest.model_validate_json(storage.read(f"{out.rstrip('/')}/{NAME}"))


def summarise(manifest: Manifest, out: str) -> str:
    """The end of a run for a person, in at most 20 lines."""
    inputs, model, counters = manifest.inputs, manifest.model, manifest.counters
    found = manifest.components
    kept = sum(found.explained[: found.k])
    rows = [
        ("images", f"{inputs.listed:,} of {inputs.classes} classes, {inputs.refused:,} refused"),
        *_say_reasons(inputs.reasons),
        ("model", f"{model.name} {model.version}, engine {model.engine}"),
        ("computed", f"{counters.inferences:,} images in {counters.slices} slices"),
        ("reused", f"{counters.reused:,} images that an earlier run had computed"),
        ("built", f"{counters.model_builds} models in {counters.python_workers} Python workers"),
        ("components", f"{found.k} kept, {kept:.1%} of the variance ({found.criterion})"),
        ("checked", f"route {found.route}, {len(found.checks)} checks passed"),
    ]
    if (near := manifest.agreement) is not None:
        text = f"{near.share:.1%} of the {near.neighbours} nearest have the same label"
        blind = f"chance {near.chance:.1%}, labels shuffled {near.shuffled:.1%}"
        rows.append(("neighbours", f"{text} ({blind})"))
    if found.problems:
        rows.append(("dropped", "; ".join(found.problems)[:200]))
    if counters.unreadable:
        again = f"{counters.unreadable:,} files: see failures.csv, and run it again"
        rows.append(("unreadable", again))
    rows.append(("time", _say_times(manifest.timings)))
    if manifest.cost and "eur" in manifest.cost:
        rows.append(("cost", f"€{manifest.cost['eur']:.2f} estimated"))
    rows.append(("results", f"{out.rstrip('/')}/ (components.csv, scatter.png, {NAME}, …)"))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in rows)


def _say_reasons(reasons: Mapping[str, int]) -> list[tuple[str, str]]:
    """The three most frequent ones; the others are in the manifest."""
    most = sorted(reasons.items(), key=lambda item: -item[1])
    said = [(f"  {count:,}", reason[:80]) for reason, count in most[:3]]
    if len(most) > 3:
        said.append(("  …", f"{len(most) - 3} other reasons, see failures.csv"))
    return said


def _say_times(timings: Timings) -> str:
    stages = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in timings.stages_s.items())
    return f"{stages}; session {timings.session_start_s:.1f} s"
