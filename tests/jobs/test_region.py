"""A job runs in the European Union, on buckets in the European Union, or it does not run."""

import os
from collections.abc import Iterator

import boto3
import pytest

from cluster.region import bucket_names, check_buckets, check_region
from local.aws import Aws
from serving.errors import ConfigurationError
from serving.settings import EU_REGIONS
from tests.support.regions import answering

HERE = {"AWS_REGION": "eu-west-3"}


BUCKETS = {"near": "eu-central-1", "across": "eu-west-2", "far": "us-east-1"}


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """A stand-in with a bucket near, and others far away."""
    with Aws() as running:
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        for name, region in BUCKETS.items():
            s3 = boto3.client("s3", region, endpoint_url=running.endpoint, **keys)
            there = {"CreateBucketConfiguration": {"LocationConstraint": region}}
            s3.create_bucket(Bucket=name, **({} if region == "us-east-1" else there))
        yield running


@pytest.fixture
def s3(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.endpoint)


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("region", sorted(EU_REGIONS))
def test_region_of_the_eu_is_taken(name: str, local: bool, region: str) -> None:
    assert check_region({name: region}, local=local) == region


@pytest.mark.parametrize(
    "env",
    [
        pytest.param({"AWS_REGION": "us-east-1"}, id="United States"),
        pytest.param({"AWS_REGION": "eu-west-2"}, id="London"),
        pytest.param({"AWS_REGION": "eu-central-2"}, id="Zurich"),
        pytest.param({"AWS_REGION": "eu-west-3 "}, id="a blank"),
        pytest.param({"AWS_DEFAULT_REGION": "us-east-1"}, id="by the other name"),
        pytest.param({"AWS_REGION": "eu-west-3", "AWS_DEFAULT_REGION": "us-east-1"}, id="both"),
    ],
)
@pytest.mark.parametrize("local", [True, False])
def test_other_region_is_refused(env: dict[str, str], local: bool) -> None:
    """On this machine as well: results go where it says."""
    with pytest.raises(ConfigurationError, match="not in the European Union; expected one of eu-"):
        check_region(env, local=local)


@pytest.mark.parametrize("env", [{}, {"AWS_REGION": ""}])
def test_cluster_must_say_where_it_is(env: dict[str, str]) -> None:
    assert check_region(env, local=True) is None
    with pytest.raises(ConfigurationError, match="AWS_REGION is not set"):
        check_region(env, local=False)


def test_a_secret_in_a_path_is_not_repeated() -> None:
    with pytest.raises(ConfigurationError, match="names no bucket") as refusal:
        check_buckets(["s3a://KEY:SECRET@A_B/images"], HERE)
    assert "SECRET" not in str(refusal.value)


@pytest.mark.usefixtures("s3")
def test_buckets_of_the_eu_are_taken() -> None:
    check_buckets(["s3://near/images", "s3a://near", "/a/folder", "file:///a"], HERE)
    check_buckets(["s3://near/images"], {})


@pytest.mark.parametrize(
    ("path", "told"),
    [
        pytest.param("s3://far/images", "far is in us-east-1, which is not in", id="far"),
        pytest.param("s3n://across", "across is in eu-west-2, which is not in", id="London"),
        pytest.param("s3://nobody-has-this/x", "no bucket nobody-has-this", id="not there"),
        pytest.param("s3:///images", "names no bucket", id="no name"),
        pytest.param("s3://A_B/images", "names no bucket", id="no such name"),
        pytest.param("s3:/near/images", "names no bucket", id="one slash"),
        pytest.param("S3://near/images", "S3: is not known to be in", id="capitals"),
        pytest.param("hdfs://somewhere/x", "hdfs: is not known to be in", id="another storage"),
        pytest.param("https://somewhere/x", "https: is not known to be in", id="web"),
    ],
)
@pytest.mark.usefixtures("s3")
def test_other_bucket_is_refused(path: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        check_buckets(["s3://near/images", path], HERE)


@pytest.mark.usefixtures("s3")
def test_bucket_that_is_not_ours_is_refused_by_its_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 says where a bucket is with its refusal (403); the right to read is no matter."""
    with answering(403, "us-west-2") as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(ConfigurationError, match="theirs is in us-west-2"):
            check_buckets(["s3://theirs"], HERE)
    with answering(403, "eu-west-1") as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        check_buckets(["s3://theirs"], HERE)


@pytest.mark.parametrize(
    ("status", "region", "told"),
    [
        pytest.param(301, "us-west-2", "theirs is in us-west-2", id="sent elsewhere"),
        pytest.param(400, None, "S3 answered 400 without its region", id="no region"),
    ],
)
@pytest.mark.usefixtures("s3")
def test_no_redirection_is_followed(
    status: int, region: str | None, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network without a way out would wait for what it cannot reach."""
    with answering(status, region) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(ConfigurationError, match=told):
            check_buckets(["s3://theirs"], HERE)


@pytest.mark.usefixtures("s3")
def test_silent_s3_is_no_consent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(ConfigurationError, match="near is could not be found out: Could not conn"):
        check_buckets(["s3://near"], HERE)


def test_nothing_is_asked_for_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    check_buckets(["/a/folder", "file:/a", "file:///a"], {})
    assert list(bucket_names(["/s3://x", "s3://abc/d/s3://e"])) == ["abc"]
