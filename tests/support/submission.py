"""A submission in an account in which all is well, until a test changes it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cluster.files import s3_client
from emr.archive import Built
from emr.submit import main
from local.aws import Aws, client
from tests.support.emr import APPLICATION, Emr, emr

BUNDLE = Path("models/demo/bundle")
REGION, STACK, BUCKET = "eu-west-3", "verger-jobs", "verger-jobs-mine"
ROLE = "arn:aws:iam::123456789012:role/job"
OUTPUTS = {
    "Application": APPLICATION,
    "JobRole": ROLE,
    "Bucket": BUCKET,
    "Images": f"s3://{BUCKET}/images/",
    "MaxWorkers": "8",
}
IMAGES, OUT = f"s3://{BUCKET}/images/fruits", f"s3://{BUCKET}/runs/first"


@dataclass
class Here:
    """An account in which all is well, until a test changes it."""

    aws: Aws
    emr: Emr
    waited_s: list[float] = field(default_factory=list)

    def submit(self, *arguments: str, **changed: str | None) -> int:
        known: dict[str, str | None] = {
            "region": REGION,
            "images": IMAGES,
            "out": OUT,
            "bundle": str(BUNDLE),
        }
        words = [
            word
            for name, value in (known | changed).items()
            if value is not None
            for word in (f"--{name.replace('_', '-')}", value)
        ]
        return main([*words, *arguments], self.waited_s.append)

    def uploaded(self, prefix: str = "code/") -> dict[str, Any]:
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return {one["Key"]: one["LastModified"] for one in found}

    @property
    def s3(self) -> Any:
        return client("s3", self.aws.endpoint)


@contextmanager
def prepared(aws: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Here]:
    """Three images and a file that Spark does not see; an environment that was built before."""
    monkeypatch.setattr("emr.parcel.build_environment", lambda _: _environment(tmp_path))
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
    s3_client.cache_clear()  # a client is of the environment that it was made in
    with emr() as playing:
        monkeypatch.setenv("AWS_ENDPOINT_URL_EMR_SERVERLESS", playing.url)
        here = Here(aws, playing)
        _bucket(here.s3, BUCKET)
        for name in ("Apple 1/0_100.jpg", "Apple 1/1_100.jpg", "Pear/2_100.jpg", "_note", ""):
            here.s3.put_object(Bucket=BUCKET, Key=f"images/fruits/{name}", Body=b"12345")
        create_stack(aws, STACK, OUTPUTS)
        yield here
        _empty(here.s3, BUCKET)
        aws.client("cloudformation").delete_stack(StackName=STACK)


def _environment(folder: Path) -> Built:
    (folder / "environment.tar.gz").write_bytes(b"packages")
    return Built.of(folder / "environment.tar.gz")


def _bucket(s3: Any, name: str, region: str = REGION) -> None:
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})


def _empty(s3: Any, name: str) -> None:
    for one in s3.list_objects_v2(Bucket=name).get("Contents", []):
        s3.delete_object(Bucket=name, Key=one["Key"])
    s3.delete_bucket(Bucket=name)


def create_stack(aws: Aws, name: str, outputs: dict[str, str]) -> None:
    template = {
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    body = json.dumps(template)
    aws.client("cloudformation").create_stack(StackName=name, TemplateBody=body)
