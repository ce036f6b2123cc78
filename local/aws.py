"""S3 and SQS on this machine: a moto server, with the template's bucket and queues.

It stands in for AWS over real HTTP. It checks neither signatures nor the size of an upload.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
from botocore.config import Config

from local.children import end, said
from local.ports import free_ports, listens

REGION, BUCKET = "eu-west-3", "documents"
_START_TIMEOUT_S = 60.0
_BUFFERED = {"MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": "5000000"}  # a longer object is on disk
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}


# It ends with whoever started it, who may be killed.
_SERVER = """
import os, sys, threading, time

def watch(parent):
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)

threading.Thread(target=watch, args=(int(sys.argv[1]),), daemon=True).start()
from moto.server import main
main(sys.argv[2:])
"""


class AwsError(Exception):
    """The stand-in did not start."""


class Aws:
    """A running stand-in; use as a context manager. Nothing is kept behind it.

    Args:
        host: the address that it listens on.
        python: an interpreter that has moto.
        visibility_s: for how long a message is one function's.
        max_receives: how often it is tried before it is set aside.
        smallest_part_bytes: of a multipart upload, but for its last.

    Attributes:
        queue_url, dead_letters_url: of the queues.
        endpoint: where S3 and SQS answer.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        *,
        python: str = sys.executable,
        visibility_s: int = 1800,
        max_receives: int = 5,
        smallest_part_bytes: int = 5 * 1024 * 1024,
    ) -> None:
        [port] = free_ports(1)
        self._host, self._port = host, port
        self.endpoint = f"http://{host}:{port}"
        self._command = [python, "-c", _SERVER, str(os.getpid()), "-H", host, "-p", str(port)]
        self._visibility_s = visibility_s
        self._max_receives = max_receives
        self._settings = {"S3_UPLOAD_PART_MIN_SIZE": str(smallest_part_bytes)} | _BUFFERED

    def __enter__(self) -> Self:
        self._log = tempfile.TemporaryFile()
        # Away from this machine's credentials and settings, whatever they are.
        env = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        env |= _CREDENTIALS | self._settings
        self._process = subprocess.Popen(
            self._command, env=env, stdout=self._log, stderr=self._log, start_new_session=True
        )
        try:
            self._wait()
            self._set_up()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def client(self, service: str) -> Any:
        """A client of one of its services."""
        return client(service, self.endpoint)

    @property
    def env(self) -> dict[str, str]:
        """The function's environment variables."""
        return _CREDENTIALS | {
            "AWS_REGION": REGION,
            "BUCKET": BUCKET,
            "S3_ENDPOINT": self.endpoint,
            "QUEUE_URL": self.queue_url,
            "MAX_RECEIVES": str(self._max_receives),
        }

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not listens(self._port, self._host):
            if self._process.poll() is not None or time.monotonic() > deadline:
                reason = said(self._log)[-500:]
                raise AwsError(f"the stand-in for S3 and SQS did not start: {reason}")
            time.sleep(0.05)

    def _set_up(self) -> None:
        """As template.yaml does."""
        s3, sqs = self.client("s3"), self.client("sqs")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.dead_letters_url = sqs.create_queue(QueueName="dead-letters")["QueueUrl"]
        redrive = {
            "deadLetterTargetArn": _arn(sqs, self.dead_letters_url),
            "maxReceiveCount": self._max_receives,
        }
        self.queue_url = sqs.create_queue(
            QueueName="queue",
            Attributes={
                "VisibilityTimeout": str(self._visibility_s),
                "RedrivePolicy": json.dumps(redrive),
            },
        )["QueueUrl"]
        rule = {"Name": "prefix", "Value": "uploads/"}
        notification = {
            "QueueArn": _arn(sqs, self.queue_url),
            "Events": ["s3:ObjectCreated:*"],
            "Filter": {"Key": {"FilterRules": [rule]}},
        }
        s3.put_bucket_notification_configuration(
            Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": [notification]}
        )

    def _end(self) -> None:
        end(self._process, 5)
        self._log.close()


def client(service: str, endpoint: str, config: Config | None = None) -> Any:
    """A client of a stand-in."""
    path_style = Config(s3={"addressing_style": "path"}, signature_version=_SIGNED.get(service))
    return boto3.client(
        service,
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106
        config=path_style.merge(config) if config else path_style,
    )


_SIGNED = {"s3": "s3v4"}


def _arn(sqs: Any, url: str) -> str:
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn: str = attributes["Attributes"]["QueueArn"]
    return arn


def default_python() -> str:
    """The environment that make builds for it, or this one."""
    made = Path("build/env/aws/bin/python")
    return str(made) if made.exists() else sys.executable
