"""Where there is no Java that Spark can use, one line says how to get one."""

import re
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from cluster.session import check_java, is_local
from serving.errors import ConfigurationError


def test_without_java_one_line_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        check_java({"PATH": str(tmp_path)})
    assert str(refusal.value) == (
        "Spark 4.0 needs Java 17 or 21, and there is none; "
        "on Debian and Ubuntu: apt-get install openjdk-17-jre-headless"
    )


def test_an_empty_java_home_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(f"JAVA_HOME ({tmp_path}) holds none")):
        check_java({"JAVA_HOME": str(tmp_path)})


@pytest.mark.parametrize(
    ("said", "version"),
    [
        pytest.param('openjdk version "11.0.2" 2019-01-15', "is 11;", id="too old"),
        pytest.param('java version "1.8.0_402"', "is 1;", id="8"),
        pytest.param('openjdk version "25" 2025-09-16', "is 25;", id="too new"),
        pytest.param("hello", "is of no known version", id="no java"),
    ],
)
def test_another_java_is_refused(tmp_path: Path, said: str, version: str) -> None:
    java = tmp_path / "java"
    java.write_text(f"#!/bin/sh\necho '{said}' >&2\n")
    java.chmod(0o755)
    with pytest.raises(ConfigurationError, match=version):
        check_java({"PATH": str(tmp_path)})


def test_the_embedded_session_is_of_this_machine_alone(spark: SparkSession) -> None:
    assert is_local(spark)
    assert spark.conf.get("spark.driver.host") == "127.0.0.1"
    assert spark.conf.get("spark.ui.enabled") == "false"


def test_workers_import_what_is_installed(spark: "SparkSession") -> None:
    """And not Spark's archive of the same, which is compiled anew in each session."""
    found = spark.sparkContext.parallelize([0], 1).map(_pyspark).collect()
    assert found == [_pyspark(0)]
    assert ".zip" not in found[0]


def _pyspark(_: int) -> str:
    import pyspark

    return str(pyspark.__file__)
