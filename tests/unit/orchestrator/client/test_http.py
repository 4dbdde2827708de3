from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest

from orchestrator.api.errors import ApiError, Conflict, InternalError, NotFound, ServiceUnavailable, not_found
from orchestrator.api.groups.core import POD
from orchestrator.api.request import MERGE_PATCH
from orchestrator.client import http
from orchestrator.client.client import Client
from orchestrator.client.http import HttpTransport
from orchestrator.util import pki
from tests.fakes.http_server import Exchange, HttpServer, serving


class Script:
    """Notes the requests, and answers each with what it was given."""

    def __init__(self, code: int = 200, body: bytes = b"{}") -> None:
        self.code = code
        self.answer = body
        self.seen: list[tuple[str, str, bytes]] = []
        self.headers: list[dict[str, str]] = []

    def __call__(self, exchange: Exchange) -> None:
        self.seen.append((exchange.command, exchange.path, exchange.body()))
        self.headers.append(dict(exchange.headers))
        exchange.answer(self.code, self.answer)


def test_each_verb_is_its_method_and_path() -> None:
    script = Script()
    pod = {"metadata": {"name": "a", "namespace": "ns"}}
    with serving(script) as server:
        client = Client(HttpTransport(server.url))
        client.get(POD, "a", "ns")
        client.list(POD, labelSelector="a=b,c in (d)")
        client.create(POD, pod)
        client.update_status(POD, pod)
        client.patch(POD, "a", {"x": None}, "ns")
        client.delete(POD, "a", "ns", grace_seconds=0)
    body = orjson.dumps(pod)
    options = orjson.dumps({"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0})
    assert script.seen == [
        ("GET", "/api/v1/namespaces/ns/pods/a", b""),
        ("GET", "/api/v1/pods?labelSelector=a%3Db%2Cc+in+%28d%29", b""),
        ("POST", "/api/v1/namespaces/ns/pods", body),
        ("PUT", "/api/v1/namespaces/ns/pods/a/status", body),
        ("PATCH", "/api/v1/namespaces/ns/pods/a", b'{"x":null}'),
        ("DELETE", "/api/v1/namespaces/ns/pods/a", options),
    ]
    assert script.headers[4]["Content-Type"] == MERGE_PATCH
    assert "Content-Type" not in script.headers[0]


def test_connections_are_kept() -> None:
    with serving(Script()) as server:
        client = Client(HttpTransport(server.url))
        for _ in range(5):
            client.get(POD, "a", "ns")
        assert len(server.connections) == 1


def test_a_bearer_token_is_sent() -> None:
    script = Script()
    with serving(script) as server:
        HttpTransport(server.url, token="secret").raw("GET", "/version")
    assert script.headers[0]["Authorization"] == "Bearer secret"


def test_the_environments_proxy_is_not_for_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with serving(Script()) as server:
        assert HttpTransport(server.url).raw("GET", "/version") == (200, b"{}")


@pytest.mark.parametrize(
    ("code", "body", "error", "message"),
    [
        (404, orjson.dumps(not_found("", "pods", "a").status()), NotFound, 'pods "a" not found'),
        (409, orjson.dumps(Conflict("changed").status()), Conflict, "changed"),
        (503, b"<html>busy</html>", ServiceUnavailable, "busy"),
        (500, b"", InternalError, "the server answered 500"),
        (500, b"[1]", InternalError, "1"),
        (200, b"no json", InternalError, "no JSON"),
    ],
)
def test_errors(code: int, body: bytes, error: type[ApiError], message: str) -> None:
    with serving(Script(code, body)) as server:
        transport = HttpTransport(server.url)
        with pytest.raises(error, match=message):
            Client(transport).get(POD, "a", "ns")
        if code >= 400:
            with pytest.raises(error, match=message):
                Client(transport).watch(POD)


def test_a_server_that_is_not_there_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ServiceUnavailable, match=rf"{url}.*is it up.*refused"):
        Client(HttpTransport(url)).get(POD, "a", "ns")


def test_a_server_that_does_not_answer() -> None:
    hold = threading.Event()

    def silent(exchange: Exchange) -> None:
        hold.wait(10)

    with serving(silent) as server:
        with pytest.raises(ServiceUnavailable, match="did not answer"):
            Client(HttpTransport(server.url, timeout=0.05)).get(POD, "a", "ns")
        hold.set()


def test_a_connection_that_breaks_in_the_answer() -> None:
    def half(exchange: Exchange) -> None:
        exchange.send_response(200)
        exchange.send_header("Content-Length", "100")
        exchange.end_headers()
        exchange.wfile.write(b'{"half')
        exchange.close_connection = True

    with serving(half) as server, pytest.raises(ServiceUnavailable):
        Client(HttpTransport(server.url)).get(POD, "a", "ns")


def event(name: str) -> bytes:
    return orjson.dumps({"type": "ADDED", "object": {"metadata": {"name": name}}}) + b"\n"


class Streaming:
    """Sends chunks as the test wants them; None breaks the connection off."""

    def __init__(self, *chunks: bytes | None) -> None:
        self.chunks = chunks
        self.hold = threading.Event()
        self.gone = threading.Event()

    def __call__(self, exchange: Exchange) -> None:
        self.path = exchange.path
        exchange.start_chunks()
        for chunk in self.chunks:
            if chunk is None:
                exchange.connection.shutdown(socket.SHUT_RDWR)
                return
            exchange.chunk(chunk)
        if b"" not in self.chunks:
            exchange.close_connection = True
            if hangs_up(exchange.connection):
                self.gone.set()


def hangs_up(connection: socket.socket) -> bool:
    """Wait for the client to say something more, or to go."""
    try:
        return connection.recv(1) == b""
    except OSError:
        return True


def test_a_watch_yields_events_until_the_server_ends_it() -> None:
    streaming = Streaming(event("a"), event("b")[:9], event("b")[9:] + event("c"), b"")
    with serving(streaming) as server:
        watch = Client(HttpTransport(server.url)).watch(POD, "ns", resourceVersion="7")
        assert [(e.type, e.object["metadata"]["name"]) for e in watch] == [("ADDED", n) for n in "abc"]
    assert streaming.path == "/api/v1/namespaces/ns/pods?resourceVersion=7&watch=true"


def test_events_come_as_they_are_sent() -> None:
    with serving(Streaming(event("a"))) as server:
        watch = Client(HttpTransport(server.url)).watch(POD)
        assert next(iter(watch)).object["metadata"]["name"] == "a"
        watch.close()


def test_a_watch_whose_connection_breaks() -> None:
    with serving(Streaming(event("a"), None)) as server:
        watch = iter(Client(HttpTransport(server.url)).watch(POD))
        next(watch)
        with pytest.raises(ServiceUnavailable, match="broke"):
            next(watch)


def close_while_waiting(server: HttpServer, streaming: Streaming, transport: HttpTransport) -> None:
    watch = Client(transport).watch(POD, allowWatchBookmarks="true")
    started = threading.Event()

    def read() -> list[str]:
        names = []
        for e in watch:
            names.append(e.object["metadata"]["name"])
            started.set()
        return names

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        assert started.wait(10)
        begin = time.monotonic()
        watch.close()
        assert reading.result(10) == ["a"]
        assert time.monotonic() - begin < 5
    assert streaming.gone.wait(10), "the server sees the client hang up"
    watch.close()


def test_close_ends_a_waiting_reader() -> None:
    streaming = Streaming(event("a"))
    with serving(streaming) as server:
        close_while_waiting(server, streaming, HttpTransport(server.url))


def test_close_before_reading_hangs_up() -> None:
    streaming = Streaming(event("a"))
    with serving(streaming) as server:
        watch = Client(HttpTransport(server.url)).watch(POD)
        watch.close()
        assert streaming.gone.wait(10)
        assert list(watch) == []


def test_a_silent_watch_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "WATCH_SILENCE", 0.1)
    with serving(Streaming(event("a"))) as server:
        watch = iter(Client(HttpTransport(server.url)).watch(POD, allowWatchBookmarks="true"))
        next(watch)
        with pytest.raises(ServiceUnavailable, match="timed out"):
            next(watch)


def test_open_gives_bytes_as_they_come() -> None:
    streaming = Streaming(b"one\n", b"two", b"")
    with serving(streaming) as server:
        stream = HttpTransport(server.url).open("/api/v1/namespaces/ns/pods/a/log", {"follow": "true"})
        assert b"".join(stream) == b"one\ntwo"
    assert streaming.path.endswith("/log?follow=true")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    pki.ensure(folder, "apiserver", "apiserver", hosts=["127.0.0.1"])
    pki.ensure(folder, "admin", "kubernetes-admin", ["system:masters"])
    pki.ensure(folder / "other", "admin", "kubernetes-admin")
    return folder


def test_mutual_tls(certificates: Path) -> None:
    streaming = Streaming(event("a"))
    identity = pki.identity(certificates, "admin")
    with serving(Script(), pki.identity(certificates, "apiserver")) as server:
        transport = HttpTransport(server.url, identity)
        assert [transport.raw("GET", "/version") for _ in range(2)] == [(200, b"{}")] * 2
        assert len(server.connections) == 1
    with serving(streaming, pki.identity(certificates, "apiserver")) as server:
        close_while_waiting(server, streaming, HttpTransport(server.url, identity))


def test_a_server_of_another_ca_is_refused(certificates: Path) -> None:
    with serving(Script(), pki.identity(certificates, "apiserver")) as server:
        stranger = HttpTransport(server.url, pki.identity(certificates / "other", "admin"))
        with pytest.raises(ServiceUnavailable, match="certificate verify failed"):
            stranger.raw("GET", "/version")
        nobody = HttpTransport(server.url)
        with pytest.raises(ServiceUnavailable, match="certificate verify failed"):
            nobody.raw("GET", "/version")


@pytest.mark.parametrize("line", [b"no json\n", b"[]\n", b'{"type":"ADDED"}\n'])
def test_a_watch_that_sends_something_else(line: bytes) -> None:
    with serving(Streaming(line, b"")) as server, pytest.raises(InternalError, match="no watch event"):
        list(Client(HttpTransport(server.url)).watch(POD))
