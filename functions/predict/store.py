"""Documents, results and notes in S3, and what may be written when.

A result is written once, and only whole (`If-None-Match`), and says which document it is of. So
whoever comes second, late or with an older document changes nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from predict.clients import ForbiddenError, s3_client, translated
from predict.contract import PROBLEM_TYPE
from predict.keys import NOTES, UPLOADS, Parts, Result, Source, result_key
from predict.objects import Body, ObjectReader, ObjectWriter
from serving.errors import InvalidInputError, NotFoundError, UnavailableError
from serving.settings import Storage

JSON = "application/json"


class Store:
    """One bucket; knows no HTTP and no model."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    @cached_property
    def _s3(self) -> Any:
        # On first use: it costs a third of a second, which inline predictions do not need.
        return s3_client(self.storage.region, self.storage.endpoint)

    def source(self, name: str) -> Source | None:
        """The document of that name, as it is now; None where there is none.

        Raises:
            InvalidInputError: it is encrypted with a key that only its sender has.
            UnavailableError: S3 does not say.
        """
        found = self._head(UPLOADS + name)
        if found is None:
            return None
        return Source(name, _etag(found), found["ContentLength"], found.get("SSEKMSKeyId"))

    def read(self, source: Source, check: Callable[[], None]) -> ObjectReader:
        """The document as a stream, of this version only.

        Raises, while it is read:
            ChangedError: it is not there any more, or is another one.
            InvalidInputError: it is encrypted with a key that we may not use, or is archived.
            UnavailableError: S3 does not answer.
        """

        def open_at(at: int) -> Body:
            wanted = {"Range": f"bytes={at}-"} if at else {}
            with _unreadable(source, self.storage.kms_key), translated():
                answer = self._s3.get_object(
                    Bucket=self.storage.bucket,
                    Key=UPLOADS + source.name,
                    IfMatch=source.etag,
                    **wanted,
                )
            body: Body = answer["Body"]
            return body

        return ObjectReader(open_at, source.size_bytes, check)

    def result(self, name: str) -> Result | None:
        """What is known of the result of that name; None where there is none."""
        found = self._head(result_key(name))
        if found is None:
            return None
        known = found["Metadata"]
        return Result(
            _etag(found),
            known.get("source", ""),
            int(known.get("status", 200)),
            found["ContentLength"],
        )

    def result_body(self, name: str, result: Result) -> bytes:
        """The bytes of a result.

        Raises:
            ChangedError: it is another one meanwhile.
        """
        with translated():
            answer = self._s3.get_object(
                Bucket=self.storage.bucket, Key=result_key(name), IfMatch=result.etag
            )
            content: bytes = answer["Body"].read()
        return content

    def writer(self, source: Source, parts: Parts | None = None) -> ObjectWriter:
        """A result in the making; nobody sees it before `publish`."""
        return ObjectWriter(_Upload(self, source), parts or Parts())

    def publish(self, source: Source, parts: Parts, status: int = 200) -> str:
        """Make a result visible, as a whole; returns its ETag.

        Raises:
            ChangedError: there is a result already, or the parts are not there any more.
        """
        if parts.upload_id is None:
            return self._put(
                result_key(source.name),
                parts.tail,
                content_type=_content_type(status),
                Metadata=_described(source, status),
                IfNoneMatch="*",
            )
        with translated():
            etags = list(parts.etags)
            if parts.tail:
                last = _Upload(self, source).put_part(parts.upload_id, len(etags) + 1, parts.tail)
                etags.append(last)
            answer = self._s3.complete_multipart_upload(
                Bucket=self.storage.bucket,
                Key=result_key(source.name),
                UploadId=parts.upload_id,
                MultipartUpload={
                    "Parts": [{"PartNumber": n, "ETag": e} for n, e in enumerate(etags, 1)]
                },
                IfNoneMatch="*",
            )
        return _etag(answer)

    def abandon(self, name: str, parts: Parts) -> None:
        """Give up a result in the making; what cannot be removed now, the bucket's rule removes."""
        if parts.upload_id is not None:
            with suppress(UnavailableError, InvalidInputError), translated():
                self._s3.abort_multipart_upload(
                    Bucket=self.storage.bucket,
                    Key=result_key(name),
                    UploadId=parts.upload_id,
                )

    def withdraw(self, name: str, etag: str) -> None:
        """Remove a result, unless it is another one meanwhile.

        Raises:
            ChangedError: it is.
        """
        with suppress(NotFoundError), translated():
            self._s3.delete_object(Bucket=self.storage.bucket, Key=result_key(name), IfMatch=etag)

    def note(self, name: str, kind: str = ".json") -> bytes | None:
        """A note on a job; None where there is none."""
        try:
            with translated():
                answer = self._s3.get_object(Bucket=self.storage.bucket, Key=NOTES + name + kind)
                content: bytes = answer["Body"].read()
        except NotFoundError:
            return None
        return content

    def put_note(self, name: str, content: bytes, kind: str = ".json") -> None:
        """Write a note on a job over the one before."""
        self._put(NOTES + name + kind, content)

    def remove_notes(self, name: str) -> None:
        """A job is done; what is left behind, the bucket's rule removes."""
        with suppress(UnavailableError), translated():
            for kind in (".json", ".work"):
                self._s3.delete_object(Bucket=self.storage.bucket, Key=NOTES + name + kind)

    def erase(self, name: str) -> bool:
        """Remove a document and all that was made of it, in every version; whether there was any.

        The document goes first: a job that ends meanwhile then withdraws its result.
        """
        keys = [UPLOADS + name, NOTES + name + ".work", NOTES + name + ".json"]
        removed = [self._erase(key) for key in [*keys, result_key(name)]]
        return any(removed)

    def upload_form(self, name: str, limit_bytes: int) -> dict[str, Any]:
        """A presigned POST for a document: {"url": …, "fields": {…}}; S3 itself holds the limit."""
        with translated():
            form: dict[str, Any] = self._s3.generate_presigned_post(
                self.storage.bucket,
                UPLOADS + name,
                Conditions=[["content-length-range", 1, limit_bytes]],
                ExpiresIn=self.storage.upload_expires_s,
            )
        return form

    def result_url(self, name: str) -> str:
        """A presigned GET of a result."""
        with translated():
            url: str = self._s3.generate_presigned_url(
                "get_object",
                Params={"Bucket": self.storage.bucket, "Key": result_key(name)},
                ExpiresIn=self.storage.result_expires_s,
            )
        return url

    def _head(self, key: str) -> dict[str, Any] | None:
        try:
            with translated():
                found: dict[str, Any] = self._s3.head_object(Bucket=self.storage.bucket, Key=key)
        except NotFoundError:
            return None
        return found

    def _put(self, key: str, content: bytes, content_type: str = JSON, **options: Any) -> str:
        with translated():
            answer = self._s3.put_object(
                Bucket=self.storage.bucket,
                Key=key,
                Body=content,
                ContentType=content_type,
                **options,
            )
        return _etag(answer)

    def _erase(self, key: str) -> bool:
        try:
            found = self._head(key) is not None
        except InvalidInputError:  # there, and nobody here can read it
            found = True
        with translated():
            removed = self._s3.delete_object(Bucket=self.storage.bucket, Key=key)
        if removed.get("DeleteMarker"):  # the bucket keeps versions, which ours does not
            self._erase_versions(key)
        return found

    def _erase_versions(self, key: str) -> None:
        with translated():
            pages = self._s3.get_paginator("list_object_versions").paginate(
                Bucket=self.storage.bucket, Prefix=key
            )
            for page in pages:
                listed = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
                for version in listed:
                    if version["Key"] == key:
                        self._s3.delete_object(
                            Bucket=self.storage.bucket, Key=key, VersionId=version["VersionId"]
                        )
                if any(version["Key"] != key for version in listed):
                    break  # in order, so that those of longer keys come behind


@dataclass(frozen=True, slots=True)
class _Upload:
    """The parts of one result."""

    store: Store
    source: Source
    status: int = 200

    def begin(self) -> str:
        with translated():
            begun = self.store._s3.create_multipart_upload(
                Bucket=self.store.storage.bucket,
                Key=result_key(self.source.name),
                ContentType=_content_type(self.status),
                Metadata=_described(self.source, self.status),
            )
        return str(begun["UploadId"])

    def put_part(self, upload_id: str, number: int, content: bytes) -> str:
        with translated():
            put = self.store._s3.upload_part(
                Bucket=self.store.storage.bucket,
                Key=result_key(self.source.name),
                UploadId=upload_id,
                PartNumber=number,
                Body=content,
            )
        return _etag(put)


def _described(source: Source, status: int) -> dict[str, str]:
    return {"source": source.etag, "status": str(status)}


def _content_type(status: int) -> str:
    return JSON if status == 200 else PROBLEM_TYPE


def _etag(answer: Mapping[str, Any]) -> str:
    etag: str = answer["ETag"]
    return etag.strip('"')


@contextmanager
def _unreadable(source: Source, our_key: str | None) -> Iterator[None]:
    """Whose fault it is that S3 lets us see a document and not read it."""
    try:
        yield
    except ForbiddenError as cause:
        if source.kms_key is None or source.kms_key == our_key:
            raise  # our role's or our key's: an operator mends that, and the document waits
        raise InvalidInputError(
            "the document is encrypted with a key that this service may not use: "
            "upload it without naming a key"
        ) from cause
