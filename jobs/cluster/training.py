"""What a session does so that Java archives its classes: a little of each kind that the jobs do.

A class that is used here and nowhere else costs a little room; one that is forgotten is loaded as
ever.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyspark.ml import PipelineModel
from pyspark.ml.feature import PCAModel, StandardScaler
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.ml.linalg import DenseMatrix, DenseVector
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from cluster.classes import recording_options
from cluster.session import JAVA_OPTIONS, start_session
from cluster.storage import Storage

_ROWS, _WIDTH = 32, 3


def train(folder: str, archive: str) -> None:
    """Archive the classes of a session whose data are in `folder`, when this process ends."""
    options = {
        "spark.driver.extraJavaOptions": f"{JAVA_OPTIONS} {recording_options(Path(archive))}",
        "spark.local.dir": folder,
        "spark.sql.warehouse.dir": folder,
    }
    spark = start_session("training", cores=2, options=options)
    try:
        _pass_numbers(spark, f"{folder}/numbers")
        _count_in_workers(spark)
        _write_tables(spark, f"{folder}/tables")
        _fit(spark, f"{folder}/tables", f"{folder}/model")
    finally:
        spark.stop()


def _pass_numbers(spark: SparkSession, folder: str) -> None:
    Storage(spark).write(f"{folder}/file", b"content")
    numbers = spark.range(0, 4, numPartitions=4)
    numbers.mapInArrow(_pass_on, numbers.schema).write.parquet(f"{folder}/rows")


def _count_in_workers(spark: SparkSession) -> None:
    counted = spark.sparkContext.accumulator(0)
    shared = spark.sparkContext.broadcast(list(range(_ROWS)))

    def count(number: int) -> int:
        counted.add(1)
        return shared.value[number]

    spark.sparkContext.parallelize(range(_ROWS), 4).map(count).collect()


def _write_tables(spark: SparkSession, folder: str) -> None:
    values = np.random.default_rng(0).normal(size=(_ROWS, _WIDTH)).astype(np.float32)
    columns = {"id": range(_ROWS), "path": map(str, range(_ROWS)), "features": list(values)}
    table = spark.createDataFrame(
        pa.table({name: list(column) for name, column in columns.items()})
    )
    table.mapInArrow(_pass_on, table.schema).write.parquet(folder)
    rows = spark.read.schema(table.schema).option("__globPaths__", "false").parquet(folder)
    chosen = rows.where(f.col("_metadata.file_name").isin("a", "b"))
    chosen = chosen.join(table.select("id"), "id", "left_semi").dropDuplicates(["path"])
    chosen.select("id", f.isnotnull("path")).toArrow()
    rows.unionByName(rows).persist().select("path").collect()
    rows.groupBy("path").count().orderBy(f.desc("count"), "path").collect()
    size, total = f.size("features"), f.count(f.lit(1))
    rows.agg(total, f.min(size), f.count_if(f.array_contains("features", 0.5))).first()
    flat = rows.select("path", *(f.col("features")[i].alias(f"pc{i}") for i in range(_WIDTH)))
    whole = flat.repartition(1).sortWithinPartitions("path")
    whole.write.options(header="true", encoding="UTF-8").csv(f"{folder}-csv")


def _fit(spark: SparkSession, folder: str, model: str) -> None:
    rows = spark.read.parquet(folder)
    rows = rows.withColumn("vector", array_to_vector(f.col("features")))
    scaler = StandardScaler(inputCol="vector", outputCol="scaled", withMean=True).fit(rows)
    matrix = DenseMatrix(_WIDTH, 2, np.eye(_WIDTH, 2).ravel(order="F"))
    # As `fruits.components` makes it: a fit by Spark itself is the exception.
    pca = PCAModel._create_from_java_class(
        "org.apache.spark.ml.feature.PCAModel", "PCA", matrix, DenseVector([0.5, 0.5])
    )
    pca._set(inputCol="scaled", outputCol="projected", k=2)
    pipeline = PipelineModel([scaler, pca])
    projected = pipeline.transform(rows)
    arrays = projected.select("path", vector_to_array(f.col("projected")).alias("components"))
    arrays.coalesce(16).mapInArrow(_pass_on, arrays.schema).collect()
    arrays.orderBy(f.xxhash64(f.lit(0), "path"), "path").limit(5).collect()
    pipeline.write().overwrite().save(model)


def _pass_on(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from batches


if __name__ == "__main__":
    train(*sys.argv[1:])
