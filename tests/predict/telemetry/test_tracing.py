"""Traces: what reaches the daemon of X-Ray, from the real handler under the real runtime."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.aws import Aws
from local.emulator import Emulator
from local.event import http_event
from serving.errors import ConfigurationError
from serving.settings import Settings
from tests.predict.batch.test_deliveries import bridge_event
from tests.predict.batch.test_edge import event
from tests.support.batch import put
from tests.support.documents import matrices, one, xml
from tests.support.processes import environment
from tests.support.xray import daemon

TRACED, XML = "tests.support.traced.handle", {"content-type": "application/xml"}


def test_each_part_is_a_subsegment_with_counts(bundle: Path, aws: Aws) -> None:
    document = xml(matrices(3))
    with daemon() as xray:
        env = {"MODEL_DIR": str(bundle), "TRACED": "predict.handler.api"} | aws.env | xray.env
        with Emulator(env, handler=TRACED) as emulator:
            emulator.invoke(http_event("GET", "/health/live"))
            emulator.invoke(http_event("POST", "/predictions", document, XML))
            emulator.invoke(http_event("POST", "/predictions", one("1 2"), XML))
            emulator.invoke(http_event("POST", "/uploads"))
            good, bad, store = xray.segments(3)
    assert (good["name"], bad["name"], store["name"]) == ("predict", "predict", "store")
    assert good["annotations"] == {"matrices": 3, "document_bytes": len(document)}
    assert good["parent_id"] == "53995c3f42cd8ad8"
    assert 0 < good["end_time"] - good["start_time"] < 60
    assert bad["error"]
    for each in (good, bad, store):
        assert not {"cause", "metadata", "fault", "http", "aws", "sql"} & each.keys()


def test_a_document_of_s3_is_traced(bundle: Path, aws: Aws, name: str) -> None:
    put(aws, name, xml(matrices(2)))
    with daemon() as xray:
        handler = "predict.batch.handler.batch"
        env = {"MODEL_DIR": str(bundle), "TRACED": handler} | aws.env | xray.env
        with Emulator(env, handler=TRACED) as emulator:
            emulator.invoke(event(bridge_event(f"uploads/{name}")))
            segments = xray.segments(2)
    assert [each["name"] for each in segments] == ["predict", "publish"]
    assert segments[0]["annotations"]["matrices"] == 2


@pytest.mark.parametrize("tracing", ["off", "on"])
def test_the_tracer_is_imported_only_where_it_is_on(root: Path, tracing: str) -> None:
    code = "import predict.handler, sys; print('aws_xray_sdk.core' in sys.modules)"
    env = environment(MODEL_DIR="models/demo/bundle", TRACING=tracing)
    done = subprocess.run([sys.executable, "-c", code], cwd=root, env=env, capture_output=True)
    assert done.stdout.split() == [str(tracing == "on").encode()]


@pytest.mark.parametrize("value", ["", "yes", "ON", "Active"])
def test_a_setting_that_is_neither_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match=f'TRACING is "{value}": expected on or off'):
        Settings.from_env({"MODEL_DIR": "x", "TRACING": value})
    assert not Settings.from_env({"MODEL_DIR": "x"}).tracing
    assert Settings.from_env({"MODEL_DIR": "x", "TRACING": "on"}).tracing
