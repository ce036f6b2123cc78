"""Following a presigned URL: to the address that was checked, and within which limits."""

import gzip
import http.server
import logging
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predict.link import open_link
from serving.documents import Document, read_document
from serving.errors import InvalidInputError, ServingError, TooLargeError, UnavailableError
from serving.signature import TensorSpec
from tests.support.audit import watched
from tests.support.documents import POINTS, matrices, xml
from tests.support.ground import SIGNATURE, SIGNED
from tests.support.s3 import BODY, Answer, Server, chunked, drip, send, serving
from tests.tables.links import S3


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def test_document_is_read(server: Server) -> None:
    server.answer = send(xml(matrices(3)))
    with server.open(10_000_000) as stream:
        document = Document(TensorSpec((POINTS, 1), "float32"))
        assert [matrix.id for matrix in read_document(stream, document)] == ["m0", "m1", "m2"]
    path, headers = server.requests[0]
    assert path == f"/my-bucket/a%20key?{SIGNED}"
    assert headers == {
        "Host": server.endpoint.removeprefix("http://"),
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


@given(st.binary(max_size=3000), st.integers(1, 4000))
def test_bytes_arrive_as_they_are(body: bytes, size: int) -> None:
    with serving(send(body)) as server, server.open(3000) as stream:
        assert b"".join(iter(lambda: stream.read(size), b"")) == body
        assert stream.read(1) == b""


def test_gzip_is_not_unpacked(server: Server) -> None:
    packed = gzip.compress(BODY)
    server.answer = send(packed, Content_Encoding="gzip")
    assert server.read() == packed


def test_chunks_are_joined(server: Server) -> None:
    server.answer = send(chunked(BODY, b"end", b""), Content_Length="", Transfer_Encoding="chunked")
    assert server.read() == BODY + b"end"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(send(Content_Length="10241"), "after 10,240 bytes", id="short"),
        pytest.param(send(Content_Length=""), "how long the object is", id="no length"),
        pytest.param(
            send(chunked(BODY), Content_Length="", Transfer_Encoding="chunked"),
            "broke off after 10,240 bytes",
            id="short in chunks",
        ),
        pytest.param(send(b"", 500), "S3 answers 500: try again", id="500"),
        pytest.param(
            send(b"<Error><Code>SlowDown</Code></Error>", 503),
            r"S3 answers 503 \(SlowDown\): try again",
            id="503",
        ),
        pytest.param(send(b"", 429), "S3 answers 429: try again", id="429"),
        pytest.param(lambda _: None, "does not answer in HTTP", id="nothing"),
        pytest.param(
            lambda handler: handler.wfile.write(b"hello\r\n\r\n"),
            "does not answer in HTTP: BadStatusLine",
            id="no HTTP",
        ),
    ],
)
def test_passing_faults(server: Server, answer: Answer, reason: str) -> None:
    server.answer = answer
    with pytest.raises(UnavailableError, match=reason):
        server.read()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(
            send(b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>', 403),
            "S3 answers 403 (AccessDenied): the URL has expired, or does not allow this",
            id="403",
        ),
        pytest.param(
            send(b"<Error><Code>NoSuchKey</Code></Error>", 404),
            "S3 answers 404 (NoSuchKey): there is no such object",
            id="404",
        ),
        pytest.param(
            send(b" " * 2048 + b"<Code>Late</Code>", 404), "S3 answers 404: there", id="late"
        ),
        pytest.param(
            send(b"<Code>&lt;script&gt;</Code>", 400), "S3 answers 400: the URL", id="no word"
        ),
        pytest.param(send(b"<Code>Cut</Code>", 412, Content_Length="99"), "412 (Cut)", id="cut"),
        pytest.param(
            send(b"-1\r\n" + b"x" * 9999, 400, Content_Length="", Transfer_Encoding="chunked"),
            "S3 answers 400: the URL",
            id="chunk of less than nothing",
        ),
        pytest.param(send(b"part", 206), "S3 answers 206: the URL", id="part"),
        pytest.param(send(b"", 204), "S3 answers 204: the URL", id="empty"),
    ],
)
def test_url_is_refused_by_s3(server: Server, answer: Answer, reason: str) -> None:
    server.answer = answer
    with pytest.raises(InvalidInputError) as caught:
        server.read()
    assert reason in str(caught.value)


def test_object_over_the_limit_is_not_read(server: Server) -> None:
    server.answer = send(b"", Content_Length="100001")
    with pytest.raises(TooLargeError, match=r"100,001 bytes .* 100,000 bytes .* POST /uploads"):
        server.read()


def test_object_grows_over_the_limit(server: Server) -> None:
    body = chunked(*[BODY] * 10, b"")
    server.answer = send(body, Content_Length="", Transfer_Encoding="chunked")
    assert len(server.read(102_400)) == 102_400
    with pytest.raises(TooLargeError, match="the limit is 102,399 bytes"):
        server.read(102_399)


def test_object_that_drips(server: Server) -> None:
    server.answer = drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    with pytest.raises(TooLargeError, match=r"takes more than 0\.5 s .* POST /uploads instead"):
        server.read(limit_s=0.5)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_answer_that_drips(server: Server, head: bytes) -> None:
    server.answer = drip(head)
    with pytest.raises(UnavailableError, match=r"does not answer within 0\.5 s"):
        server.read(limit_s=0.5)


def test_refusal_that_drips(server: Server) -> None:
    server.answer = drip(b"HTTP/1.1 403 Forbidden\r\n\r\n<Code>AccessDenied</Code>")
    with pytest.raises(InvalidInputError, match="S3 answers 403"):
        server.read(limit_s=0.5)


def test_time_passes_between_reads(server: Server) -> None:
    """All of it is here after the first read, in one packet with the headers."""
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + b"x" * 20
    server.answer = lambda handler: handler.wfile.write(whole)
    with server.open(limit_s=0.5) as stream:
        assert stream.read(10) == b"x" * 10
        time.sleep(0.6)
        with pytest.raises(TooLargeError, match=r"more than 0\.5 s"):
            stream.read(10)


def test_error_of_the_reader_passes(server: Server) -> None:
    with pytest.raises(OSError, match="mine"), server.open():
        raise OSError("mine")


def resolving(*answers: str | Exception) -> Callable[..., list[Any]]:
    """A resolver that has one answer for each time that it is asked."""
    left = list(answers)

    def resolve(_host: str, port: int, **_: Any) -> list[Any]:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answer, port))]

    return resolve


def test_host_is_resolved_once(server: Server) -> None:
    """The name is one that DNS does not have, so it is the answer that is connected to."""
    endpoint = server.endpoint.replace("127.0.0.1", "bucket.test")
    url = f"{endpoint}/my-bucket/key?{SIGNED}"
    with (
        watched() as events,
        open_link(url, endpoint, 100_000, 20, resolving("127.0.0.1", "127.0.0.2")) as stream,
    ):
        assert stream.read() == BODY
    # The server's own thread may look up names too.
    assert [address for event, address in events if event == "socket.connect"] == [
        ("127.0.0.1", server.server.server_port)
    ]
    assert server.requests[0][1]["Host"] == endpoint.removeprefix("http://")


def test_next_address_is_tried(server: Server) -> None:
    port = server.server.server_port

    def resolve(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, 0, 0, "", (host, port)) for host in ("127.0.0.2", "127.0.0.1")]

    with open_link(server.url, server.endpoint, 100_000, 20, resolve) as stream:
        assert stream.read() == BODY


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (socket.gaierror(-2, "Name or service not known"), "has no address: .*not known"),
        (UnicodeError("label too long"), "has no address: label too long"),
        ("127.0.0.1", "not public"),
    ],
)
def test_dns_faults(fault: str | Exception, reason: str) -> None:
    with (
        pytest.raises(UnavailableError, match=reason),
        open_link(f"https://{S3}/key?{SIGNED}", None, 1, 1, resolving(fault)),
    ):
        pass


def test_no_address() -> None:
    with (
        pytest.raises(UnavailableError, match=r"no connection to my-bucket.*no address"),
        open_link(f"https://{S3}/key?{SIGNED}", None, 1, 1, lambda *_, **__: []),
    ):
        pass


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with (
        pytest.raises(UnavailableError, match=r"no connection to 127.0.0.1: .*refused"),
        open_link(f"{endpoint}/my-bucket/key?{SIGNED}", endpoint, 1, 5),
    ):
        pass


def test_nothing_is_logged_nor_quoted(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    def echo(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.wfile.write(f"HTTP/1.1 {handler.path}\r\nbroken\r\n\r\n".encode())

    with caplog.at_level(logging.DEBUG):
        server.read()
        server.answer = echo
        with pytest.raises(ServingError) as caught:
            server.read()
    assert SIGNATURE not in caplog.text + str(caught.value)
