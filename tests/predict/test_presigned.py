"""Presigned URLs: which are followed, and that nothing else is as much as connected to."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from predict.link import check_link
from serving.errors import ConfigurationError, InvalidInputError
from serving.settings import EU_REGIONS
from tests.support.audit import watched
from tests.support.ground import SIGNATURE, SIGNED, Ground, ground
from tests.tables.links import LINKS, S3, HostileLink, links, row


@pytest.fixture(scope="module")
def place() -> Iterator[Ground]:
    with ground() as place:
        yield place


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.what)
def test_link_is_not_followed(link: HostileLink, place: Ground, root: Path) -> None:
    for endpoint in [place.endpoint] if link.redirects_to else [None, place.endpoint]:
        with watched() as events:
            seen = place.see(link, endpoint)
        assert link.reason in seen
        assert not place.was_reached()
        assert events == (place.one_request() if link.redirects_to else [])
        assert SIGNED not in seen
        assert row(link, seen) in (root / "docs/ssrf.md").read_text()


def test_the_page_counts_its_rows(root: Path) -> None:
    page = (root / "docs/ssrf.md").read_text()
    assert len({link.what for link in LINKS}) == len(LINKS)
    assert f"each of these {len(LINKS)} ways" in page
    assert page == links()


@given(
    text=st.text(st.characters(codec="utf-8"), max_size=3)
    | st.sampled_from(["@", ":", "/", "\\", "#", "?", "%2f", "%00", ".", "[", "]", "\r\n", "\t"]),
    position=st.integers(0, len(f"https://{S3}/key?") + 10),
    dropped=st.integers(0, 3),
)
def test_no_two_parsers_disagree(text: str, position: int, dropped: int) -> None:
    url = f"https://{S3}/key?{SIGNED}"
    url = url[:position] + text + url[position + dropped :]
    link = refused = None
    try:
        link = check_link(url, None)
    except InvalidInputError as error:
        refused = str(error)
    assert SIGNATURE not in f"{refused} {link}"
    if link is None:
        return
    for host in (urlsplit(url).hostname, parse_url(url).host):
        assert host == link.host == link.authority
        assert host.endswith(".s3.eu-west-3.amazonaws.com")
    assert (link.scheme, link.port, link.region) == ("https", 443, "eu-west-3")
    assert url.endswith(link.target)
    assert link.target.isascii()
    assert not set(link.target) & set(" \r\n\t\\#")


@given(st.text())
def test_text_is_not_followed(text: str) -> None:
    with pytest.raises(InvalidInputError):
        check_link(text, None)


@pytest.mark.parametrize("dualstack", [False, True])
@pytest.mark.parametrize("style", ["virtual", "path"])
@pytest.mark.parametrize("region", sorted(EU_REGIONS))
def test_what_boto3_signs_is_followed(region: str, style: str, dualstack: bool) -> None:
    domain = "eu" if region.startswith("eusc") else "com"
    options: dict[str, Any] = {"addressing_style": style, "use_dualstack_endpoint": dualstack}
    client = boto3.client(
        "s3",
        region_name=region,
        endpoint_url=None if dualstack else f"https://s3.{region}.amazonaws.{domain}",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
        aws_session_token="IQoJ//+=",
        config=Config(signature_version="s3v4", s3=options),
    )
    parameters = {
        "Bucket": "my-bucket",
        "Key": "a b/\u00e9(1)'~*!+&;,$@:=?#[]%.xml",
        "VersionId": "x",
        "ResponseContentDisposition": 'attachment; filename="a b"',
    }
    url = client.generate_presigned_url("get_object", Params=parameters)
    link = check_link(url, None)
    assert (link.region, link.host) == (region, urlsplit(url).hostname)
    assert url == f"https://{link.host}{link.target}"


def test_host_is_taken_in_any_case_and_with_its_port() -> None:
    link = check_link(f"HTTPS://{S3.upper()}:443/key?{SIGNED}", None)
    assert (link.host, link.authority, link.port) == (S3, S3, 443)


@pytest.mark.parametrize(
    ("endpoint", "origin", "host", "authority"),
    [
        ("http://127.0.0.1:5555", "http://127.0.0.1:5555", "127.0.0.1", "127.0.0.1:5555"),
        ("http://localhost/", "http://localhost:80", "localhost", "localhost"),
        ("https://[::1]:5555", "https://[::1]:5555", "::1", "[::1]:5555"),
        ("http://moto_server:5555", "http://moto_server:5555", "moto_server", "moto_server:5555"),
    ],
)
def test_endpoint_is_followed(endpoint: str, origin: str, host: str, authority: str) -> None:
    link = check_link(f"{origin}/my-bucket/key?{SIGNED}", endpoint)
    assert (link.host, link.authority, link.region) == (host, authority, None)
    assert check_link(f"https://{S3}/key?{SIGNED}", endpoint).region == "eu-west-3"


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:5555/b/key",
        "http://127.0.0.1:5556/b/key",
        "http://127.0.0.1/b/key",
        "http://127.1:5555/b/key",
        "http://localhost:5555/b/key",
        "http://b.127.0.0.1:5555/key",
        "http://127.0.0.1:5555/",
    ],
)
def test_other_than_the_endpoint_is_not_followed(url: str) -> None:
    with pytest.raises(InvalidInputError, match="not followed"):
        check_link(f"{url}?{SIGNED}", "http://127.0.0.1:5555")


@pytest.mark.parametrize("endpoint", ["", "127.0.0.1:5555", "http://a/b", "http://u@a", "ftp://a"])
def test_endpoint_is_checked(endpoint: str) -> None:
    with pytest.raises(ConfigurationError, match="endpoint"):
        check_link(f"https://{S3}/key?{SIGNED}", endpoint)
