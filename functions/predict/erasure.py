"""Removes an object with all of its versions, and results that were never finished."""

from typing import Any

from botocore.exceptions import ClientError


def erase(s3: Any, bucket: str, key: str) -> None:
    """Remove an object, in every version; nothing happens where there is none."""
    removed = s3.delete_object(Bucket=bucket, Key=key)
    if not removed.get("DeleteMarker"):  # the bucket keeps no versions, as ours
        return
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
    for page in pages:
        listed = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        for version in listed:
            if version["Key"] == key:
                s3.delete_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])
        if any(version["Key"] != key for version in listed):
            break  # in order, so that those of longer keys come behind


def abort_uploads(s3: Any, bucket: str, key: str) -> None:
    """Remove the parts of every multipart upload of an object that is not complete."""
    listed = s3.list_multipart_uploads(Bucket=bucket, Prefix=key)
    for upload in listed.get("Uploads", []):
        if upload["Key"] == key:
            abort(s3, bucket, key, upload["UploadId"])


def abort(s3: Any, bucket: str, key: str, upload_id: str) -> None:
    """Remove the parts of a multipart upload, unless it is completed or aborted meanwhile."""
    try:
        s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
    except ClientError as fault:
        if fault.response["Error"]["Code"] != "NoSuchUpload":
            raise
