"""The bucket in memory does what S3 does, as far as the store asks."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from local.aws import Aws
from predict.keys import Note
from predict.store import Store
from serving.errors import ServingError
from serving.settings import Storage
from tests.fuzz.events.bucket import Bucket


@pytest.fixture
def memory() -> Store:
    store = Store(Storage("documents", "eu-west-3"))
    store.__dict__["_s3"] = Bucket()
    return store


def steps(store: Store, name: str) -> Iterator[Callable[[], Any]]:
    """What the functions ask of a store, in an order that meets each condition both ways."""
    yield lambda: store.source(name)
    yield lambda: store.result(name)
    yield lambda: store.note(name, Note.WORK)
    yield lambda: store._put(f"uploads/{name}", b"first")[:32]
    source = store.source(name)
    assert source is not None
    yield lambda: store.source(name)
    yield lambda: store.read(source, lambda: None).read()
    for kind in Note:
        yield partial(store.put_note, name, b"{}", kind)
        yield partial(store.note, name, kind)
    writer = store.writer(source)
    yield lambda: writer.write(b"[1, 2, 3]")
    yield lambda: store.publish(source, writer.pause())[:32]
    yield lambda: store.publish(source, writer.pause())
    yield lambda: store.result(name)
    yield lambda: store.result_body(name, found) if (found := store.result(name)) else None
    yield lambda: store.withdraw(name, "another")
    yield lambda: store.withdraw(name, found.etag) if (found := store.result(name)) else None
    yield lambda: store.result(name)
    long = store.writer(source)
    yield lambda: long.write(b"x" * 9_000_000)
    yield lambda: len(store.publish(source, long.pause()))
    yield lambda: found.size_bytes if (found := store.result(name)) else None
    other = store.writer(source)
    yield lambda: other.write(b"y" * 9_000_000)
    yield lambda: store.publish(source, other.pause())
    yield lambda: store.abandon(name, other.parts)
    yield lambda: store._s3.list_multipart_uploads(Bucket=store.storage.bucket).get("Uploads")
    yield lambda: store._put(f"uploads/{name}", b"second")[:32]
    yield lambda: store.read(source, lambda: None).read()
    yield lambda: store.tidy(name)
    yield lambda: [store.note(name, kind) for kind in Note]
    yield lambda: store.erase(name)
    yield lambda: (store.source(name), store.result(name), store.was_erased(name))
    yield lambda: store.erase(name)


def seen(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except ServingError as error:
        return type(error)


def test_the_bucket_answers_as_s3_does(memory: Store, store: Store, aws: Aws, name: str) -> None:
    assert aws
    for position, (ours, theirs) in enumerate(
        zip(steps(memory, name), steps(store, name), strict=True)
    ):
        assert seen(ours) == seen(theirs), position
