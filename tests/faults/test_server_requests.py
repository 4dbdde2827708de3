"""Requests that are no HTTP, or two kinds of it at once: refused, and nothing of them is taken for another request."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import pytest

from orchestrator.util import pki
from orchestrator.util.settings import Settings
from tests.fakes.api import live_api

GET = b"GET /livez HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
INNER = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
OBJECT = b'{"metadata":{"generateName":"c-"}}'


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with live_api(tmp_path_factory.mktemp("home")) as (_, settings):
        yield settings


@pytest.fixture
def client(settings: Settings) -> Iterator[ssl.SSLSocket]:
    identity = pki.identity(settings.pki, "admin")
    context = ssl.create_default_context(cafile=str(identity.ca))
    context.load_cert_chain(identity.certificate, identity.key)
    plain = socket.create_connection((settings.api_host, settings.api_port), timeout=10)
    with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
        yield connection


def all_answers(client: ssl.SSLSocket) -> bytes:
    """What comes until the server closes the connection."""
    pieces: list[bytes] = []
    try:
        while piece := client.recv(1 << 16):
            pieces.append(piece)
    except ConnectionError:
        pass  # a reset is an end too: what was not read here is none of our business
    return b"".join(pieces)


def chunked(*lines: bytes) -> bytes:
    return POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(lines)


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(POST + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="length, chunks"),
        pytest.param(POST + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}", id="two lengths"),
        pytest.param(POST + b"Content-Length: +2\r\n\r\n{}", id="signed length"),
        pytest.param(POST + b"Content-Length: -1\r\n\r\n{}", id="negative length"),
        pytest.param(POST + b"Content-Length: 0_2\r\n\r\n{}", id="length with underscore"),
        pytest.param(POST + b"Content-Length : 2\r\n\r\n{}", id="space before the colon"),
        pytest.param(POST + b"Content-Length: 2\n\r\n{}", id="bare LF"),
        pytest.param(POST + b"X: a\r\n Content-Length: 2\r\n\r\n{}", id="folded"),
        pytest.param(GET + b" X: folded\r\n\r\n", id="folded after the first header"),
        pytest.param(b"GET /livez HTTP/1.1\r\n X: y\r\n\r\n", id="folded at once"),
        pytest.param(GET + b"X: a\x00b\r\n\r\n", id="NUL"),
        pytest.param(b"GET /livez\rX: y HTTP/1.1\r\n\r\n", id="CR in the request line"),
        pytest.param(b"GET http://x/livez HTTP/1.1\r\n\r\n", id="to a proxy"),
        pytest.param(GET + b"X\r\n\r\n", id="no colon"),
        pytest.param(b"POST /livez HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="chunks in HTTP/1.0"),
        pytest.param(chunked(b"-1\r\n\r\n"), id="negative chunk"),
        pytest.param(chunked(b"0x2\r\n{}\r\n0\r\n\r\n"), id="chunk size of C"),
        pytest.param(chunked(b"2_2\r\n"), id="chunk size with underscore"),
        pytest.param(chunked(b"2\n{}\n0\n\n"), id="chunks with bare LF"),
        pytest.param(chunked(b"2\r\n{}}\r\n0\r\n\r\n"), id="chunk too long"),
        pytest.param(chunked(b"f" * 5000), id="endless chunk size"),
    ],
)
def test_refused_and_nothing_smuggled(client: ssl.SSLSocket, request_: bytes) -> None:
    client.sendall(request_ + INNER)
    answers = all_answers(client)
    assert answers.startswith(b"HTTP/1.1 400 ")
    assert answers.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (b"Transfer-Encoding: gzip, chunked", b"501"),
        (b"X: " + b"y" * 70_000, b"413"),
        (b"\r\n".join(b"X-%d: y" % index for index in range(8000)), b"413"),
        (b"Content-Length: 104857600", b"413"),
    ],
    ids=["unknown coding", "too long", "too many", "100 MB"],
)
def test_too_much(client: ssl.SSLSocket, header: bytes, code: bytes) -> None:
    """Answered at once: nothing of a body that is far too large is waited for."""
    client.sendall(POST + header + b"\r\n\r\n")
    assert all_answers(client).startswith(b"HTTP/1.1 " + code)


def test_too_long_a_path(client: ssl.SSLSocket) -> None:
    client.sendall(b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n")
    assert all_answers(client).startswith(b"HTTP/1.1 414")


def test_an_old_client_has_the_connection_closed(client: ssl.SSLSocket) -> None:
    client.sendall(b"GET /livez HTTP/1.0\r\n\r\n" + INNER)
    answers = all_answers(client)
    assert answers.count(b"HTTP/1.1 200 ") == 1
    assert answers.endswith(b"ok")


def test_chunks_and_requests_in_a_row_are_all_answered(client: ssl.SSLSocket) -> None:
    """Pipelined: each begins where the one before ends, trailers included."""
    body = b"%x\r\n%b\r\n%x;x=y\r\n%b\r\n0\r\nX-Trailer: z\r\n\r\n" % (5, OBJECT[:5], len(OBJECT) - 5, OBJECT[5:])
    client.sendall(chunked(body) * 3 + GET + b"Connection: close\r\n\r\n")
    answers = all_answers(client)
    assert answers.count(b"HTTP/1.1 201 ") == 3
    assert answers.count(b"HTTP/1.1 200 ") == 1


def test_a_name_with_an_underscore_is_no_header(client: ssl.SSLSocket) -> None:
    client.sendall(
        b"GET /api/v1/namespaces/default HTTP/1.1\r\nHost: x\r\nConnection: close\r\nImpersonate_User: nobody\r\n\r\n"
    )
    assert all_answers(client).startswith(b"HTTP/1.1 200 ")
