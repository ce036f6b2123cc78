"""The one request that starts a job: what runs, with how much, and for how long at most."""

from typing import Any

from cluster.cost import DRIVER, WORKER, Estimate, paid_minutes
from emr.account import Stack
from emr.parcel import Parcel
from serving.errors import ConfigurationError

# What AWS's own guide calls it: archives are unpacked beside driver and workers, under this name.
_LAUNCHER = "./environment/bin/python"
# Half of a worker is for the Python processes, which Spark counts as overhead.
_WORKER_JVM_GB, _DRIVER_JVM_GB = WORKER.gb // 2, DRIVER.gb * 3 // 4
LONGEST_MINUTES = 12 * 60


def minutes_for(estimate: Estimate, budget_eur: float) -> int:
    """After how many minutes AWS is to stop a run.

    Raises:
        ConfigurationError: it would be stopped before its end, and be paid until then.
    """
    needed, paid = estimate.hours * 60, paid_minutes(estimate, budget_eur)
    if needed > LONGEST_MINUTES:
        raise ConfigurationError(
            f"estimated {needed:,.1f} minutes, but a job is stopped after {LONGEST_MINUTES}: give "
            "it fewer images, a faster network or more workers"
        )
    if needed > paid:
        raise ConfigurationError(
            f"estimated {needed:,.1f} minutes, but the job is stopped after {paid}, which is what "
            f"€{budget_eur:,.2f} pays for: give it fewer images, a faster network or a larger "
            "budget"
        )
    return min(paid, LONGEST_MINUTES)


def request(
    stack: Stack,
    parcel: Parcel,
    estimate: Estimate,
    *,
    name: str,
    arguments: list[str],
    minutes: int,
) -> dict[str, Any]:
    """The parameters of StartJobRun.

    The ceiling is threefold: of workers, of minutes (see `minutes_for`), and of attempts, which is
    one.
    """
    code, logs = f"s3://{stack.bucket}", {"logUri": f"s3://{stack.bucket}/logs/"}
    if stack.key is not None:
        logs["encryptionKeyArn"] = stack.key
    return {
        "applicationId": stack.application,
        "executionRoleArn": stack.role,
        "name": name,
        "mode": "BATCH",
        "retryPolicy": {"maxAttempts": 1},
        "executionTimeoutMinutes": minutes,
        "jobDriver": {
            "sparkSubmit": {
                "entryPoint": f"{code}/{parcel.entry.key}",
                "entryPointArguments": arguments,
                "sparkSubmitParameters": _spark_submit(stack, parcel, estimate.workers),
            }
        },
        "configurationOverrides": {
            "monitoringConfiguration": {
                "s3MonitoringConfiguration": logs,
                "managedPersistenceMonitoringConfiguration": {"enabled": False},
            }
        },
    }


def _spark_submit(stack: Stack, parcel: Parcel, workers: int) -> str:
    """Nothing in it has a blank: keys are made of hashes, names of buckets have none."""
    code = f"s3://{stack.bucket}"
    environment = {
        "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON": _LAUNCHER,
        "spark.emr-serverless.driverEnv.PYSPARK_PYTHON": _LAUNCHER,
        "spark.executorEnv.PYSPARK_PYTHON": _LAUNCHER,
        "spark.emr-serverless.driverEnv.AWS_REGION": stack.region,
        "spark.executorEnv.AWS_REGION": stack.region,
    }
    size = {
        "spark.driver.cores": DRIVER.vcpus,
        "spark.driver.memory": f"{_DRIVER_JVM_GB}g",
        "spark.driver.memoryOverhead": f"{DRIVER.gb - _DRIVER_JVM_GB}g",
        "spark.emr-serverless.driver.disk": f"{DRIVER.disk_gb}g",
        "spark.executor.cores": WORKER.vcpus,
        "spark.executor.memory": f"{_WORKER_JVM_GB}g",
        "spark.executor.memoryOverhead": f"{WORKER.gb - _WORKER_JVM_GB}g",
        "spark.emr-serverless.executor.disk": f"{WORKER.disk_gb}g",
        "spark.dynamicAllocation.enabled": "true",
        "spark.dynamicAllocation.initialExecutors": workers,
        "spark.dynamicAllocation.maxExecutors": workers,
    }
    files = {
        "spark.archives": f"{code}/{parcel.environment.key}#environment",
        "spark.submit.pyFiles": f"{code}/{parcel.code.key}",
    }
    settings = files | environment | size
    return " ".join(f"--conf {name}={value}" for name, value in settings.items())
