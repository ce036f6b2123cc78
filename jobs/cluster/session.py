"""The Spark session: the embedded one on this machine, or the one that a cluster has started."""

import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from pyspark.sql import SparkSession

from cluster.classes import archive_options
from serving.errors import ConfigurationError

_JAVA = ("17", "21")
_HOW = "on Debian and Ubuntu: apt-get install openjdk-17-jre-headless"
# Runs of seconds: the optimising compiler would take more of the cores than it gives back.
JAVA_OPTIONS = "-XX:TieredStopAtLevel=1"
# What Spark logs with; not as its folder of settings, which Java's archive of classes cannot have
# on the class path. Spark is given one that is not there.
_LOGGING = Path(__file__).with_name("conf") / "log4j2.properties"
_NO_SETTINGS = str(Path(sys.prefix, "no-spark-conf"))
# Everything that a stage of this size asks for; a cluster has options of its own.
_LOCAL = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.log.level": "ERROR",
    "spark.ui.enabled": "false",
    "spark.python.daemon.module": "cluster.daemon",
    "spark.sql.warehouse.dir": "build/spark/warehouse",
}
_EVERYWHERE = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.ui.showConsoleProgress": "false",
    # One thread of computing for each task; two libraries would each take all cores.
    "spark.executorEnv.OMP_NUM_THREADS": "1",
    "spark.executorEnv.OPENBLAS_NUM_THREADS": "1",
    "spark.executorEnv.TF_NUM_INTRAOP_THREADS": "1",
    "spark.executorEnv.TF_NUM_INTEROP_THREADS": "1",
}


def check_java(env: Mapping[str, str]) -> None:
    """Whether there is a Java that Spark 4.0 runs on.

    Raises:
        ConfigurationError: there is none, or it is of another version; says how to get one.
    """
    home = env.get("JAVA_HOME")
    java = str(Path(home, "bin", "java")) if home else shutil.which("java", path=env.get("PATH"))
    if java is None or not Path(java).exists():
        where = f"JAVA_HOME ({home}) holds none" if home else "there is none"
        raise ConfigurationError(f"Spark 4.0 needs Java 17 or 21, and {where}; {_HOW}")
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    version = found[1] if found else "of no known version"
    if version not in _JAVA:
        raise ConfigurationError(f"Spark 4.0 needs Java 17 or 21, {java} is {version}; {_HOW}")


def is_submitted(env: Mapping[str, str]) -> bool:
    """Whether spark-submit started this, and so has chosen where it runs."""
    return "PYSPARK_GATEWAY_PORT" in env


def start_session(
    name: str, *, cores: int | None = None, options: Mapping[str, str] | None = None
) -> SparkSession:
    """The session of the cluster that runs this, else an embedded one.

    Args:
        cores: of this machine, for the embedded one; None for all.
        options: settings of Spark, beside and over ours.

    Raises:
        ConfigurationError: there is no Java for an embedded one.
    """
    logging.getLogger().addFilter(_is_no_interrupt)
    builder = SparkSession.builder.appName(name)
    settings = dict(_EVERYWHERE)
    if not is_submitted(os.environ):
        check_java(os.environ)
        # The workers are to be the interpreter that runs this.
        os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
        count = cores or len(os.sched_getaffinity(0))
        settings |= _LOCAL | _java_settings()
        settings["spark.sql.shuffle.partitions"] = str(2 * count)
        builder = builder.master(f"local[{count}]")
    for key, value in (settings | dict(options or {})).items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    if not is_submitted(os.environ) and threading.current_thread() is threading.main_thread():
        # PySpark's own asks Java to cancel, on the connection that the interrupted call is using.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def _is_no_interrupt(record: logging.LogRecord) -> bool:
    """Py4J tells of an interrupt of the terminal itself, with its stack."""
    return "KeyboardInterrupt" not in record.getMessage()


def _java_settings() -> dict[str, str]:
    """How Java is started; a user's own folder of settings says how Spark logs."""
    settings = {"spark.driver.extraJavaOptions": f"{JAVA_OPTIONS} {archive_options()}".rstrip()}
    if os.environ.setdefault("SPARK_CONF_DIR", _NO_SETTINGS) == _NO_SETTINGS:
        logging = f"-Dlog4j2.configurationFile={_LOGGING.as_uri()}"
        # Spark puts these before the others, also where a caller gives his own.
        settings["spark.driver.defaultJavaOptions"] = logging
    return settings


def is_local(spark: SparkSession) -> bool:
    """Whether all of it runs on this machine, which nobody bills."""
    return (spark.sparkContext.master or "").startswith("local[")
