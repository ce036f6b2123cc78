"""Documents, results and notes in S3, and what may be written when.

A result is written once, and only whole (`If-None-Match`), and says which document it is of. So
whoever comes second, late or with an older document changes nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from predict.clients import RefusedError, explained, s3_client, translated
from predict.contract import PROBLEM_TYPE
from predict.erasure import abort, abort_uploads, erase
from predict.keys import UPLOADS, Note, Parts, Result, Source, note_key, result_key
from predict.objects import Body, ObjectReader, ObjectWriter
from serving.errors import NotFoundError, UnavailableError
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
        try:
            found = self._head(UPLOADS + name)
        except RefusedError:  # without a reason, which HEAD has no place for
            with translated():
                self._s3.get_object(
                    Bucket=self.storage.bucket, Key=UPLOADS + name, Range="bytes=0-0"
                )["Body"].close()
            raise
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
            with explained(source.kms_key, self.storage.kms_key), translated():
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

    def withdraw(self, name: str, etag: str) -> None:
        """Remove a result, unless it is another one meanwhile.

        Raises:
            ChangedError: it is.
        """
        with suppress(NotFoundError), translated():
            self._s3.delete_object(Bucket=self.storage.bucket, Key=result_key(name), IfMatch=etag)

    def note(self, name: str, kind: Note) -> bytes | None:
        """A note on a job; None where there is none."""
        try:
            with translated():
                answer = self._s3.get_object(Bucket=self.storage.bucket, Key=note_key(name, kind))
                content: bytes = answer["Body"].read()
        except NotFoundError:
            return None
        return content

    def put_note(self, name: str, content: bytes, kind: Note) -> None:
        """Write a note on a job over the one before."""
        self._put(note_key(name, kind), content)

    def tidy(self, name: str, kinds: Iterable[Note] = (Note.PROGRESS, Note.WORK)) -> None:
        """Remove what jobs left beside a document that needs no more of them.

        Notes, and results in the making: of this job, of one that was killed, of one that runs
        beside it and will find the result. What cannot be removed now, the bucket's rule removes.
        """
        with suppress(UnavailableError), translated():
            notes = [{"Key": note_key(name, kind)} for kind in kinds]
            self._s3.delete_objects(Bucket=self.storage.bucket, Delete={"Objects": notes})
        with suppress(UnavailableError), translated():
            abort_uploads(self._s3, self.storage.bucket, result_key(name))

    def abandon(self, name: str, parts: Parts) -> None:
        """Give up a result in the making, and no other one's."""
        if parts.upload_id is not None:
            with suppress(UnavailableError), translated():
                abort(self._s3, self.storage.bucket, result_key(name), parts.upload_id)

    def remove_note(self, name: str, kind: Note) -> None:
        """Remove a note on a job; nothing happens where there is none."""
        with translated():
            self._s3.delete_object(Bucket=self.storage.bucket, Key=note_key(name, kind))

    def was_erased(self, name: str) -> bool:
        """Whether the document was erased, and nothing was uploaded under its name since."""
        return self.note(name, Note.ERASED) is not None

    def erase(self, name: str) -> bool:
        """Remove a document and all that was made of it, in every version; whether there was any.

        The document goes before its result: a job that ends meanwhile then withdraws what it
        published, and should it die instead, the next one knows by the note that it was erased.
        """
        keys = [UPLOADS + name, result_key(name)]
        found = any(map(self._is_there, keys))
        if found:
            self.put_note(name, b"{}", Note.ERASED)
        keys[1:1] = [note_key(name, kind) for kind in (Note.PROGRESS, Note.WORK)]
        with translated():
            for key in keys:
                erase(self._s3, self.storage.bucket, key)
            abort_uploads(self._s3, self.storage.bucket, result_key(name))
        return found

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

    def _is_there(self, key: str) -> bool:
        try:
            return self._head(key) is not None
        except RefusedError:  # there, and nobody here can read it
            return True


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
