"""Whom the running service speaks to: S3 and SQS of its region, and nobody else.

Both functions run in processes of their own, where an audit hook sees each connection and each
look-up of a name; with a stand-in for S3 and SQS, and as on AWS, without one.
"""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.aws import BUCKET, Aws
from tests.support.batch import put
from tests.support.documents import matrices, one, xml
from tests.support.processes import environment

# Of the audit's process: no pauses between tries, since it is not about time.
PROGRAM = """
import json, sys, time
time.sleep = lambda _: None
from tests.support.audit import watched
from local.delivery import Context, sqs_event
from local.event import http_event
events, bodies = json.load(sys.stdin)
answers = []
with watched() as seen:
    from predict.handler import api
    from predict.batch.handler import batch
    for event in events:
        method, path, *more = event
        content = [more[0].encode(), more[1]] if more else []
        answers.append(api(http_event(method, path, *content), Context())["statusCode"])
    for n, body in enumerate(bodies):
        attributes = {"ApproximateReceiveCount": "1"}
        message = {"MessageId": str(n), "ReceiptHandle": "r", "Body": body}
        batch(sqs_event([message | {"Attributes": attributes}]), Context())
print(json.dumps([answers, [[event, repr(place)] for event, place in seen]]))
"""
NAMES = ("good", "bad", "missing")
XML = {"content-type": "application/xml"}
LINK = {"content-type": "application/json"}
HOST = re.compile(r"\b(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|eu|fr|de|aws)\b")


def watch(env: dict[str, str], events: list[Any], bodies: list[str]) -> tuple[list[int], set[str]]:
    """What both functions answer, and where they went."""
    cleared = {name: text for name, text in environment().items() if "AWS_" not in name}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=cleared | env,
        input=json.dumps([events, bodies]).encode(),
        capture_output=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr.decode()
    answers, seen = json.loads(done.stdout.splitlines()[-1])
    return answers, {place for _, place in seen}


def announced(key: str) -> str:
    """The message that S3 puts into the queue."""
    s3 = {"bucket": {"name": BUCKET}, "object": {"key": key}}
    return json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": s3}]})


@pytest.fixture(scope="module")
def own() -> Iterator[Aws]:
    with Aws() as aws:
        yield aws


def test_the_service_speaks_to_the_stand_in_alone(own: Aws, bundle: Path) -> None:
    """Every route, a document by its URL, the batch with a good, a bad and a missing document."""
    put(own, "good", xml(matrices(2)))
    put(own, "bad", one("1 2"))
    link = own.client("s3").generate_presigned_url(
        "get_object", Params={"Bucket": BUCKET, "Key": "uploads/good"}
    )
    events: list[Any] = [
        ["POST", "/predictions", xml(matrices(1)).decode(), XML],
        ["POST", "/predictions", json.dumps({"url": link}), LINK],
        ["POST", "/predictions", "<!DOCTYPE a SYSTEM 'http://evil.example/x'><a/>", XML],
        ["POST", "/predictions", json.dumps({"url": "https://evil.example/x"}), LINK],
        ["POST", "/uploads"],
        ["GET", "/predictions/good"],
        ["DELETE", "/predictions/good"],
        *(["GET", path] for path in ("/limits", "/openapi.json", "/schema.xsd", "/v2")),
        *(["GET", f"/health/{what}"] for what in ("live", "ready")),
    ]
    env = {"MODEL_DIR": str(bundle)} | own.env
    answers, places = watch(env, events, [announced(f"uploads/{n}") for n in NAMES])
    assert answers[:7] == [200, 200, 400, 422, 201, 202, 204]
    host, _, port = own.endpoint.removeprefix("http://").partition(":")
    assert places == {repr(host), repr((host, int(port)))}


def test_on_aws_it_looks_up_its_own_regions_names(bundle: Path) -> None:
    """No network is needed to see whom it asks for."""
    env = {
        "MODEL_DIR": str(bundle),
        "AWS_REGION": "eu-west-3",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "BUCKET": BUCKET,
        "QUEUE_URL": "https://sqs.eu-west-3.amazonaws.com/123456789012/queue",
    }
    events = [["GET", "/predictions/x"], ["POST", "/predictions", "<a/>", XML]]
    answers, places = watch(env, events, [announced("uploads/x")])
    assert answers == [503, 422]
    names = {place.strip("'b") for place in places if not place.startswith(("[", "("))}
    assert names == {"documents.s3.eu-west-3.amazonaws.com", "sqs.eu-west-3.amazonaws.com"}


def constants(path: Path) -> Iterator[str]:
    """The texts of a module, but for those that stand alone, as docstrings do."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in alone:
            yield str(ast.literal_eval(node))


def test_the_code_names_no_other_host(root: Path) -> None:
    found = {
        (path.name, host)
        for folder in ("functions", "layers")
        for path in (root / folder).rglob("*.py")
        for text in constants(path)
        for host in HOST.findall(text)
    }
    assert found == {
        ("clients.py", "amazonaws.com"),
        ("clients.py", "amazonaws.eu"),
        ("presigned.py", "amazonaws.com"),  # what a URL of a caller's must end with
        ("contract.py", "documents.s3.eu-west-3.amazonaws.com"),  # an example in the contract
    }


def test_the_page_of_data_protection_names_them(root: Path) -> None:
    page = (root / "docs/operations/gdpr.md").read_text(encoding="utf-8")
    for host in ("s3.REGION.amazonaws.com", "sqs.REGION.amazonaws.com"):
        assert host in page, host
