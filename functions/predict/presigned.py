"""Which URLs may be followed: presigned GETs of S3 in the EU. Text in, text out: no network."""

import re
from dataclasses import dataclass, field

from serving.errors import ConfigurationError, InvalidInputError
from serving.settings import EU_REGIONS

_LONGEST = 4096

# Where S3 is, by region: IPv4, and both generations of IP. The Sovereign Cloud has its own domain.
_HOMES = {
    f"s3.{stack}{region}.amazonaws.{'eu' if region.startswith('eusc-') else 'com'}": region
    for region in sorted(EU_REGIONS)
    for stack in ("", "dualstack.")
}
_S3_HOST = re.compile(rf"(?:(?P<bucket>.+)\.)?(?P<home>{'|'.join(map(re.escape, _HOMES))})")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")

# The whole grammar: what does not match is refused, and what matches is sent as it stands.
_ORIGIN = (
    r"(?P<scheme>https?)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[1-9][0-9]{0,4}))?"
)
_CHARACTER = r"(?:[a-z0-9._~!$'()*+,;:@/-]|%[0-9a-f]{2})"
_PARAMETER = rf"[a-z0-9._~-]+(?:=(?:{_CHARACTER}|=)*)?"
_ENDPOINT = re.compile(rf"{_ORIGIN}/?", re.IGNORECASE | re.ASCII)
_URL = re.compile(
    rf"{_ORIGIN}(?P<path>/(?:{_CHARACTER}|[&=])*)\?(?P<query>{_PARAMETER}(?:&{_PARAMETER})*)",
    re.IGNORECASE | re.ASCII,
)
_PROOF = {
    "X-Amz-Algorithm": re.compile(r"AWS4-HMAC-SHA256"),
    "X-Amz-Credential": re.compile(
        r"[\w.-]{1,128}(?P<slash>/|%2F|%2f)[0-9]{8}(?P=slash)(?P<region>[a-z0-9-]+)"
        r"(?P=slash)s3(?P=slash)aws4_request",
        re.ASCII,
    ),
    "X-Amz-Signature": re.compile(r"[0-9a-f]{64}"),
}


@dataclass(frozen=True, slots=True)
class Link:
    """A URL that may be followed."""

    scheme: str
    host: str  # without the brackets of an IPv6 address
    port: int
    authority: str  # as the Host header has it, without a default port
    region: str | None  # None: the local endpoint
    target: str = field(repr=False)  # path and query, a credential


def check_link(url: str, endpoint: str | None) -> Link:
    """A URL that is a presigned GET of S3 in the EU, or of the local endpoint.

    Args:
        endpoint: the origin of an S3 for development ("http://127.0.0.1:5555"); None in production.

    Raises:
        InvalidInputError: it is anything else; says what, and never quotes the query.
        ConfigurationError: the endpoint is not an origin.
    """
    match = _URL.fullmatch(url) if len(url) <= _LONGEST else None
    if match is None:
        raise _refused(_fault(url))
    origin = _origin(match)
    region = None
    if endpoint is None or origin != _parse_endpoint(endpoint):
        region = _check_host(match)
    elif match["path"] == "/":
        raise _refused("it names no object")
    _check_query(match["query"], region)
    scheme, host, port = origin
    is_default = port == _port(scheme)
    return Link(
        scheme=scheme,
        host=host.strip("[]"),
        port=port,
        authority=host if is_default else f"{host}:{port}",
        region=region,
        target=f"{match['path']}?{match['query']}",
    )


def _refused(reason: str) -> InvalidInputError:
    return InvalidInputError(f"the URL is not followed: {reason}")


def _fault(url: str) -> str:
    """Why the grammar has no such URL."""
    if len(url) > _LONGEST:
        return f"it has more than {_LONGEST:,} characters"
    stray = re.search(r"[^!-~]|[\"<>\\^`{|}#]|%(?![0-9A-Fa-f]{2})", url)
    if stray is not None:
        if stray[0] == "#":
            return "it has a fragment (#)"
        return f"it has the character U+{ord(stray[0]):04X}, which must be percent-encoded"
    scheme, _, rest = url.partition("://")
    if scheme.lower() not in {"http", "https"}:
        return "it does not start with https://"
    if "@" in re.split("[/?]", rest, maxsplit=1)[0]:
        return "it has a user or a password before its host"
    if "?" not in url:
        return "it is not a presigned URL: it has no query"
    return "it is not of the form https://HOST/KEY?NAME=VALUE&…"


def _port(scheme: str) -> int:
    return {"http": 80, "https": 443}[scheme]


def _origin(match: re.Match[str]) -> tuple[str, str, int]:
    scheme, port = match["scheme"].lower(), match["port"]
    return scheme, match["host"].lower(), _port(scheme) if port is None else int(port)


def _parse_endpoint(endpoint: str) -> tuple[str, str, int]:
    match = _ENDPOINT.fullmatch(endpoint)
    if match is None:
        raise ConfigurationError("the S3 endpoint is not of the form http://HOST:PORT")
    return _origin(match)


def _check_host(match: re.Match[str]) -> str:
    """The region of an S3 host."""
    scheme, host, port = _origin(match)
    s3 = _S3_HOST.fullmatch(host)
    if s3 is None:
        raise _refused(
            f'its host is "{host[:100]}", expected <bucket>.s3.<region>.amazonaws.com '
            "with a region in the EU, such as eu-west-3"
        )
    if scheme != "https":
        raise _refused("it does not start with https://")
    if port != _port(scheme):
        raise _refused(f"its port is {port}, expected none or 443")
    if s3["bucket"] is None:
        has_object = re.match("/[^/]+/.", match["path"])
    elif _BUCKET.fullmatch(s3["bucket"]):
        has_object = re.match("/.", match["path"])
    else:
        raise _refused(
            f'its bucket "{s3["bucket"][:100]}" is not 3 to 63 letters, digits and hyphens, which '
            f"TLS takes in a host: use the path style, https://{s3['home']}/<bucket>/<key>"
        )
    if not has_object:
        raise _refused("it names no object")
    return _HOMES[s3["home"]]


def _check_query(query: str, region: str | None) -> None:
    """A presigned GET carries each part of its signature once."""
    pairs = [parameter.partition("=")[::2] for parameter in query.split("&")]
    for name, form in _PROOF.items():
        values = [value for key, value in pairs if key.lower() == name.lower()]
        if len(values) != 1:
            raise _refused(f"it is not a presigned GET: it has {name} {len(values)} times")
        match = form.fullmatch(values[0])
        if match is None:
            raise _refused(f"its {name} is not one of Signature Version 4 for S3")
        if region is not None and "region" in form.groupindex and match["region"] != region:
            raise _refused(f"it was not signed for {region}, the region of its host")
