"""Every kind of URL that must not be followed, and what its sender sees. The tests run this."""

from dataclasses import dataclass

from tests.support.ground import ALGORITHM, CREDENTIAL, SIGNATURE, SIGNED, ground
from tests.tables import cell

S3 = "my-bucket.s3.eu-west-3.amazonaws.com"


@dataclass(frozen=True, slots=True)
class HostileLink:
    """A row: what is tried, the URL, and what the answer must name.

    PORT stands for the port of a listener on the loopback addresses, ENDPOINT for the local
    endpoint's, SIGNED for the query of a presigned GET.
    """

    what: str
    url: str
    reason: str
    resolves_to: tuple[str, ...] = ()
    redirects_to: str = ""
    status: int = 302


_HOST, _FORM, _ENCODED = "its host is", "it is not of the form", "must be percent-encoded"
_USER, _START, _PUBLIC = "a user or a password", "start with https://", "not public"
_LOCAL = "http://127.0.0.1:ENDPOINT/my-bucket/key?SIGNED"


def _at(what: str, host: str, reason: str = _HOST) -> HostileLink:
    return HostileLink(what, f"https://{host}/key?SIGNED", reason)


def _named(what: str, *addresses: str) -> HostileLink:
    return HostileLink(what, f"https://{S3}/key?SIGNED", _PUBLIC, resolves_to=addresses)


def _moved(what: str, target: str, status: int = 302) -> HostileLink:
    return HostileLink(what, _LOCAL, f"S3 answers {status}", redirects_to=target, status=status)


def _query(what: str, query: str, reason: str) -> HostileLink:
    return HostileLink(what, f"https://{S3}/key?{query}", reason)


OTHER_HOSTS = [
    _at("another host", "example.com"),
    _at("another AWS service", "sqs.eu-west-3.amazonaws.com"),
    _at("S3 Control, not S3", "1234.s3-control.eu-west-3.amazonaws.com"),
    _at("a web site of S3", "my-bucket.s3-website.eu-west-3.amazonaws.com"),
    _at("S3 as its name's start", f"{S3}.example.com"),
    _at("S3 as its name's end", "evil-s3.eu-west-3.amazonaws.com"),
    _at("S3 without a dot before it", "my-buckets3.eu-west-3.amazonaws.com"),
    _at("a look-alike of the domain", "my-bucket.s3.eu-west-3.amazonaws.com.co"),
    _at("a look-alike of amazonaws", "my-bucket.s3.eu-west-3.amazonavvs.com"),
    _at("a hyphen for a dot", "my-bucket.s3.eu-west-3-amazonaws.com"),
    _at("the other domain of AWS", "my-bucket.s3.eu-west-3.amazonaws.eu"),
    _at("the Chinese domain of AWS", "my-bucket.s3.eu-west-3.amazonaws.com.cn"),
    _at("only a region", "eu-west-3.amazonaws.com"),
    _at("a trailing dot", f"{S3}."),
    _at("an empty label", ".s3.eu-west-3.amazonaws.com"),
    _at("a dot in the bucket", "my.bucket.s3.eu-west-3.amazonaws.com", "use the path style"),
    _at("S3 within S3", f"{S3}.s3.eu-west-3.amazonaws.com", "use the path style"),
    _at("an underscore in the bucket", "my_bucket.s3.eu-west-3.amazonaws.com", "its bucket"),
    _at("localhost", "localhost:PORT"),
    _at("a name that resolves to loopback", "localtest.me:PORT"),
    _at("a name that carries its address", "127.0.0.1.nip.io:PORT"),
    _at("the host that Docker has", "host.docker.internal:PORT"),
    _at("the name of the metadata service", "metadata.google.internal"),
]
REGIONS = [
    _at("Virginia", "my-bucket.s3.us-east-1.amazonaws.com"),
    _at("London", "my-bucket.s3.eu-west-2.amazonaws.com"),
    _at("Zurich", "my-bucket.s3.eu-central-2.amazonaws.com"),
    _at("a region that there is not", "my-bucket.s3.eu-west-9.amazonaws.com"),
    _at("the global endpoint", "my-bucket.s3.amazonaws.com"),
    _at("the global endpoint, path style", "s3.amazonaws.com/my-bucket"),
    _at("the old form of a region", "s3-eu-west-3.amazonaws.com/my-bucket"),
    _at("the accelerated endpoint", "my-bucket.s3-accelerate.amazonaws.com"),
    _at("a FIPS endpoint", "my-bucket.s3-fips.us-east-1.amazonaws.com"),
    HostileLink(
        "signed for another region",
        "https://my-bucket.s3.eu-west-1.amazonaws.com/key?SIGNED",
        "not signed for eu-west-1",
    ),
]
ADDRESSES = [
    _at("the metadata service", "169.254.169.254/latest/meta-data"),
    _at("the credentials of a container", "169.254.170.2"),
    _at("the metadata service by IPv6", "[fd00:ec2::254]"),
    _at("Lambda's own runtime", "127.0.0.1:9001/2018-06-01/runtime/invocation/next"),
    _at("an address", "127.0.0.1:PORT"),
    _at("an address in short", "127.1:PORT"),
    _at("an address as one number", "2130706433:PORT"),
    _at("an address as one octal number", "017700000001:PORT"),
    _at("an address as one hexadecimal number", "0x7f000001:PORT"),
    _at("an address in octal", "0177.0.0.01:PORT"),
    _at("an address in hexadecimal", "0x7f.0x0.0x0.0x1:PORT"),
    _at("an address with a dot behind it", "127.0.0.1.:PORT"),
    _at("an address of many zeros", "127.000.000.001:PORT"),
    _at("the address of every interface", "0.0.0.0:PORT"),
    _at("zero", "0:PORT"),
    _at("IPv6", "[::1]:PORT"),
    _at("IPv6 in full", "[0:0:0:0:0:0:0:1]:PORT"),
    _at("IPv6, no address", "[::]:PORT"),
    _at("IPv4 in IPv6", "[::ffff:127.0.0.1]:PORT"),
    _at("IPv4 in IPv6, in hexadecimal", "[::ffff:7f00:1]:PORT"),
    _at("IPv4 in IPv6, the old way", "[::127.0.0.1]:PORT"),
    _at("an IPv6 zone", "[::1%25lo]:PORT", _FORM),
    _at("an IPv6 zone, not encoded", "[::1%lo]:PORT", _ENCODED),
    _at("IPv6 without brackets", "::1:PORT", _FORM),
    _at("an address of a later version", "[v1.127.0.0.1]:PORT", _FORM),
]
SPELLINGS = [
    _at("S3 as the user", f"{S3}@127.0.0.1:PORT", _USER),
    _at("S3 as user and password", f"{S3}:443@127.0.0.1:PORT", _USER),
    _at("a user before S3", f"user:password@{S3}", _USER),
    _at("an empty user", f"@{S3}", _USER),
    _at("two users", f"127.0.0.1:PORT@127.0.0.1:PORT@{S3}", _USER),
    _at("an encoded @", f"{S3}%40127.0.0.1:PORT", _FORM),
    _at("an encoded / in the host", f"127.0.0.1:PORT%2f.{S3}", _FORM),
    _at("an encoded dot", "127%2e0%2e0%2e1:PORT", _FORM),
    _at("an encoded letter", "my-bucket.%733.eu-west-3.amazonaws.com", _FORM),
    _at("a fragment that hides the host", f"127.0.0.1:PORT#{S3}", "a fragment"),
    _at("a question mark that hides the host", f"127.0.0.1:PORT?.{S3}", _FORM),
    _at("a backslash before the host", f"127.0.0.1:PORT\\.{S3}", _ENCODED),
    _at("a backslash and an @", f"127.0.0.1:PORT\\@{S3}", _ENCODED),
    _at("a tab in the host", f"127.0.0.1:PORT\t.{S3}", _ENCODED),
    _at("a blank in the host", f"127.0.0.1:PORT .{S3}", _ENCODED),
    _at("a line in the host", f"{S3}\r\nHost: 127.0.0.1:PORT\r\n\r\n", _ENCODED),
    _at("a NUL in the host", f"127.0.0.1:PORT\0.{S3}", _ENCODED),
    _at("a semicolon in the host", f"127.0.0.1:PORT;{S3}", _FORM),
    _at("a full-width dot", "127\uff0e0\uff0e0\uff0e1:PORT", _ENCODED),
    _at("an ideographic dot", "127\u30020\u30020\u30021:PORT", _ENCODED),
    _at("full-width letters", "\uff4d\uff59.s3.eu-west-3.amazonaws.com", _ENCODED),
    _at("digits in circles", "\u2460\u2461\u2466.0.0.1:PORT", _ENCODED),
    _at("a long s, which is an S in upper case", "b.\u017f3.eu-west-3.amazonaws.com", _ENCODED),
    _at("a Kelvin sign, a k in lower case", "buc\u212aet.s3.eu-west-3.amazonaws.com", _ENCODED),
    _at("a name in Punycode", "my-bucket.s3.eu-west-3.xn--amazonws-4fg.com"),
    _at("another port", f"{S3}:PORT", "its port is"),
    _at("two ports", f"{S3}:443:PORT", _FORM),
    _at("an empty port", f"{S3}:", _FORM),
    _at("a port with a zero before it", f"{S3}:0443", _FORM),
    _at("a port that wraps to 443", f"{S3}:65979", "its port is"),
    _at("a port in other digits", f"{S3}:\u0664\u0664\u0663", _ENCODED),
    _at("a port below zero", f"{S3}:-1", _FORM),
    HostileLink(
        "lines in the key, for a second request",
        f"https://{S3}/key HTTP/1.1\r\nX: y\r\n\r\nGET /?SIGNED",
        _ENCODED,
    ),
    HostileLink("a line behind the URL", f"https://{S3}/key?SIGNED\n", _ENCODED),
    HostileLink("a blank before the URL", f" https://{S3}/key?SIGNED", _ENCODED),
    HostileLink("too long", f"https://{S3}/{'k' * 4096}?SIGNED", "more than 4,096 characters"),
]
SCHEMES = [
    HostileLink("no TLS", f"http://{S3}/key?SIGNED", _START),
    HostileLink("no TLS, to an address", "http://127.0.0.1:PORT/key?SIGNED", _HOST),
    HostileLink("a file", "file:///etc/passwd", _START),
    HostileLink("a file of a host", "file://127.0.0.1:PORT/etc/passwd?SIGNED", _START),
    HostileLink("gopher", "gopher://127.0.0.1:PORT/_GET%20/?SIGNED", _START),
    HostileLink("ftp", "ftp://127.0.0.1:PORT/key?SIGNED", _START),
    HostileLink("dict", "dict://127.0.0.1:PORT/info?SIGNED", _START),
    HostileLink("ldap", "ldap://127.0.0.1:PORT/key?SIGNED", _START),
    HostileLink("data", "data:application/xml,hello", _START),
    HostileLink("an archive in a URL", f"jar:https://{S3}/key!/a?SIGNED", _START),
    HostileLink("s3:", "s3://my-bucket/key", _START),
    HostileLink("no scheme", "//127.0.0.1:PORT/key?SIGNED", _START),
    HostileLink("only a path", "/etc/passwd?SIGNED", _START),
    HostileLink("one slash", "https:/127.0.0.1:PORT/key?SIGNED", _START),
    HostileLink("no slash", "https:127.0.0.1:PORT/key?SIGNED", _START),
    HostileLink("three slashes", "https:///127.0.0.1:PORT/key?SIGNED", _FORM),
    HostileLink("two URLs", f"https://127.0.0.1:PORT/https://{S3}/key?SIGNED", _HOST),
    HostileLink("nothing", "", _START),
]
SIGNATURES = [
    HostileLink("no query", f"https://{S3}/key", "it has no query"),
    HostileLink("no object", f"https://{S3}/?SIGNED", "it names no object"),
    HostileLink(
        "no object, path style",
        "https://s3.eu-west-3.amazonaws.com/my-bucket/?SIGNED",
        "it names no object",
    ),
    _query("not signed", "versionId=1", "X-Amz-Algorithm 0 times"),
    _query("no signature", f"{ALGORITHM}&{CREDENTIAL}", "X-Amz-Signature 0 times"),
    _query("two signatures", f"SIGNED&{SIGNATURE}", "X-Amz-Signature 2 times"),
    _query(
        "two signatures, in another case", f"SIGNED&{SIGNATURE.lower()}", "X-Amz-Signature 2 times"
    ),
    _query("two credentials", f"SIGNED&{CREDENTIAL}", "X-Amz-Credential 2 times"),
    _query("two algorithms", f"SIGNED&{ALGORITHM}", "X-Amz-Algorithm 2 times"),
    _query("an encoded name", "SIGNED&X-Amz%2DSignature=0", _FORM),
    _query("an empty signature", f"{ALGORITHM}&{CREDENTIAL}&X-Amz-Signature=", "Signature Version"),
    _query("another algorithm", "X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256", "its X-Amz-Algorithm"),
    _query("Signature Version 2", "AWSAccessKeyId=AKID&Signature=a", "X-Amz-Algorithm 0 times"),
    HostileLink(
        "a credential of another service",
        f"https://{S3}/key?{ALGORITHM}&{CREDENTIAL.replace('Fs3%', 'Fsqs%')}&{SIGNATURE}",
        "its X-Amz-Credential",
    ),
    _query("two questions", f"a=b?{SIGNED}", _FORM),
]
RESOLVED = [
    _named("S3 resolves to loopback", "127.0.0.1"),
    _named("S3 resolves to loopback by IPv6", "::1"),
    _named("S3 resolves to a private network", "10.0.0.1"),
    _named("S3 resolves to the metadata service", "169.254.169.254"),
    _named("S3 resolves to a provider's network", "100.64.0.1"),
    _named("S3 resolves to every interface", "0.0.0.0"),
    _named("S3 resolves to a multicast group", "224.0.0.1"),
    _named("S3 resolves to a link-local zone", "fe80::1%lo"),
    _named("S3 resolves to a private network by IPv6", "fd00:ec2::254"),
    _named("S3 resolves to IPv4 in IPv6", "::ffff:127.0.0.1"),
    _named("S3 resolves to IPv4 in IPv6, by 6to4", "2002:7f00:1::1"),
    _named("S3 resolves to IPv4 in IPv6, by NAT64", "64:ff9b::7f00:1"),
    _named("S3 resolves to S3 and to loopback", "52.95.154.1", "127.0.0.1"),
]
REDIRECTS = [
    _moved("a redirect", "http://127.0.0.1:PORT/key"),
    _moved("a redirect for good", "http://127.0.0.1:PORT/key", 301),
    _moved("a redirect to GET", "http://127.0.0.1:PORT/key", 303),
    _moved("a redirect of the same request", "http://[::1]:PORT/key", 307),
    _moved("a redirect of the same request, for good", "http://127.0.0.1:PORT/key", 308),
    _moved("a redirect to the metadata service", "http://169.254.169.254/latest/meta-data/"),
    _moved("a redirect to a file", "file:///etc/passwd"),
    _moved("a redirect to S3", f"https://{S3}/key?SIGNED"),
]
LINKS = [
    *OTHER_HOSTS,
    *REGIONS,
    *ADDRESSES,
    *SPELLINGS,
    *SCHEMES,
    *SIGNATURES,
    *RESOLVED,
    *REDIRECTS,
]


def shown(text: str) -> str:
    """A row's URL as the page has it: what cannot be seen is written out, what is long is cut."""
    escaped = (c if " " <= c <= "~" else c.encode("unicode_escape").decode() for c in text)
    visible = "".join(escaped).replace(SIGNED, "SIGNED") or " "
    return visible if len(visible) <= 150 else f"{visible[:60]}…{visible[-20:]}"


def row(link: HostileLink, seen: str) -> str:
    """A line of the page."""
    target = f" → `{shown(link.redirects_to)}`" if link.redirects_to else ""
    names = f" ({', '.join(link.resolves_to)})" if link.resolves_to else ""
    return f"| {cell(link.what)}{names} | `{shown(link.url)}`{target} | {cell(seen)} |\n"


def links() -> str:
    """The page of URLs that are not followed."""
    with ground() as place:
        lines = [
            row(link, place.see(link, place.endpoint if link.redirects_to else None))
            for link in LINKS
        ]
    return (
        "# URLs that are not followed, and what their sender sees\n\n"
        "<!-- Written by make docs; the tests hold it against what the software does. -->\n\n"
        '`POST /predictions` takes `{"url": "…"}`, a presigned GET of S3 in the EU. Whoever may '
        "call the service could otherwise have it call others: server-side request forgery. "
        f"The tests try each of these {len(LINKS)} ways, with a listener on this machine that must "
        "see no connection, and with an audit hook that must see none opened to any address; DNS "
        "is asked only where the first column has its answer.\n\n"
        "`PORT` stands for that listener's port, `ENDPOINT` for the port of a local S3 that may "
        "be followed and that redirects, `SIGNED` for the query of a presigned GET.\n\n"
        "| What is tried | URL | Status and detail of the problem |\n| --- | --- | --- |\n"
        + "".join(lines)
    )
