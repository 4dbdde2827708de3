"""Programs in pods that answer what is no HTTP, or lie in it. A proxied request ends, and the API server goes on."""

from __future__ import annotations

import gzip
import http.client
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count

import pytest

from orchestrator.server import streams, workers
from orchestrator.server.serve import ApiServer
from orchestrator.util.settings import Settings
from tests.fakes.proxied import proxied_pod
from tests.fakes.tcp_servers import serving
from tests.unit.orchestrator.server.http_client import Https

Live = tuple[ApiServer, Settings]
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
HTML = OK + b"Content-Type: text/html\r\n"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with proxied_pod(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture
def https(live: Live) -> Iterator[Https]:
    """Afterwards nothing of the proxied requests is left."""
    yield Https(live[1])
    until(lambda: len(live[0]._app.long_running) == 0)
    until(lambda: live[0]._http.requests.threads <= workers.SIZE)


def until(what: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def program(*answer: bytes, endless: bytes = b"") -> Iterator[str]:
    """The proxied path of a program that says this, whatever it is asked; then `endless` for as long as it is heard."""

    def serve(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        for piece in answer:
            connection.sendall(piece)
        while endless:
            connection.sendall(endless)

    with serving(serve) as backend:
        yield f"/api/v1/namespaces/default/pods/web:{backend.port}/proxy/"


@pytest.mark.parametrize(
    ("answer", "endless"),
    [
        pytest.param(b"", b"", id="nothing"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n\r\n", b"", id="no HTTP"),
        pytest.param(b"HTTP/1.1 20", b"", id="half a status line"),
        pytest.param(b"HTTP/1.1 2000 OK\r\n\r\n", b"", id="no status"),
        pytest.param(b"", b"HTTP/1.1 ", id="endless status line"),
        pytest.param(OK + b"X: ", b"y" * 4096, id="endless header"),
        pytest.param(OK, b"X: y\r\n", id="endless headers"),
        pytest.param(b"", b"HTTP/1.1 100 Continue\r\n\r\n", id="endless interim answers"),
        pytest.param(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", b"", id="two lengths"),
        pytest.param(OK + b"Content-Length: -1\r\n\r\n", b"", id="negative length"),
        pytest.param(OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", b"", id="length of many digits"),
        pytest.param(OK + b"Transfer-Encoding: gzip\r\n\r\n", b"", id="unknown coding"),
        pytest.param(OK + b"X: a\0b\r\n\r\n", b"", id="NUL in a header"),
        pytest.param(OK + b"X y\r\n\r\n", b"", id="no colon"),
        pytest.param(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", b"", id="protocol nobody asked for"),
    ],
)
def test_no_answer(https: Https, answer: bytes, endless: bytes) -> None:
    with program(answer, endless=endless) as path:
        told = https.get(path)
    assert (told.code, told.json["reason"]) == (503, "ServiceUnavailable")
    assert told.json["message"].startswith("error trying to reach service: ")


@pytest.mark.parametrize(
    ("answer", "endless"),
    [
        pytest.param(OK + b"Content-Length: 100\r\n\r\nsome", b"", id="too short"),
        pytest.param(CHUNKED + b"5\r\nab", b"", id="short chunk"),
        pytest.param(CHUNKED + b"zz\r\n", b"", id="no chunk size"),
        pytest.param(CHUNKED + b"-1\r\n", b"", id="negative chunk"),
        pytest.param(CHUNKED + b"2\r\nabcd\r\n0\r\n\r\n", b"", id="long chunk"),
        pytest.param(CHUNKED + b"2;", b"x" * 4096, id="endless extension"),
        pytest.param(CHUNKED + b"0\r\n", b"X: y\r\n", id="endless trailer"),
        pytest.param(CHUNKED + b"f" * 100 + b"\r\n", b"x" * 4096, id="a chunk that is too large for anything"),
        pytest.param(HTML + b"Content-Encoding: gzip\r\n\r\nno gzip", b"", id="no gzip"),
        pytest.param(HTML + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"page")[:-9], b"", id="half a gzip"),
    ],
)
def test_an_answer_that_breaks_off(https: Https, answer: bytes, endless: bytes) -> None:
    with program(answer, endless=endless) as path, pytest.raises((http.client.HTTPException, OSError)):
        https.get(path)


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        pytest.param(OK + b"Content-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\n\r\n", b"ab", id="more than it says"),
        pytest.param(b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nab", b"", id="a body where there is none"),
        pytest.param(OK + b"Location: http://[::1\r\n\r\nab", b"ab", id="location that is no URL"),
        pytest.param(HTML + b"\r\n<a href='http://[bad/'>", b"<a href='http://[bad/'>", id="link that is no URL"),
        pytest.param(HTML + b"\r\n<a href='/&#x110000;", b"<a href='/&#x110000;", id="half a tag"),
        pytest.param(HTML + b"\r\n<![if]><!x<?y", b"<![if]><!x<?y", id="half a declaration"),
    ],
)
def test_lies_that_do_no_harm(https: Https, answer: bytes, body: bytes) -> None:
    with program(answer) as path:
        told = https.get(path)
    assert (told.code // 100, told.body) == (2, body)


def test_a_tag_that_does_not_end_passes(https: Https) -> None:
    """In pieces that are as small as they come, and in a time that grows with the page, not with its square."""
    page = b"<a " + b"x" * 300_000
    with program(CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Type: text/html\r\n\r\n"), *chunks(page)) as path:
        begun = time.monotonic()
        assert https.get(path).body == page
    assert time.monotonic() - begun < 10


def chunks(page: bytes, size: int = 100) -> Iterator[bytes]:
    for start in range(0, len(page), size):
        piece = page[start : start + size]
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def test_a_page_that_inflates_without_end_is_not_held(https: Https) -> None:
    bomb = gzip.compress(bytes(64 << 20), 1)
    with program(HTML + b"Content-Encoding: gzip\r\n\r\n", bomb) as path, closing(https.connect()) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.read(1000) == bytes(1000)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nX:", CHUNKED + b"5\r\nab"], ids=["nothing", "half", "some"])
def test_a_program_that_stops_in_the_middle(https: Https, live: Live, said: bytes) -> None:
    """Its client may wait as long as it likes; when it goes, nothing waits any more."""
    go = socket.socketpair()

    def serve(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(said)
        connection.recv(1)

    with serving(serve) as backend, closing(https.connect()) as connection, go[0], go[1]:
        connection.request("GET", f"/api/v1/namespaces/default/pods/web:{backend.port}/proxy/")
        until(lambda: len(live[0]._app.long_running) == 1)
        assert https.get("/livez").body == b"ok"


def test_a_download_that_nobody_reads_is_dropped(https: Https, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "WRITE_TIMEOUT", 0.3)
    ended = count()

    def serve(connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.sendall(OK + b"\r\n")
        try:
            while True:
                connection.sendall(bytes(1 << 16))
        finally:
            next(ended)

    with serving(serve) as backend, closing(https.connect()) as connection:
        connection.request("GET", f"/api/v1/namespaces/default/pods/web:{backend.port}/proxy/")
        until(lambda: next(ended) > 0)
