"""The entry script of every job, here and on EMR Serverless: `main.py fruits …`, `main.py score …`.

This is the only module of jobs/ that reads the environment, and the only one that does work.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from cluster.faults import reason_of
from cluster.region import check_buckets, check_region
from cluster.session import is_submitted, start_session
from fruits import job as fruits_job
from fruits import options as fruits_options
from scoring import job as scoring_job
from serving.errors import ConfigurationError, ServingError
from serving.settings import Settings


def main(arguments: Sequence[str]) -> int:
    """Run one job; 0 when it is done, 1 when it was refused or failed, 2 for wrong options."""
    parser = argparse.ArgumentParser(prog="main.py", description=__doc__)
    jobs = parser.add_subparsers(dest="job", required=True)
    fruits = jobs.add_parser("fruits", help="features and components", allow_abbrev=False)
    fruits_options.add_arguments(fruits)
    score = jobs.add_parser("score", help="predictions of many documents", allow_abbrev=False)
    score.add_argument("--documents", required=True, help="folder or s3:// URL")
    score.add_argument("--out", required=True, help="where predictions and problems go")
    score.add_argument("--bundle", required=True, help="folder or s3:// URL of the bundle")
    score.add_argument("--cores", type=int, help="of this machine; default: all")
    asked = vars(parser.parse_args(arguments))
    job = asked.pop("job")
    try:
        if job == "score":
            return _score(**asked)
        return _fruits(fruits_options.Options(**asked))
    except ServingError as refusal:
        print(f"refused: {refusal}", file=sys.stderr)
        return 1
    except (PySparkException, Py4JJavaError, OSError) as fault:
        print(f"failed: {reason_of(fault)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _fruits(options: fruits_options.Options) -> int:
    """1 where files could not be read: all else is there, and the next run tries them again."""
    manifest = fruits_job.run(options, os.environ)
    return 1 if manifest.counters.unreadable else 0


def _score(documents: str, out: str, bundle: str, cores: int | None) -> int:
    check_region(os.environ, local=not is_submitted(os.environ))
    check_buckets([documents, out, bundle], os.environ)
    settings = Settings.from_env({**os.environ, "MODEL_DIR": bundle})
    if settings.endpoint and is_submitted(os.environ):
        raise ConfigurationError("S3_ENDPOINT is for development: a cluster asks S3 itself")
    spark = start_session("score", cores=cores)
    try:
        scores = scoring_job.run(
            spark, documents=documents, out=out, bundle=bundle, settings=settings
        )
    finally:
        spark.stop()
    return 1 if scores.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
