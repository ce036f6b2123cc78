"""The bucket, over HTTP: what is written when, and what is not."""

from dataclasses import replace

import pytest

from local.aws import BUCKET, Aws
from predict.keys import Note, Parts, Source, result_key
from predict.objects import PART_BYTES
from predict.store import Store
from serving.errors import ChangedError, UnavailableError
from serving.settings import Storage


@pytest.fixture
def source(store: Store, aws: Aws, name: str) -> Source:
    aws.client("s3").put_object(Bucket=BUCKET, Key=f"uploads/{name}", Body=b"<matrices/>")
    found = store.source(name)
    assert found is not None
    return found


def test_store_knows_what_is_there(store: Store, source: Source, name: str) -> None:
    assert (source.name, source.size_bytes) == (name, 11)
    assert store.source("nowhere") is None
    assert store.result(name) is None
    assert store.note(name, Note.PROGRESS) is None
    assert store.read(source, lambda: None).read() == b"<matrices/>"


def test_store_reads_no_other_version(store: Store, aws: Aws, source: Source) -> None:
    aws.client("s3").put_object(Bucket=BUCKET, Key=f"uploads/{source.name}", Body=b"other")
    with pytest.raises(ChangedError):
        store.read(source, lambda: None).read()


@pytest.mark.parametrize("length", [0, 10, PART_BYTES, 2 * PART_BYTES, 2 * PART_BYTES + 1])
def test_store_publishes_once_and_whole(store: Store, source: Source, length: int) -> None:
    content = bytes(range(256)) * (length // 256 + 1)
    writer = store.writer(source)
    writer.write(content[:length])
    assert store.result(source.name) is None
    parts = writer.pause()
    store.publish(source, parts)
    found = store.result(source.name)
    assert found is not None
    assert (found.source_etag, found.status, found.size_bytes) == (source.etag, 200, length)
    assert store.result_body(source.name, found) == content[:length]
    with pytest.raises(ChangedError):
        store.publish(source, Parts(tail=b"second"))
    assert store.result_body(source.name, found) == content[:length]


def test_store_publishes_no_second_upload(store: Store, source: Source) -> None:
    first, second = store.writer(source), store.writer(source)
    for writer in (first, second):
        writer.write(b"x" * PART_BYTES)
    store.publish(source, first.pause())
    with pytest.raises(ChangedError):
        store.publish(source, second.pause())


def test_store_tidies_what_is_not_finished(store: Store, aws: Aws, source: Source) -> None:
    writers = [store.writer(source) for _ in range(2)]
    neighbour = store.writer(replace(source, name=f"{source.name}.2"))
    for writer in (*writers, neighbour):
        writer.write(b"x" * PART_BYTES)
    for kind in Note:
        store.put_note(source.name, b"{}", kind)
    store.tidy(source.name)
    assert store.was_erased(source.name)
    store.tidy(source.name, Note)
    store.tidy(source.name, Note)  # however often
    assert [store.note(source.name, kind) for kind in Note] == [None] * len(Note)
    listed = aws.client("s3").list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    keys = [upload["Key"] for upload in listed]
    assert result_key(source.name) not in keys
    assert result_key(f"{source.name}.2") in keys
    with pytest.raises(UnavailableError):  # NoSuchUpload in AWS, a 500 here
        store.publish(source, writers[0].pause())


def test_store_withdraws_the_result_that_was_meant(store: Store, source: Source) -> None:
    etag = store.publish(source, Parts(tail=b"first"))
    with pytest.raises(ChangedError):
        store.withdraw(source.name, "another")
    store.withdraw(source.name, etag)
    store.withdraw(source.name, etag)  # however often
    assert store.result(source.name) is None


def test_store_erases_every_version_and_no_neighbour(
    store: Store, aws: Aws, source: Source, name: str
) -> None:
    s3 = aws.client("s3")
    store.publish(source, Parts(tail=b"{}"))
    store.put_note(name, b"{}", Note.PROGRESS)
    store.put_note(name, b"{}", Note.WORK)
    store.writer(source).write(b"x" * PART_BYTES)
    s3.put_object(Bucket=BUCKET, Key=f"uploads/{name}.2", Body=b"a neighbour")
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    try:
        s3.put_object(Bucket=BUCKET, Key=f"uploads/{name}", Body=b"again")
        s3.delete_object(Bucket=BUCKET, Key=f"uploads/{name}")
        assert store.erase(name)
    finally:
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    for key in (f"uploads/{name}", result_key(name), f"progress/{name}.json"):
        found = s3.list_object_versions(Bucket=BUCKET, Prefix=key)
        listed = [*found.get("Versions", []), *found.get("DeleteMarkers", [])]
        assert key not in {version["Key"] for version in listed}
    assert s3.head_object(Bucket=BUCKET, Key=f"uploads/{name}.2")["ContentLength"] == 11
    uploads = s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    assert result_key(name) not in [upload["Key"] for upload in uploads]
    assert store.was_erased(name)
    assert not store.erase(name)


def test_store_signs_for_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else S3 in Europe answers with a redirect, or that the signature does not match."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    for region, suffix in (("eu-west-3", "com"), ("eusc-de-east-1", "eu")):
        store = Store(Storage("my-documents", region))
        form = store.upload_form("a", 1000)
        assert form["url"] == f"https://my-documents.s3.{region}.amazonaws.{suffix}/"
        assert form["fields"]["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
        assert f"/{region}/s3/aws4_request" in form["fields"]["x-amz-credential"]
        url = store.result_url("ä b")
        assert url.startswith(
            f"https://my-documents.s3.{region}.amazonaws.{suffix}/predictions/%C3%A4%20b.json?"
        )


@pytest.mark.usefixtures("store")  # which has credentials
def test_store_says_that_s3_does_not_answer() -> None:
    nowhere = Store(Storage("b", "eu-west-3", "http://127.0.0.1:9"))
    with pytest.raises(UnavailableError, match="AWS does not answer"):
        nowhere.source("a")
