"""The account that a job is submitted to: its region, its stack, the images that are there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from cluster.files import open_folder
from cluster.region import check_buckets, check_region
from serving.errors import ConfigurationError, InvalidInputError, brief

RELEASE = "emr-spark-8.0.0"
_WANTED = ("Application", "JobRole", "Bucket", "Images", "MaxWorkers")


@contextmanager
def asking(what: str) -> Iterator[None]:
    """What AWS refuses or does not answer, in words.

    Raises:
        ConfigurationError: it says what was asked, and why there is no answer.
    """
    try:
        yield
    except NoCredentialsError as error:
        raise ConfigurationError(
            "no AWS credentials were found: aws sso login, or AWS_PROFILE, or AWS_ACCESS_KEY_ID "
            "and AWS_SECRET_ACCESS_KEY"
        ) from error
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise ConfigurationError(f"{what}: {brief(error)}") from error


@dataclass(frozen=True, slots=True)
class Stack:
    """What a deployed jobs/template.yaml says of itself.

    Attributes:
        images: the folder that a job may read ("s3://bucket/images/").
        max_workers: that its application's ceiling allows.
        key: the ARN of the KMS key of the bucket; None for S3's own.
    """

    name: str
    region: str
    application: str
    role: str
    bucket: str
    images: str
    max_workers: int
    key: str | None = None


class Account:
    """Clients of one region of one account; their region was checked before there is one.

    Raises:
        ConfigurationError: no region is set anywhere, or it is not in the European Union.
    """

    def __init__(self, region: str | None) -> None:
        with asking("the settings of AWS"):
            self._session = boto3.Session(region_name=region)
        found = self._session.region_name
        if found is None:
            raise ConfigurationError("no region: give one (REGION=eu-west-3), or set AWS_REGION")
        check_region({"AWS_REGION": found}, local=False)
        self.region: str = found

    def client(self, service: str) -> Any:
        """A client of one service in the region."""
        return self._session.client(service)

    def stack(self, name: str) -> Stack:
        """The outputs of a stack, whose application is there and of the tested release.

        Raises:
            ConfigurationError: there is none, or it is not of this template.
        """
        with asking(f"stack {name} in {self.region}"):
            [found] = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        outputs = {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])}
        if missing := [wanted for wanted in _WANTED if wanted not in outputs]:
            raise ConfigurationError(
                f"stack {name} in {self.region} is {found['StackStatus']} and has no output "
                f"{', '.join(missing)}: it is not of jobs/template.yaml, or was never whole"
            )
        application, role, bucket, images, workers = (outputs[wanted] for wanted in _WANTED)
        place = (application, role, bucket, images, int(workers), outputs.get("Key"))
        stack = Stack(name, self.region, *place)
        self._check_application(stack)
        return stack

    def _check_application(self, stack: Stack) -> None:
        with asking(f"application {stack.application} of stack {stack.name}"):
            found = self.client("emr-serverless").get_application(applicationId=stack.application)
        state, release = (found["application"][name] for name in ("state", "releaseLabel"))
        if state == "TERMINATED":
            raise ConfigurationError(f"application {stack.application} was deleted")
        if release != RELEASE:
            raise ConfigurationError(
                f"application {stack.application} is of {release}: the archive is for {RELEASE}"
            )

    def check_paths(self, stack: Stack, images: str, out: str) -> None:
        """Whether the job may read and write there, and all of it is in the European Union.

        Raises:
            ConfigurationError: it may not, or a bucket is elsewhere or not there.
        """
        check_buckets([images, out, f"s3://{stack.bucket}"], {"AWS_REGION": stack.region})
        if not f"{images.rstrip('/')}/".startswith(stack.images):
            raise ConfigurationError(
                f"images are at {images}: the role may read {stack.images} and below "
                "(ImagesBucket and ImagesFolder of the stack)"
            )
        place = f"s3://{stack.bucket}/runs/"
        if not out.startswith(place) or out == place:
            raise ConfigurationError(f"results would go to {out}: the role may write below {place}")

    def count_images(self, images: str) -> tuple[int, int]:
        """How many objects a job would list in a folder, and their bytes.

        Raises:
            InvalidInputError: there is none.
            ConfigurationError: the folder cannot be listed.
        """
        files = open_folder(images, self.region).files()
        if not files:
            raise InvalidInputError(f"there are no images in {images}")
        return len(files), sum(file.length for file in files)
