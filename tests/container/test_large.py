"""Large documents through containers: sam local's API and batch function, and the bare image."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from local.api import host_of_containers
from local.aws import BUCKET, Aws
from local.delivery import deliver
from predict.answer import to_json
from serving.model import Model, predict_all
from tests.container.functions import container, docker, invoke
from tests.support.batch import put
from tests.support.documents import FORMS, long_file, matrices, one, xml
from tests.support.ground import Ground, ground
from tests.support.models import heavy
from tests.support.processes import children, environment
from tests.tables.links import LINKS, HostileLink

_DISTINCT = 64
_MB = 1e6 / 1024  # of what /proc counts in


@pytest.fixture(scope="module")
def place() -> Iterator[Ground]:
    with ground(host_of_containers()) as place:
        yield place


@pytest.fixture(scope="module")
def outputs(model: Model) -> list[Any]:
    """What the inline path says of each matrix of a long document, which then repeat."""
    given = matrices(_DISTINCT)
    return [p.output.tolist() for p in predict_all(given, model, model.passport.batch_size)]


def expected(outputs: list[Any], count: int) -> list[dict[str, Any]]:
    return [{"id": f"m{i}", "output": outputs[i % _DISTINCT]} for i in range(count)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("count", [1, 32, 1_000, 10_000])
def test_api_takes_what_the_client_sends(
    url: str, outputs: list[Any], tmp_path: Path, count: int, form: str
) -> None:
    out = tmp_path / "result.json"
    with long_file(tmp_path, count, form, _DISTINCT) as document:
        done = subprocess.run(
            [sys.executable, "-m", "client", str(document), "--url", url, "--out", str(out)],
            env=environment(),
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(out.read_bytes())["predictions"] == expected(outputs, count)


def test_api_gives_the_problem_of_an_upload(url: str) -> None:
    begun = httpx2.post(f"{url}/uploads", timeout=60).json()
    form = begun["upload"]
    file = {form["file_field"]: one("1 2", ' id="a7"')}
    assert httpx2.post(form["url"], data=form["fields"], files=file).status_code == 204
    for _ in range(60):
        answer = httpx2.get(url + begun["prediction"], timeout=60)
        if answer.status_code != 202:
            break
    assert answer.status_code == 422
    assert answer.json()["matrix"] == "a7"
    assert httpx2.delete(url + begun["prediction"], timeout=60).status_code == 204
    assert httpx2.get(url + begun["prediction"], timeout=60).status_code == 404


def test_api_follows_a_presigned_url_and_no_other(
    url: str, containers_aws: Aws, outputs: list[Any]
) -> None:
    put(containers_aws, "linked", xml(matrices(_DISTINCT)))
    link = containers_aws.client("s3").generate_presigned_url(
        "get_object", Params={"Bucket": BUCKET, "Key": "uploads/linked"}
    )
    answer = httpx2.post(f"{url}/predictions", json={"url": link}, timeout=60)
    assert answer.status_code == 200
    assert answer.json()["predictions"] == expected(outputs, _DISTINCT)
    for other in (link.replace("http://", "http://127.0.0.1@"), "http://169.254.169.254/?a"):
        answer = httpx2.post(f"{url}/predictions", json={"url": other}, timeout=60)
        assert answer.status_code == 422
        assert "the URL is not followed" in answer.json()["detail"]


# The others need a name server, or another S3: tests/predict/test_presigned.py.
BY_TEXT = [link for link in LINKS if not link.resolves_to and not link.redirects_to]


@pytest.mark.parametrize("link", BY_TEXT, ids=lambda link: link.what)
def test_api_follows_no_hostile_url(url: str, place: Ground, link: HostileLink) -> None:
    """Beside the function is a listener, at the address that it reaches this machine by."""
    answer = httpx2.post(f"{url}/predictions", json={"url": place.url(link.url)}, timeout=60)
    assert answer.status_code == 422
    assert link.reason in answer.json()["detail"]
    assert not place.was_reached()


@dataclass(frozen=True)
class Batch:
    """The image's batch function, and the queue that feeds it."""

    aws: Aws
    address: str
    emulator: int  # process, as this machine sees it

    @property
    def pid(self) -> int:
        """Of the function."""
        [python] = children(self.emulator)
        return python

    def kill(self) -> None:
        """The function, if it runs."""
        with contextlib.suppress(ValueError, ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def run(self) -> int:
        """Deliver what is in the queue; how many invocations that took."""
        sqs = self.aws.client("sqs")
        answers: list[Any] = []

        def once(event: Any) -> Any:
            answers.append(invoke(self.address, event))
            return answers[-1]

        while deliver(sqs, self.aws.queue_url, once, wait_s=0):
            assert answers[-1] == {"batchItemFailures": []}
        return len(answers)

    def result(self, name: str) -> dict[str, Any]:
        answer = self.aws.client("s3").get_object(Bucket=BUCKET, Key=f"predictions/{name}.json")
        content: dict[str, Any] = json.loads(answer["Body"].read())
        return content

    def memory_mb(self, kind: str) -> float:
        """What is resident (VmRSS), or the most so far (VmHWM)."""
        [line] = [
            line
            for line in Path(f"/proc/{self.pid}/status").read_text().splitlines()
            if line.startswith(kind)
        ]
        return int(line.split()[1]) / _MB

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")


@contextlib.contextmanager
def batch_function(
    image: str, *options: str, visibility_s: int = 1800, **env: str
) -> Iterator[Batch]:
    """With no more rights than Lambda gives."""
    with contextlib.ExitStack() as stack:
        aws = stack.enter_context(Aws(host_of_containers(), visibility_s=visibility_s))
        variables = {"AWS_LAMBDA_FUNCTION_TIMEOUT": "300"} | aws.env | env
        given = [text for item in variables.items() for text in ("--env", "=".join(item))]
        handler = "predict.batch.handler.batch"
        address = stack.enter_context(container(image, *given, *options, handler=handler))
        invoke(address, {"Records": []})  # starts it
        pid = int(docker("inspect", "--format", "{{.State.Pid}}", docker("ps", "-lq")))
        yield Batch(aws, address, pid)


@pytest.fixture(scope="module")
def batch(fast_image: str) -> Iterator[Batch]:
    with batch_function(fast_image) as batch:
        yield batch


@pytest.mark.parametrize("form", FORMS)
def test_batch_holds_little_more_than_a_batch(
    batch: Batch, outputs: list[Any], tmp_path: Path, form: str
) -> None:
    """10,000 matrices, 1 GB and more: at most 150 MB beyond what 32 take."""
    put(batch.aws, f"small-{form}", xml(matrices(32), form))
    batch.run()
    first = batch.memory_mb("VmRSS")
    with long_file(tmp_path, 10_000, form, _DISTINCT) as document:
        _upload(batch.aws, f"large-{form}", document)
    batch.forget_peak()
    batch.run()
    assert batch.memory_mb("VmHWM") - first <= 150
    assert batch.result(f"large-{form}")["predictions"] == expected(outputs, 10_000)


def _upload(aws: Aws, name: str, document: Path) -> None:
    url = aws.client("s3").generate_presigned_url(
        "put_object", Params={"Bucket": BUCKET, "Key": f"uploads/{name}"}
    )
    subprocess.run(["curl", "-sfT", str(document), url], check=True, env=os.environ)


def test_batch_gives_every_document_its_result(batch: Batch, outputs: list[Any]) -> None:
    put(batch.aws, "lab night/a+b é.xml", xml(matrices(3)))
    put(batch.aws, "bad", b"<a")
    put(batch.aws, "good", xml(matrices(2)))
    batch.run()
    assert batch.result("lab night/a+b é.xml")["predictions"] == expected(outputs, 3)
    assert batch.result("good")["predictions"] == expected(outputs, 2)
    assert batch.result("bad")["status"] == 400


def test_batch_continues_in_further_invocations(fast_image: str, tmp_path: Path) -> None:
    """Of five seconds, of which three are for handing over."""
    model = heavy(tmp_path)
    given = matrices(700, (400, 1))
    with batch_function(
        fast_image,
        *("--volume", f"{tmp_path / 'bundle'}:/opt/heavy:ro"),
        MODEL_DIR="/opt/heavy",
        AWS_LAMBDA_FUNCTION_TIMEOUT="5",
        HAND_OVER_S="3",
    ) as batch:
        put(batch.aws, "long", xml(given))
        assert batch.run() >= 3
        answer = batch.aws.client("s3").get_object(Bucket=BUCKET, Key="predictions/long.json")
        content = answer["Body"].read()
    expected = to_json(model, predict_all(given, model, model.passport.batch_size), 10**9)
    assert content == expected


def test_batch_survives_its_own_death(fast_image: str, outputs: list[Any]) -> None:
    """Killed while it works, at moments of a seed; every document still gets its result."""
    rng = random.Random(1)
    names = [f"{i}.xml" for i in range(8)]
    with batch_function(fast_image, visibility_s=3) as batch:
        for name in names:
            put(batch.aws, name, xml(matrices(_DISTINCT)))
        kills = 0

        def invoke_and_kill(event: Any) -> Any:
            nonlocal kills
            if kills < len(names):
                kills += 1
                threading.Timer(rng.uniform(0.02, 0.25), batch.kill).start()
            return invoke(batch.address, event)

        sqs, deadline = batch.aws.client("sqs"), time.monotonic() + 90
        while len(done := _results(batch.aws)) < len(names) and time.monotonic() < deadline:
            with contextlib.suppress(OSError, KeyError, ValueError):
                deliver(sqs, batch.aws.queue_url, invoke_and_kill)
        assert kills == len(names)
        assert done == {f"predictions/{name}.json" for name in names}
        for name in names:
            assert batch.result(name)["predictions"] == expected(outputs, _DISTINCT)


def _results(aws: Aws) -> set[str]:
    listed = aws.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="predictions/")
    return {found["Key"] for found in listed.get("Contents", [])}
