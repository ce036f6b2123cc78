"""A bucket in memory: what `predict.store` asks of S3, with S3's own conditions and errors."""

from dataclasses import dataclass, field
from hashlib import md5
from io import BytesIO
from typing import Any

from botocore.exceptions import ClientError

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Object:
    content: bytes
    etag: str
    metadata: dict[str, str]


@dataclass(slots=True)
class _Upload:
    key: str
    metadata: dict[str, str]
    parts: dict[int, bytes] = field(default_factory=dict)


class Bucket:
    """One bucket without versions, as a client of boto3 shows it.

    Args:
        signer: a client of boto3, which signs without asking anybody.
    """

    def __init__(self, signer: Any = None) -> None:
        self.objects: dict[str, _Object] = {}
        self._uploads: dict[str, _Upload] = {}
        self._begun = 0
        self._signer = signer

    def reset(self, objects: dict[str, Any]) -> None:
        """Hold the objects of another moment, and nothing else."""
        self.objects, self._uploads = dict(objects), {}

    def fill(self, contents: dict[str, bytes]) -> None:
        """Hold these objects, and nothing else."""
        self.reset({})
        for key, content in contents.items():
            self.put_object(Key=key, Body=content)

    def head_object(self, *, Key: str, **_: Any) -> Answer:  # noqa: N803
        found = self._get(Key, "HeadObject", "404")
        return {
            "ETag": f'"{found.etag}"',
            "ContentLength": len(found.content),
            "Metadata": found.metadata,
        }

    def get_object(self, *, Key: str, IfMatch: str = "", Range: str = "", **_: Any) -> Answer:  # noqa: N803
        found = self._get(Key, "GetObject", "NoSuchKey")
        if IfMatch and IfMatch.strip('"') != found.etag:
            raise _error("GetObject", "PreconditionFailed")
        start = int(Range.removeprefix("bytes=").partition("-")[0] or 0)
        return {"ETag": f'"{found.etag}"', "Body": BytesIO(found.content[start:])}

    def put_object(
        self,
        *,
        Key: str,  # noqa: N803
        Body: bytes,  # noqa: N803
        Metadata: dict[str, str] | None = None,  # noqa: N803
        IfNoneMatch: str = "",  # noqa: N803
        **_: Any,
    ) -> Answer:
        if IfNoneMatch and Key in self.objects:
            raise _error("PutObject", "PreconditionFailed")
        return self._put(Key, Body, Metadata or {}, md5(Body).hexdigest())

    def delete_object(self, *, Key: str, IfMatch: str = "", **_: Any) -> Answer:  # noqa: N803
        if IfMatch:
            found = self._get(Key, "DeleteObject", "NoSuchKey")
            if IfMatch.strip('"') != found.etag:
                raise _error("DeleteObject", "PreconditionFailed")
        self.objects.pop(Key, None)
        return {}

    def delete_objects(self, *, Delete: Answer, **_: Any) -> Answer:  # noqa: N803
        for each in Delete["Objects"]:
            self.objects.pop(each["Key"], None)
        return {}

    def list_multipart_uploads(self, *, Prefix: str = "", **_: Any) -> Answer:  # noqa: N803
        found = [
            {"Key": upload.key, "UploadId": id}
            for id, upload in self._uploads.items()
            if upload.key.startswith(Prefix)
        ]
        return {"Uploads": found} if found else {}

    def create_multipart_upload(
        self,
        *,
        Key: str,  # noqa: N803
        Metadata: dict[str, str] | None = None,  # noqa: N803
        **_: Any,
    ) -> Answer:
        self._begun += 1
        self._uploads[f"upload-{self._begun}"] = _Upload(Key, Metadata or {})
        return {"UploadId": f"upload-{self._begun}"}

    def upload_part(self, *, UploadId: str, PartNumber: int, Body: bytes, **_: Any) -> Answer:  # noqa: N803
        self._upload(UploadId, "UploadPart").parts[PartNumber] = Body
        return {"ETag": f'"{md5(Body).hexdigest()}"'}

    def complete_multipart_upload(
        self,
        *,
        Key: str,  # noqa: N803
        UploadId: str,  # noqa: N803
        MultipartUpload: Answer,  # noqa: N803
        IfNoneMatch: str = "",  # noqa: N803
        **_: Any,
    ) -> Answer:
        upload = self._upload(UploadId, "CompleteMultipartUpload")
        if IfNoneMatch and Key in self.objects:
            raise _error("CompleteMultipartUpload", "PreconditionFailed")
        numbers = [part["PartNumber"] for part in MultipartUpload["Parts"]]
        content = b"".join(upload.parts[number] for number in numbers)
        del self._uploads[UploadId]
        etag = f"{md5(content).hexdigest()}-{len(numbers)}"
        return self._put(Key, content, upload.metadata, etag)

    def abort_multipart_upload(self, *, UploadId: str, **_: Any) -> Answer:  # noqa: N803
        self._upload(UploadId, "AbortMultipartUpload")
        del self._uploads[UploadId]
        return {}

    def generate_presigned_post(self, *args: Any, **options: Any) -> Answer:
        """Signed on this machine."""
        form: Answer = self._signer.generate_presigned_post(*args, **options)
        return form

    def generate_presigned_url(self, *args: Any, **options: Any) -> str:
        """Signed on this machine."""
        url: str = self._signer.generate_presigned_url(*args, **options)
        return url

    def _put(self, key: str, content: bytes, metadata: dict[str, str], etag: str) -> Answer:
        if not 0 < len(key.encode()) <= 1_024:
            raise _error("PutObject", "KeyTooLongError")
        self.objects[key] = _Object(bytes(content), etag, metadata)
        return {"ETag": f'"{etag}"'}

    def _get(self, key: str, operation: str, code: str) -> _Object:
        if len(key.encode()) > 1_024:
            raise _error(operation, "400" if operation == "HeadObject" else "KeyTooLongError")
        if key not in self.objects:
            raise _error(operation, code)
        return self.objects[key]

    def _upload(self, id: str, operation: str) -> _Upload:
        if id not in self._uploads:
            raise _error(operation, "NoSuchUpload")
        return self._uploads[id]


def _error(operation: str, code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)
