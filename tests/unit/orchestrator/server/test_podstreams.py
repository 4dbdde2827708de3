"""exec, attach and portforward through the API server, to an agent that gives back what it gets."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from orchestrator.api.groups.core import NODE, POD
from orchestrator.client.client import Client
from orchestrator.server import app
from orchestrator.server.local import LocalTransport
from orchestrator.server.serve import ApiServer
from orchestrator.server.workers import SIZE
from orchestrator.util import link, pki
from orchestrator.util.settings import Settings
from tests.fakes.agent import eventually
from tests.fakes.api import ADMIN, live_api
from tests.fakes.log_agent import LogAgent, log_agent

from .http_client import Https
from .objects import pod

PODS = "/api/v1/namespaces/default/pods"
UPGRADE = {"Connection": "Upgrade", "Upgrade": "echo"}
Live = tuple[ApiServer, Settings]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live_api(tmp_path_factory.mktemp("home")) as running:
        client = Client(LocalTransport(running[0].resources, ADMIN))
        client.create(POD, pod(nodeName="n1"))
        client.create(POD, pod("early"))
        yield running


@pytest.fixture
def https(live: Live) -> Https:
    return Https(live[1])


@pytest.fixture
def agent(live: Live) -> Iterator[LogAgent]:
    """The agent of node n1, on which the pod `web` runs."""
    client = Client(LocalTransport(live[0].resources, ADMIN))
    with log_agent(pki.identity(live[1].pki, "n1")) as agent:
        client.create(NODE, agent.node("n1"))
        client.update_status(NODE, {**client.get(NODE, "n1"), "status": agent.node("n1")["status"]})
        yield agent
    client.delete(NODE, "n1")


class Upgraded:
    """A client's connection; `head` is the answer's, without its end."""

    def __init__(self, https: Https, request: str, *headers: str) -> None:
        connection = https.connect()
        connection.connect()
        self.socket: ssl.SSLSocket = connection.sock
        lines = [f"{request} HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: echo", *headers, "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        self._rest = b""
        self.head = self.read_until(b"\r\n\r\n").decode()

    def read_until(self, end: bytes) -> bytes:
        while end not in self._rest:
            piece = self.socket.recv(1 << 16)
            assert piece, f"ended after {self._rest!r}"
            self._rest += piece
        found, _, self._rest = self._rest.partition(end)
        return found


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_upgraded_connection_is_the_agents(https: Https, agent: LogAgent, method: str) -> None:
    query = "command=a%20b&command=&command=a%20b&stdout=true"
    offers = ("X-Stream-Protocol-Version: v4", "X-Stream-Protocol-Version: v3", "Authorization: Basic eDp5")
    stream = Upgraded(https, f"{method} {PODS}/web/exec?{query}", "Sec-WebSocket-Key: abc", *offers)
    assert stream.head.startswith("HTTP/1.1 101 ")
    assert "\r\nUpgrade: Echo" in stream.head
    assert "Content-" not in stream.head and "Server: agent" not in stream.head
    assert stream.read_until(b"\n") == b"welcome"
    content = b"x" * 500_000
    with ThreadPoolExecutor(1) as pool:
        echo = pool.submit(stream.read_until, b"\n")
        stream.socket.sendall(content + b"\n")
        assert echo.result(20) == content
    assert not agent.abandoned.is_set()
    stream.socket.close()
    assert agent.abandoned.wait(5)
    assert agent.requests == [f"/exec/default/web/main?{query}"]
    assert agent.asked[0]["sec-websocket-key"] == "abc"
    assert agent.asked[0]["x-stream-protocol-version"] == "v4, v3"
    assert "authorization" not in agent.asked[0]


def test_attach_and_portforward(https: Https, agent: LogAgent) -> None:
    Upgraded(https, f"GET {PODS}/web/attach?container=main").socket.close()
    Upgraded(https, f"POST {PODS}/web/portforward?ports=80").socket.close()
    assert agent.requests == ["/attach/default/web/main?container=main", "/portForward/default/web?ports=80"]


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("none/exec", 404, 'pods "none" not found'),
        ("early/exec", 400, "pod early does not have a host assigned"),
        ("web/exec?container=none", 400, "container none is not valid for pod web"),
    ],
)
def test_refusals_come_before_the_upgrade(https: Https, agent: LogAgent, path: str, code: int, message: str) -> None:
    answer = https.ask("POST", f"{PODS}/{path}", headers=UPGRADE)
    assert (answer.code, answer.json["message"]) == (code, message)
    assert agent.requests == []


def test_without_an_upgrade(https: Https, agent: LogAgent) -> None:
    answer = https.get(f"{PODS}/web/exec")
    assert (answer.code, answer.json["message"]) == (400, "Upgrade request required")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods(https: Https, agent: LogAgent, method: str) -> None:
    assert https.ask(method, f"{PODS}/web/exec", headers=UPGRADE).code == 405
    assert https.ask("POST", "/api/v1/namespaces/default/configmaps/web/exec", headers=UPGRADE).code == 404


def test_what_the_agent_refuses_is_a_status(https: Https, agent: LogAgent) -> None:
    agent.refusal = (500, 'container not found ("main")')
    answer = https.ask("GET", f"{PODS}/web/exec", headers=UPGRADE)
    assert (answer.code, answer.json["message"]) == (500, 'container not found ("main")')


def test_streams_take_no_workers_and_are_counted(https: Https, agent: LogAgent, live: Live) -> None:
    streams = [Upgraded(https, f"GET {PODS}/web/exec") for _ in range(2 * SIZE)]
    assert https.get("/healthz").code == 200
    assert len(live[0]._app.long_running) == 2 * SIZE
    for stream in streams:
        stream.socket.close()


def test_the_server_ends_them_when_it_stops(tmp_path_factory: pytest.TempPathFactory) -> None:
    with (
        live_api(tmp_path_factory.mktemp("home")) as (server, settings),
        log_agent(pki.identity(settings.pki, "n1")) as agent,
    ):
        client = Client(LocalTransport(server.resources, ADMIN))
        client.create(POD, pod(nodeName="n1"))
        client.create(NODE, agent.node("n1"))
        client.update_status(NODE, {**client.get(NODE, "n1"), "status": agent.node("n1")["status"]})
        stream = Upgraded(Https(settings), f"GET {PODS}/web/exec")
        assert stream.read_until(b"\n") == b"welcome"
        server._app.long_running.stop()
        assert agent.abandoned.wait(5)
        assert _ended(stream.socket)


def _ended(sock: socket.socket) -> bool:
    try:
        return sock.recv(1) == b""
    except ssl.SSLError:
        return True  # without TLS' own goodbye


def test_a_client_that_reads_nothing_is_dropped(
    https: Https, agent: LogAgent, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "STALLED", 0.3)
    monkeypatch.setattr(link, "LINGER", 0.1)
    stream = Upgraded(https, f"GET {PODS}/web/exec")
    assert stream.read_until(b"\n") == b"welcome"
    with pytest.raises(OSError):
        while True:
            stream.socket.sendall(bytes(1 << 16))
    assert agent.abandoned.wait(5)
    eventually(lambda: len(live[0]._app.long_running) == 0)
