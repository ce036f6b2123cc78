"""One document, as often and in whatever order it is asked for: one result, and the right one."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.aws import BUCKET, Aws
from predict import objects
from predict.answer import to_json
from predict.batch.deadline import Deadline
from predict.batch.job import Job, Outcome, create_job
from predict.batch.notes import Progress
from predict.erasure import abort_uploads
from predict.keys import Note, Parts, Source, note_key, result_key
from predict.store import Store
from serving.errors import ChangedError, UnavailableError
from serving.model import Model, open_model, predict_all
from serving.settings import Settings
from tests.support.batch import FOREVER, Limited, left, problem, put, result
from tests.support.documents import every_form, matrices, one, xml

SMALL = xml(matrices(3))


@pytest.fixture(scope="module")
def job(bundle: Path, store: Store, stored: Settings) -> Job:
    return create_job(open_model(bundle, threads=1), store, stored)


def inline(model: Model, count: int) -> bytes:
    """What the inline path answers."""
    return to_json(model, predict_all(matrices(count), model, model.passport.batch_size), 10**9)


def test_job_answers_the_bytes_of_the_inline_path(
    job: Job, store: Store, aws: Aws, model: Model, name: str
) -> None:
    for form, (body, _) in every_form(matrices(20)).items():
        put(aws, f"{name}{form}", body)
        assert job.run(f"{name}{form}", FOREVER) is Outcome.PREDICTED
        assert result(store, f"{name}{form}") == inline(model, 20)
        assert not left(aws, f"{name}{form}")


def test_job_is_done_once(job: Job, store: Store, aws: Aws, name: str) -> None:
    put(aws, name, SMALL)
    assert job.run(name, FOREVER) is Outcome.PREDICTED
    first = store.result(name)
    assert job.run(name, FOREVER) is Outcome.REPEATED
    assert store.result(name) == first


def test_another_model_does_not_predict_a_document_again(
    job: Job, store: Store, aws: Aws, name: str
) -> None:
    put(aws, name, SMALL)
    job.run(name, FOREVER)
    passport = job.model.passport.model_copy(update={"version": "2"})
    other = replace(job, model=Model(passport, job.model._engine, {}))
    assert other.run(name, FOREVER) is Outcome.REPEATED
    assert b'"version":"1"' in result(store, name)


def test_job_answers_the_document_that_is_there(
    job: Job, store: Store, aws: Aws, model: Model, name: str
) -> None:
    """Overwritten by another, then by a bad one, then by a good one."""
    put(aws, name, SMALL)
    job.run(name, FOREVER)
    put(aws, name, xml(matrices(2)))
    assert job.run(name, FOREVER) is Outcome.PREDICTED
    assert result(store, name) == inline(model, 2)
    put(aws, name, b"<a")
    assert job.run(name, FOREVER) is Outcome.REFUSED
    assert problem(store, name)["status"] == 400
    put(aws, name, SMALL)
    assert job.run(name, FOREVER) is Outcome.PREDICTED
    assert result(store, name) == inline(model, 3)


@pytest.mark.parametrize(
    ("content", "status", "detail"),
    [
        pytest.param(b"", 400, "empty document", id="empty"),
        pytest.param(b"hello", 400, "neither XML, npz nor npy", id="text"),
        pytest.param(SMALL[:-20], 400, "not well-formed XML", id="cut short"),
        pytest.param(gzip.compress(SMALL)[:-20], 400, "damaged gzip", id="gzip cut short"),
        pytest.param(one("1 2", ' id="a7"'), 422, "expected 5000 values, got 2", id="short"),
        pytest.param(b"<matrices/>", 422, "no matrix", id="no matrix"),
        pytest.param(b"<!DOCTYPE a><a/>", 400, "a DTD", id="DTD"),
    ],
)
def test_a_bad_document_has_a_problem_as_its_result(
    job: Job, store: Store, aws: Aws, name: str, content: bytes, status: int, detail: str
) -> None:
    put(aws, name, content)
    assert job.run(name, FOREVER) is Outcome.REFUSED
    found = problem(store, name)
    assert found["status"] == status
    assert detail in found["detail"]
    assert job.run(name, FOREVER) is Outcome.REPEATED
    assert not left(aws, name)


def test_a_problem_late_in_a_document_leaves_nothing_of_it(
    job: Job, store: Store, aws: Aws, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts of the result were uploaded by then."""
    monkeypatch.setattr(objects, "PART_BYTES", 1024)
    put(aws, name, xml(matrices(60)).replace(b"</matrices>", b"<matrix>1</matrix></matrices>"))
    assert job.run(name, FOREVER) is Outcome.REFUSED
    assert problem(store, name)["matrix"] == "60"
    assert not left(aws, name)


def test_a_document_that_is_too_long_is_refused_unread(
    job: Job, store: Store, aws: Aws, name: str
) -> None:
    limits = replace(job.document.limits, inflated_bytes=1000)
    put(aws, name, SMALL)
    short = replace(job, document=replace(job.document, limits=limits))
    assert short.run(name, FOREVER) is Outcome.REFUSED
    assert "the limit of a document is 1,000" in problem(store, name)["detail"]


def test_a_document_of_three_invocations_has_the_bytes_of_one(
    job: Job, store: Store, aws: Aws, model: Model, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ids are of two bytes a letter, so that parts are cut inside of letters."""
    monkeypatch.setattr(objects, "PART_BYTES", 5 * 1024 * 1024 // 1024)
    given = [replace(m, id=f"é{m.id}") for m in matrices(100)]
    put(aws, name, xml(given))
    outcomes: list[Outcome] = []
    while not outcomes or outcomes[-1] is Outcome.CONTINUED:
        outcomes.append(job.run(name, Limited(60 + 60 * len(outcomes)).deadline))
        assert (store.result(name) is None) is (outcomes[-1] is Outcome.CONTINUED)
    assert len(outcomes) >= 3
    assert outcomes[-1] is Outcome.PREDICTED
    expected = to_json(model, predict_all(given, model, model.passport.batch_size), 10**9)
    assert result(store, name) == expected
    assert not left(aws, name)


def test_an_invocation_that_does_nothing_is_no_progress(
    job: Job, store: Store, aws: Aws, name: str
) -> None:
    put(aws, name, SMALL)
    with pytest.raises(UnavailableError, match="no batch was done"):
        job.run(name, Limited(1).deadline)
    assert store.result(name) is None


def test_a_document_that_takes_an_invocation_to_read_is_refused(
    job: Job, store: Store, aws: Aws, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where our own processor had the time; if it was S3 that was slow, another try may do."""
    put(aws, name, SMALL)
    monkeypatch.setattr(Deadline, "was_spent_on_computing", True)
    assert job.run(name, Limited(2).deadline) is Outcome.REFUSED
    assert "takes longer to read than an invocation lasts" in problem(store, name)["detail"]


def continued(job: Job, aws: Aws, name: str) -> None:
    """A document whose first half is predicted."""
    put(aws, name, xml(matrices(100)))
    assert job.run(name, Limited(60).deadline) is Outcome.CONTINUED
    assert left(aws, name)


def test_work_on_another_document_is_not_gone_on_with(
    job: Job, store: Store, aws: Aws, model: Model, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "PART_BYTES", 1024)
    continued(job, aws, name)
    put(aws, name, xml(matrices(99)))
    assert job.run(name, FOREVER) is Outcome.PREDICTED
    assert result(store, name) == inline(model, 99)
    assert not left(aws, name)


def test_work_of_another_model_is_not_gone_on_with(
    job: Job, store: Store, aws: Aws, name: str
) -> None:
    """Or one result would hold the answers of two."""
    continued(job, aws, name)
    passport = job.model.passport.model_copy(update={"version": "2"})
    other = replace(job, model=Model(passport, job.model._engine, {}))
    assert other.run(name, FOREVER) is Outcome.PREDICTED
    assert b'"version":"2"' in result(store, name)


def test_work_whose_parts_are_lost_is_done_again(
    job: Job, store: Store, aws: Aws, model: Model, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "PART_BYTES", 1024)
    continued(job, aws, name)
    abort_uploads(aws.client("s3"), BUCKET, result_key(name))
    real = Store.publish

    def publish(store: Store, source: Source, parts: Parts, status: int = 200) -> str:
        try:
            return real(store, source, parts, status)
        except UnavailableError as error:  # what S3 says, where moto has a 500
            raise ChangedError("NoSuchUpload") from error

    monkeypatch.setattr(Store, "publish", publish)
    monkeypatch.setattr("predict.store._Upload.put_part", _lost(name))
    assert job.run(name, FOREVER) is Outcome.PREDICTED
    assert result(store, name) == inline(model, 100)


def _lost(name: str) -> Callable[..., str]:
    """put_part as S3 answers it: NoSuchUpload for the upload that was aborted."""
    from predict.store import _Upload

    real = _Upload.put_part
    lost: list[str] = []

    def put_part(upload: Any, upload_id: str, number: int, content: bytes) -> str:
        if upload.source.name == name and not lost:
            lost.append(upload_id)
        if upload_id in lost:
            raise ChangedError("UploadPart: NoSuchUpload")
        return real(upload, upload_id, number, content)

    return put_part


def test_a_document_that_is_gone_has_no_result(job: Job, store: Store, aws: Aws, name: str) -> None:
    assert job.run(name, FOREVER) is Outcome.GONE
    continued(job, aws, name)
    aws.client("s3").delete_object(Bucket=BUCKET, Key=f"uploads/{name}")
    assert job.run(name, FOREVER) is Outcome.GONE
    assert store.result(name) is None
    assert not left(aws, name)


def test_a_result_outlives_its_document(job: Job, store: Store, aws: Aws, name: str) -> None:
    """Documents expire before results, and an event may come late."""
    put(aws, name, SMALL)
    job.run(name, FOREVER)
    aws.client("s3").delete_object(Bucket=BUCKET, Key=f"uploads/{name}")
    assert job.run(name, FOREVER) is Outcome.REPEATED
    assert store.result(name) is not None


@pytest.mark.parametrize("becomes", ["gone", "another"])
def test_a_document_that_changes_while_its_result_is_published(
    job: Job,
    store: Store,
    aws: Aws,
    model: Model,
    name: str,
    becomes: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever erases it does not find the result that is published a moment later."""
    real = Store.publish

    def publish(store: Store, source: Source, parts: Parts, status: int = 200) -> str:
        monkeypatch.setattr(Store, "publish", real)
        if becomes == "gone":
            store.erase(name)
        else:
            put(aws, name, xml(matrices(2)))
        return real(store, source, parts, status)

    monkeypatch.setattr(Store, "publish", publish)
    put(aws, name, SMALL)
    outcome = job.run(name, FOREVER)
    if becomes == "gone":
        assert outcome is Outcome.GONE
        assert store.result(name) is None
    else:
        assert outcome is Outcome.PREDICTED
        assert result(store, name) == inline(model, 2)


def test_a_document_that_goes_before_it_is_read_and_comes_again(
    job: Job, store: Store, aws: Aws, model: Model, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The problem would be kept, since the document is the same."""
    s3, real = aws.client("s3"), Store.read

    def read(store: Store, source: Source, check: Callable[[], None]) -> Any:
        monkeypatch.setattr(Store, "read", real)
        s3.delete_object(Bucket=BUCKET, Key=f"uploads/{name}")
        return real(store, source, check)

    monkeypatch.setattr(Store, "read", read)
    put(aws, name, SMALL)
    assert job.run(name, FOREVER) is Outcome.GONE
    put(aws, name, SMALL)
    assert job.run(name, FOREVER) is Outcome.PREDICTED
    assert result(store, name) == inline(model, 3)


def test_erasing_leaves_nothing_of_a_document_that_is_continued(
    job: Job, store: Store, aws: Aws, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "PART_BYTES", 1024)
    continued(job, aws, name)
    assert store.erase(name)
    assert left(aws, name) == {note_key(name, Note.ERASED)}
    assert job.run(name, FOREVER) is Outcome.GONE
    assert left(aws, name) == {note_key(name, Note.ERASED)}
    put(aws, name, SMALL)
    assert job.run(name, FOREVER) is Outcome.PREDICTED
    assert not left(aws, name)


def test_a_repetition_beside_a_job_that_handed_over_leaves_no_parts(
    job: Job, aws: Aws, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It publishes first, with parts of its own."""
    monkeypatch.setattr(objects, "PART_BYTES", 1024)
    real = Store.note
    monkeypatch.setattr(Store, "note", lambda *_: None)
    continued(job, aws, name)
    assert job.run(name, FOREVER) is Outcome.PREDICTED
    monkeypatch.setattr(Store, "note", real)
    assert not left(aws, name)


def test_a_document_that_changes_while_it_is_read(
    job: Job, store: Store, aws: Aws, model: Model, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Store.read

    def read(store: Store, source: Source, check: Callable[[], None]) -> Any:
        monkeypatch.setattr(Store, "read", real)
        put(aws, name, xml(matrices(2)))
        return real(store, source, check)

    monkeypatch.setattr(Store, "read", read)
    put(aws, name, SMALL)
    assert job.run(name, FOREVER) is Outcome.PREDICTED
    assert result(store, name) == inline(model, 2)


def test_a_job_that_comes_too_late_does_not_stop_the_one_on_the_newer_document(
    job: Job, store: Store, aws: Aws, model: Model, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose parts are there, and which hands over: the late one goes on with them."""
    monkeypatch.setattr(objects, "PART_BYTES", 1024)
    real = Store.publish
    begun: list[str] = []

    def publish(store: Store, source: Source, parts: Parts, status: int = 200) -> str:
        monkeypatch.setattr(Store, "publish", real)
        continued(job, aws, name)
        listed = aws.client("s3").list_multipart_uploads(Bucket=BUCKET)["Uploads"]
        begun.extend(u["UploadId"] for u in listed if u["Key"] == result_key(name))
        return real(store, source, parts, status)

    monkeypatch.setattr(Store, "publish", publish)
    put(aws, name, SMALL)
    assert job.run(name, FOREVER) is Outcome.PREDICTED
    assert result(store, name) == inline(model, 100)
    assert len(begun) == 1
    assert not left(aws, name)


def test_two_jobs_at_once_publish_one_result(
    job: Job, store: Store, aws: Aws, model: Model, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Store.publish
    outcomes = []

    def publish(store: Store, source: Source, parts: Parts, status: int = 200) -> str:
        monkeypatch.setattr(Store, "publish", real)
        outcomes.append(job.run(name, FOREVER))  # the other one, which is faster
        return real(store, source, parts, status)

    monkeypatch.setattr(Store, "publish", publish)
    put(aws, name, SMALL)
    outcomes.append(job.run(name, FOREVER))
    assert outcomes == [Outcome.PREDICTED, Outcome.REPEATED]
    assert result(store, name) == inline(model, 3)
    assert not left(aws, name)


def test_job_notes_how_far_it_is(
    job: Job, aws: Aws, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = []
    real = Store.put_note

    def put_note(store: Store, name: str, content: bytes, kind: Note) -> None:
        noted.append(content)
        real(store, name, content, kind)

    monkeypatch.setattr(Store, "put_note", put_note)
    monkeypatch.setattr("predict.batch.job._NOTE_EVERY_S", 0.0)
    put(aws, name, xml(matrices(20)))
    job.run(name, FOREVER)
    assert len(noted) == 20
    last = Progress.from_json(noted[-1])
    assert last is not None
    assert (last.matrices, last.progress, last.until) == (20, 1.0, None)
