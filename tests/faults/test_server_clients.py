"""Clients that stall, break off or never read. The API server must not notice, and forget them in time."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from orchestrator.api.groups.core import CONFIG_MAP
from orchestrator.client.client import Client
from orchestrator.client.http import HttpTransport
from orchestrator.server import streams, workers, wsgi
from orchestrator.server.answers import text_answer
from orchestrator.server.local import LocalTransport
from orchestrator.server.serve import ApiServer
from orchestrator.util import pki
from orchestrator.util.settings import Settings
from tests.fakes.api import ADMIN, live_api

WATCH = b"GET /api/v1/configmaps?watch=1&resourceVersion=%d HTTP/1.1\r\nHost: x\r\n\r\n"
GET = b"GET /api/v1/namespaces/default HTTP/1.1\r\nHost: x\r\n\r\n"
#: More than there are workers.
MANY = workers.MOST + 4

Live = tuple[ApiServer, Settings]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live_api(tmp_path_factory.mktemp("home")) as live:
        yield live


@pytest.fixture
def live(running: Live) -> Iterator[Live]:
    """The server, which nobody watches yet, and nobody any more when the test's connections are closed."""
    yield running
    assert until(lambda: open_watches(running) == 0)


@pytest.fixture
def dial(live: Live) -> Iterator[Callable[[], socket.socket]]:
    """Opens plain connections, closed at the test's end."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(socket.create_connection((live[1].api_host, live[1].api_port), timeout=10))


@pytest.fixture
def secure(live: Live, dial: Callable[[], socket.socket]) -> Iterator[Callable[[], ssl.SSLSocket]]:
    """Opens connections as `admin`, the handshake done."""
    identity = pki.identity(live[1].pki, "admin")
    context = ssl.create_default_context(cafile=str(identity.ca))
    context.load_cert_chain(identity.certificate, identity.key)
    with ExitStack() as stack:
        yield lambda: stack.enter_context(context.wrap_socket(dial(), server_hostname="127.0.0.1"))


def answers(connection: socket.socket) -> bool:
    connection.sendall(GET)
    return connection.recv(1 << 16).startswith(b"HTTP/1.1 200 OK")


def until(what: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def open_watches(live: Live) -> int:
    return len(live[0]._app.long_running)


def watching(live: Live, secure: Callable[[], ssl.SSLSocket]) -> ssl.SSLSocket:
    connection = secure()
    connection.sendall(WATCH % live[0].resources.backend.store.revision)
    assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 OK")
    return connection


@pytest.mark.parametrize(
    "opening", [b"", b"\x16\x03\x01\x02\x00\x01", b"GET / HTT"], ids=["silent", "half a hello", "half a request"]
)
def test_many_who_stall(dial: Callable[[], socket.socket], secure: Callable[[], ssl.SSLSocket], opening: bytes) -> None:
    for _ in range(MANY):
        stalled = secure() if opening.startswith(b"GET") else dial()
        stalled.sendall(opening)
    assert answers(secure())


def test_many_who_watch(live: Live, secure: Callable[[], ssl.SSLSocket]) -> None:
    for _ in range(MANY):
        watching(live, secure)
    assert open_watches(live) == MANY
    assert answers(secure())
    # Who has nothing to say needs no thread.
    http = live[0]._http.requests
    assert until(lambda: (http.waiters, http.threads <= workers.SIZE) == (0, True))


def test_a_watch_ends_at_its_time_and_what_is_asked_next_is_answered(
    live: Live, secure: Callable[[], ssl.SSLSocket]
) -> None:
    connection = secure()
    timed = WATCH.replace(b"watch=1", b"watch=1&timeoutSeconds=1&allowWatchBookmarks=true")
    connection.sendall(timed % live[0].resources.backend.store.revision)
    received = b""
    while not received.endswith(b"0\r\n\r\n"):
        received += connection.recv(1 << 16)
    assert b'"BOOKMARK"' in received
    assert answers(connection)


def test_an_event_reaches_all_whatever_one_of_them_does(live: Live, secure: Callable[[], ssl.SSLSocket]) -> None:
    """One never reads, and is waited for; the others have their events meanwhile."""
    client = Client(LocalTransport(live[0].resources, ADMIN))
    client.create(CONFIG_MAP, {"metadata": {"name": "told", "namespace": "default"}, "data": {"a": "x" * 900_000}})
    watching(live, secure)
    others = [watching(live, secure) for _ in range(3)]
    for index in range(8):
        client.patch(CONFIG_MAP, "told", {"data": {"b": str(index)}}, "default")
        for other in others:
            wanted, received = b'"b":"%d"' % index, b""
            while wanted not in received:
                received += other.recv(1 << 20)


def test_a_watcher_that_goes_is_forgotten_without_a_write(live: Live, secure: Callable[[], ssl.SSLSocket]) -> None:
    connection = watching(live, secure)
    connection.close()
    assert until(lambda: open_watches(live) == 0)
    assert until(lambda: live[0]._http.requests.waiters == 0)
    assert until(lambda: live[0]._http.requests.threads <= workers.SIZE)


def test_a_watcher_that_does_not_read_is_dropped(
    live: Live, secure: Callable[[], ssl.SSLSocket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "WRITE_TIMEOUT", 0.3)
    watching(live, secure)
    client = Client(LocalTransport(live[0].resources, ADMIN))
    big = {"metadata": {"name": "big", "namespace": "default"}, "data": {"a": "x" * 900_000}}
    client.create(CONFIG_MAP, big)
    for index in range(8):
        client.patch(CONFIG_MAP, "big", {"data": {"b": str(index)}}, "default")
    assert until(lambda: open_watches(live) == 0)


def test_a_client_that_does_not_read_a_list_is_dropped(
    live: Live, secure: Callable[[], ssl.SSLSocket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "WRITE_TIMEOUT", 0.3)
    client = Client(LocalTransport(live[0].resources, ADMIN))
    for index in range(8):
        meta = {"name": f"big-{index}", "namespace": "default", "labels": {"size": "big"}}
        client.create(CONFIG_MAP, {"metadata": meta, "data": {"a": "x" * 900_000}})
    connection = secure()
    # Else the kernel may take the whole list for the client, and the server is done before it is kept waiting.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    connection.sendall(b"GET /api/v1/configmaps?labelSelector=size=big HTTP/1.1\r\nHost: x\r\n\r\n")
    # It may have to wait more than once before it is given up: the kernel takes a little for the client now and then.
    dropped, close = threading.Event(), wsgi.Connection.close
    monkeypatch.setattr(wsgi.Connection, "close", lambda self: (close(self), dropped.set()))
    assert dropped.wait(10)
    received = 0
    with suppress(OSError):  # closed without a farewell
        while piece := connection.recv(1 << 16):
            received += len(piece)
    assert received < 8 * 900_000


def test_who_never_begins_a_handshake_is_let_go(
    dial: Callable[[], socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wsgi, "HANDSHAKE_TIMEOUT", 0.1)
    assert dial().recv(1) == b""


def test_threads_that_are_held_up_hold_up_nobody(
    live: Live, secure: Callable[[], ssl.SSLSocket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By what they do not tell of: a disk, a lock, another server."""
    go = threading.Event()
    monkeypatch.setattr(live[0]._app, "_health_page", lambda path: text_answer(str(go.wait(10))))
    held_up = [secure() for _ in range(workers.SIZE + 1)]
    for connection in held_up:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answers(secure())
    assert not go.is_set()
    go.set()
    assert all(b"200 OK" in connection.recv(1 << 16) for connection in held_up)
    assert until(lambda: live[0]._http.requests.threads <= workers.SIZE)


def test_a_request_must_come_in_time(secure: Callable[[], ssl.SSLSocket], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "READ_TIMEOUT", 0.3)
    connection = secure()
    connection.sendall(b"GET /livez HTTP/1.1\r\nHost:")
    assert b"408" in connection.recv(1 << 16)


def test_a_body_must_come_in_time(secure: Callable[[], ssl.SSLSocket], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "READ_TIMEOUT", 0.3)
    connection = secure()
    connection.sendall(b"POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert connection.recv(1 << 16).startswith(b"HTTP/1.1 504")


def test_there_is_a_limit_to_watches(
    live: Live, secure: Callable[[], ssl.SSLSocket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live[0]._app.long_running, "_limit", 2)
    first, _ = watching(live, secure), watching(live, secure)
    refused = secure()
    refused.sendall(WATCH % live[0].resources.backend.store.revision)
    assert refused.recv(1 << 16).startswith(b"HTTP/1.1 429")
    first.close()
    assert until(lambda: open_watches(live) == 1)
    watching(live, secure)


def test_clients_that_break_off_leave_no_trace(
    live: Live,
    dial: Callable[[], socket.socket],
    secure: Callable[[], ssl.SSLSocket],
    caplog: pytest.LogCaptureFixture,
) -> None:
    dial().close()
    garbage = dial()
    garbage.sendall(b"\x00" * 100)
    garbage.close()
    half = secure()
    half.sendall(b"POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    half.close()
    reset = secure()
    reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    reset.sendall(GET)
    reset.close()
    watching(live, secure).close()
    assert until(lambda: open_watches(live) == 0)
    assert answers(secure())
    assert [record.getMessage() for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


def test_http_without_tls_is_told_so(dial: Callable[[], socket.socket]) -> None:
    connection = dial()
    connection.sendall(GET)
    answer = connection.recv(1 << 16)
    assert answer.startswith(b"HTTP/1.0 400")
    assert b"Client sent an HTTP request to an HTTPS server." in answer


def test_a_certificate_of_another_ca_is_refused(live: Live, dial: Callable[[], socket.socket], tmp_path: Path) -> None:
    other = pki.ensure(tmp_path / "other", "admin", "kubernetes-admin", ["system:masters"])
    context = ssl.create_default_context(cafile=str(live[1].pki / "ca.crt"))
    context.load_cert_chain(other.certificate, other.key)
    with pytest.raises(OSError):
        answers(context.wrap_socket(dial(), server_hostname="127.0.0.1"))
        raise AssertionError("the server answered")


def test_headers_have_a_limit(secure: Callable[[], ssl.SSLSocket]) -> None:
    connection = secure()
    connection.sendall(b"GET /livez HTTP/1.1\r\nX: " + b"y" * 70_000 + b"\r\n\r\n")
    assert b" 413 " in connection.recv(1 << 16)


def test_stopping_ends_watches_and_frees_the_port(tmp_path: Path) -> None:
    with live_api(tmp_path) as (server, settings):
        transport = HttpTransport(settings.server, pki.identity(settings.pki, "admin"))
        stream = Client(transport).watch(CONFIG_MAP, resourceVersion=str(server.resources.backend.store.revision))
        begun = time.monotonic()
    assert time.monotonic() - begun < 3
    assert list(stream) == []
    transport.close()
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind((settings.api_host, settings.api_port))
