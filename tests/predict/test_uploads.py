"""The routes of large documents, over a real S3 protocol: upload, wait, result, erase."""

import json
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from time import time
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from botocore.exceptions import ClientError
from fastapi.testclient import TestClient

from local.aws import BUCKET, Aws
from predict.api import create_app
from predict.batch.job import Job, Outcome, create_job
from predict.batch.notes import Progress
from predict.keys import Note, Parts
from predict.store import Store
from serving.errors import UnavailableError
from serving.model import Model, open_model
from serving.settings import Settings
from tests.support.batch import FOREVER, put
from tests.support.documents import matrices, one, xml

XML = {"content-type": "application/xml"}
SMALL = xml(matrices(3))


@pytest.fixture
def name(name: str) -> str:
    """The test client, Mangum and API Gateway decode a path twice."""
    return name.replace("%", "")


def client_of(model: Model, settings: Settings, store: Store) -> TestClient:
    app = create_app(model, settings, lambda: store)
    return TestClient(app, follow_redirects=False, raise_server_exceptions=False)


@pytest.fixture(scope="module")
def large(model: Model, stored: Settings, store: Store) -> Iterator[TestClient]:
    with client_of(model, stored, store) as client:
        yield client


@pytest.fixture(scope="module")
def job(bundle: Path, store: Store, stored: Settings) -> Job:
    return create_job(open_model(bundle, threads=1), store, stored)


def address(name: str) -> str:
    return f"/predictions/{quote(name)}"


def test_from_the_form_to_the_result(large: TestClient, job: Job) -> None:
    begun = large.post("/uploads")
    assert begun.status_code == 201
    content = begun.json()
    assert begun.headers["location"] == content["prediction"] == f"/predictions/{content['id']}"
    assert large.get(content["prediction"]).status_code == 404
    form = content["upload"]
    sent = httpx2.post(form["url"], data=form["fields"], files={form["file_field"]: SMALL})
    assert sent.status_code == 204
    waiting = large.get(content["prediction"])
    assert waiting.status_code == 202
    assert waiting.headers["retry-after"] == "2"
    assert waiting.json() == {
        "id": content["id"],
        "state": "waiting",
        "matrices": 0,
        "progress": 0.0,
    }
    job.run(content["id"], FOREVER)
    done = large.get(content["prediction"])
    assert done.status_code == 200
    assert done.content == large.post("/predictions", content=SMALL, headers=XML).content


def test_two_uploads_have_two_names(large: TestClient) -> None:
    names = {large.post("/uploads").json()["id"] for _ in range(2)}
    assert len(names) == 2
    assert all(len(name) == 32 for name in names)


def test_the_form_holds_the_limit_of_its_size(large: TestClient, stored: Settings) -> None:
    """S3 holds it; the stand-in does not look."""
    import base64

    form = large.post("/uploads").json()["upload"]
    policy = json.loads(base64.b64decode(form["fields"]["policy"]))
    limit = stored.limits.upload_bytes
    assert ["content-length-range", 1, limit] in policy["conditions"]
    assert {"bucket": BUCKET} in policy["conditions"]
    assert {"key": form["fields"]["key"]} in policy["conditions"]
    assert form["max_bytes"] == limit


def test_how_far_it_is(large: TestClient, store: Store, aws: Aws, name: str) -> None:
    put(aws, name, SMALL)
    store.put_note(name, Progress(matrices=3200, progress=0.42).to_json(), Note.PROGRESS)
    content = large.get(address(name)).json()
    assert content == {"id": name, "state": "running", "matrices": 3200, "progress": 0.42}


def test_what_was_set_aside_is_not_waited_for(
    large: TestClient, store: Store, aws: Aws, name: str, job: Job
) -> None:
    put(aws, name, SMALL)
    store.put_note(name, Progress(until=time()).to_json(), Note.PROGRESS)
    answer = large.get(address(name))
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:verger:problem:set-aside"
    job.run(name, FOREVER)  # brought back
    assert large.get(address(name)).status_code == 200


def test_the_last_try_is_waited_for_until_it_ends(
    large: TestClient, store: Store, aws: Aws, name: str
) -> None:
    """Its function may die without a word."""
    put(aws, name, SMALL)
    store.put_note(name, Progress(until=time() + 60).to_json(), Note.PROGRESS)
    assert large.get(address(name)).status_code == 202
    store.put_note(name, Progress(until=time() - 1).to_json(), Note.PROGRESS)
    assert large.get(address(name)).status_code == 503


def test_a_note_on_the_document_before_is_no_note(
    large: TestClient, store: Store, aws: Aws, name: str
) -> None:
    put(aws, name, SMALL)
    note = Progress(source="another", until=time() - 1, matrices=7)
    store.put_note(name, note.to_json(), Note.PROGRESS)
    assert large.get(address(name)).json()["state"] == "waiting"


@pytest.mark.parametrize("name", ["%ED%A0%80", "x" * 1008])
def test_a_name_that_no_document_has(large: TestClient, name: str) -> None:
    for method in (large.get, large.delete):
        assert method(f"/predictions/{name}").status_code == 404


def test_a_document_that_nobody_can_read_any_more_has_no_older_result(
    large: TestClient, store: Store, aws: Aws, name: str, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was good, then its sender wrote it over, encrypted with a key that we do not have."""
    put(aws, name, SMALL)
    job.run(name, FOREVER)
    head, get = store._s3.head_object, store._s3.get_object

    def refuse(real: Any, code: str) -> Any:
        def ask(**asked: Any) -> Any:
            if asked["Key"] == f"uploads/{name}":
                raise ClientError({"Error": {"Code": code}}, "GetObject")
            return real(**asked)

        return ask

    monkeypatch.setattr(store._s3, "head_object", refuse(head, "400"))
    monkeypatch.setattr(store._s3, "get_object", refuse(get, "InvalidRequest"))
    assert large.get(address(name)).status_code == 202
    assert job.run(name, FOREVER) is Outcome.REFUSED
    answer = large.get(address(name))
    assert answer.status_code == 422
    assert "encrypted with a key that only its sender has" in answer.json()["detail"]
    assert job.run(name, FOREVER) is Outcome.REPEATED


def test_a_note_that_nobody_can_read_is_no_note(
    large: TestClient, store: Store, aws: Aws, name: str
) -> None:
    put(aws, name, SMALL)
    store.put_note(name, b"[]", Note.PROGRESS)
    assert large.get(address(name)).json()["state"] == "waiting"


def test_the_problem_that_the_document_had(
    large: TestClient, aws: Aws, name: str, job: Job
) -> None:
    bad = one("1 2", ' id="a7"')
    put(aws, name, bad)
    job.run(name, FOREVER)
    answer = large.get(address(name))
    inline = large.post("/predictions", content=bad, headers=XML)
    assert answer.status_code == inline.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.content == inline.content


def test_a_result_that_is_too_large_is_fetched_from_s3(
    model: Model, stored: Settings, store: Store, large: TestClient, aws: Aws, name: str, job: Job
) -> None:
    put(aws, name, SMALL)
    job.run(name, FOREVER)
    limits = replace(stored.limits, answer_bytes=100)
    with client_of(model, replace(stored, limits=limits), store) as small:
        answer = small.get(address(name))
    assert answer.status_code == 303
    assert not answer.content
    fetched = httpx2.get(answer.headers["location"])
    assert fetched.content == large.get(address(name)).content


def test_a_result_is_as_long_as_lambda_sends_it(
    model: Model, stored: Settings, store: Store, aws: Aws, name: str, job: Job
) -> None:
    """A quote takes two bytes there."""
    put(aws, name, SMALL)
    job.run(name, FOREVER)
    result = store.result(name)
    assert result is not None
    limits = replace(stored.limits, answer_bytes=result.size_bytes + 1)
    with client_of(model, replace(stored, limits=limits), store) as small:
        assert small.get(address(name)).status_code == 303


def test_an_older_result_is_not_the_answer(
    large: TestClient, aws: Aws, name: str, job: Job
) -> None:
    put(aws, name, SMALL)
    job.run(name, FOREVER)
    put(aws, name, xml(matrices(2)))
    assert large.get(address(name)).status_code == 202


def test_erased_is_erased(large: TestClient, aws: Aws, name: str, job: Job) -> None:
    put(aws, name, SMALL)
    job.run(name, FOREVER)
    answer = large.delete(address(name))
    assert (answer.status_code, answer.content) == (204, b"")
    assert large.get(address(name)).status_code == 404
    assert large.delete(address(name)).status_code == 404
    listed = aws.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])
    keys = [o["Key"] for o in listed]
    assert not [key for key in keys if name in key]
    assert f"progress/{sha256(name.encode()).hexdigest()}.erased" in keys


def test_a_result_that_a_dead_job_left_behind_an_erasure_is_none(
    large: TestClient, store: Store, aws: Aws, name: str, job: Job
) -> None:
    """It was published when the document was gone, and the job died before it looked."""
    put(aws, name, SMALL)
    source = store.source(name)
    assert source is not None
    assert large.delete(address(name)).status_code == 204
    store.publish(source, Parts(tail=b"{}"))
    assert large.get(address(name)).status_code == 404
    assert job.run(name, FOREVER) is Outcome.GONE
    assert store.result(name) is None
    put(aws, name, SMALL)  # the name may be used again
    assert job.run(name, FOREVER) is Outcome.PREDICTED
    assert large.get(address(name)).status_code == 200
    assert not store.was_erased(name)


@pytest.mark.parametrize("path", ["/predictions/nowhere", "/predictions/a/b/c.xml"])
def test_nothing_is_there(large: TestClient, path: str) -> None:
    answer = large.get(path)
    assert answer.status_code == 404
    assert "nothing was uploaded under this id" in answer.json()["detail"]


def presigned(aws: Aws, name: str) -> str:
    url: str = aws.client("s3").generate_presigned_url(
        "get_object", Params={"Bucket": BUCKET, "Key": f"uploads/{name}"}
    )
    return url


def test_a_presigned_url_is_followed(large: TestClient, aws: Aws, name: str) -> None:
    put(aws, name, SMALL)
    answer = large.post("/predictions", json={"url": presigned(aws, name)})
    assert answer.status_code == 200
    assert answer.content == large.post("/predictions", content=SMALL, headers=XML).content


@pytest.mark.parametrize(
    ("content", "status", "detail"),
    [
        ({}, 422, "url: Field required: expected {"),
        ({"url": 7}, 422, "url: Input should be a valid string: expected {"),
        ({"url": "x", "more": 1}, 422, "more: Extra inputs are not permitted: expected {"),
        ({"url": "https://example.com/a"}, 422, ""),
        ({"url": "x" * 20_000}, 413, "This is more than a URL"),
    ],
)
def test_a_wrong_url_is_refused(large: TestClient, content: Any, status: int, detail: str) -> None:
    answer = large.post("/predictions", json=content)
    assert answer.status_code == status
    assert detail in answer.json()["detail"]


def test_a_url_that_is_not_json_is_refused(large: TestClient) -> None:
    headers = {"content-type": "application/json"}
    answer = large.post("/predictions", content=b'{"url": ', headers=headers)
    assert answer.status_code == 400
    assert "Invalid JSON: EOF while parsing" in answer.json()["detail"]


def test_the_problem_of_a_linked_document(large: TestClient, aws: Aws, name: str) -> None:
    put(aws, name, one("1 2"))
    answer = large.post("/predictions", json={"url": presigned(aws, name)})
    assert answer.status_code == 422
    assert "expected 5000 values, got 2" in answer.json()["detail"]
    answer = large.post("/predictions", json={"url": presigned(aws, "nowhere")})
    assert answer.status_code == 422
    assert "S3 answers 404" in answer.json()["detail"]


def test_too_large_comes_with_the_way_out(large: TestClient) -> None:
    answer = large.post("/predictions", content=b" " * 6_000_001, headers=XML)
    assert answer.status_code == 413
    assert "POST /uploads" in answer.json()["detail"]
    form = answer.json()["upload"]["upload"]
    sent = httpx2.post(form["url"], data=form["fields"], files={form["file_field"]: SMALL})
    assert sent.status_code == 204


def test_too_large_stays_the_problem_where_nobody_can_sign(model: Model, stored: Settings) -> None:
    assert stored.storage is not None

    class Unable(Store):
        def upload_form(self, name: str, limit_bytes: int) -> dict[str, Any]:
            raise UnavailableError(f"no credentials for {name}, {limit_bytes}")

    with client_of(model, stored, Unable(stored.storage)) as client:
        answer = client.post("/predictions", content=b" " * 6_000_001, headers=XML)
    assert answer.status_code == 413
    assert "upload" not in answer.json()


def test_without_a_bucket_there_are_no_such_routes(client: TestClient) -> None:
    assert client.post("/uploads").status_code == 404
    assert client.get("/predictions/a").status_code == 404
    answer = client.post("/predictions", content=b" " * 6_000_001, headers=XML)
    assert "upload" not in answer.json()
    assert "POST /uploads" not in answer.json()["detail"]


def test_s3_that_does_not_answer_is_a_passing_fault(
    model: Model, stored: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    assert stored.storage is not None
    nowhere = Store(replace(stored.storage, endpoint="http://127.0.0.1:9"))
    with client_of(model, stored, nowhere) as client:
        answer = client.get("/predictions/a")
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:verger:problem:unavailable"
