"""Requests proxied to programs of pods, through an agent that runs in the test."""

from __future__ import annotations

import hashlib
import http.client
from collections.abc import Iterator
from contextlib import closing

import pytest
import websocket

from orchestrator.api.groups.core import ENDPOINTS, NODE, POD, SERVICE
from orchestrator.client.client import Client
from orchestrator.server.local import LocalTransport
from orchestrator.server.serve import ApiServer
from orchestrator.util import pki
from orchestrator.util.settings import Settings
from tests.fakes import web_program
from tests.fakes.agent import eventually
from tests.fakes.api import ADMIN, live_api
from tests.fakes.dial_agent import dial_agent

from ..http_client import Https
from ..objects import pod

Live = tuple[ApiServer, Settings]
NAMESPACE = "/api/v1/namespaces/default"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Where the program listens."""
    server = web_program.start("127.0.0.1", 0)
    yield server.server_address[1]
    server.shutdown()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Live]:
    with (
        live_api(tmp_path_factory.mktemp("home")) as running,
        dial_agent(pki.identity(running[1].pki, "n1")) as agent_port,
    ):
        client = Client(LocalTransport(running[0].resources, ADMIN))
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": agent_port}},
        }
        client.create(NODE, {"metadata": {"name": "n1"}})
        client.update_status(NODE, {**client.get(NODE, "n1"), "status": status})
        for name, ip in (("web", "10.9.9.9"), ("local", "127.0.0.1")):
            made = client.create(POD, pod(name, nodeName="n1"))
            client.update_status(POD, {**made, "status": {"phase": "Running", "podIP": ip}})
        client.create(POD, pod("early"))
        ports = [{"name": "http", "port": 80}, {"name": "idle", "port": 81}]
        for name in ("web", "empty"):
            client.create(SERVICE, {"metadata": {"name": name, "namespace": "default"}, "spec": {"ports": ports}})
        ready = {"ip": "10.9.9.9", "targetRef": {"kind": "Pod", "name": "web", "namespace": "default"}}
        subset = {"addresses": [ready, {"ip": "169.254.1.1"}], "ports": [{"name": "http", "port": port}]}
        client.create(ENDPOINTS, {"metadata": {"name": "web", "namespace": "default"}, "subsets": [subset]})
        yield running


@pytest.fixture
def https(live: Live) -> Https:
    return Https(live[1])


@pytest.fixture
def root(port: int) -> str:
    return f"{NAMESPACE}/pods/web:{port}/proxy"


def test_what_reaches_the_program(https: Https, root: str) -> None:
    sent = {
        "Authorization": "Bearer x",
        "Connection": "X-Mine, keep-alive",
        "X-Mine": "1",
        "X-Kept": "caf\xe9",
        "X-Forwarded-For": "192.0.2.1",
    }
    seen = https.ask("GET", f"{root}/a%2Fb/../c//?q=%20&r", headers=sent).json
    assert (seen["method"], seen["path"]) == ("GET", "/a%2Fb/../c//?q=%20&r")
    headers = {name.lower(): value for name, value in seen["headers"].items()}
    assert headers["x-kept"] == "caf\xe9" and headers["host"].startswith("127.0.0.1:")
    assert headers["x-forwarded-for"] == "192.0.2.1, 127.0.0.1"
    assert headers["x-forwarded-uri"] == f"{root}/a%2Fb/../c//"
    assert not {"authorization", "x-mine", "keep-alive"} & headers.keys()


@pytest.mark.parametrize("method", ["DELETE", "OPTIONS"])
def test_methods(https: Https, root: str, method: str) -> None:
    assert https.ask(method, f"{root}/x").json["method"] == method


def test_a_head_has_no_body(https: Https, root: str) -> None:
    answer = https.ask("HEAD", f"{root}/x")
    assert (answer.code, answer.body) == (200, b"") and int(answer.headers["Content-Length"]) > 0


def test_one_connection_serves_many(https: Https, root: str) -> None:
    with closing(https.connect()) as connection:
        for number in range(3):
            connection.request("GET", f"{root}/{number}")
            assert f'"/{number}"'.encode() in connection.getresponse().read()
            sock = connection.sock
        assert sock is connection.sock and sock is not None


def test_without_a_path(https: Https, root: str) -> None:
    answer = https.get(f"{root}?a=b")
    assert (answer.code, answer.headers["Location"]) == (301, f"{root}/?a=b")
    assert https.ask("POST", root, b"body").code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_bodies(https: Https, root: str, method: str) -> None:
    body = b"0123456789" * 500_000
    assert https.ask(method, f"{root}/", body).body.decode() == hashlib.md5(body).hexdigest()
    assert https.ask(method, f"{root}/", b"").body.decode() == hashlib.md5(b"").hexdigest()


def test_both_directions_at_once(https: Https, root: str) -> None:
    """Each piece is back before the next one is sent."""
    with closing(https.connect()) as connection:
        connection.putrequest("POST", f"{root}/echo")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders()
        connection.send(b"5\r\nfirst\r\n")
        sock = connection.sock
        answer = connection.getresponse()
        assert answer.read(5) == b"first"
        for number in range(3):
            sock.sendall(b"6\r\nnext-%d\r\n" % number)
            assert answer.read(6) == b"next-%d" % number
        sock.sendall(b"0\r\n\r\n")
        assert answer.read() == b""


def test_events_come_as_they_happen(https: Https, root: str, live: Live) -> None:
    before = len(live[0]._app.long_running)
    with closing(https.connect()) as connection:
        connection.request("GET", f"{root}/events")
        answer = connection.getresponse()
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert [answer.readline() for _ in range(4)] == [b"data: tick\n", b"\n"] * 2
        assert len(live[0]._app.long_running) == before + 1
    eventually(lambda: len(live[0]._app.long_running) == before)


def test_a_websocket(https: Https, root: str, live: Live) -> None:
    connection = https.connect()
    connection.connect()
    opened = websocket.WebSocket()
    opened.connect(f"wss://127.0.0.1{root}/socket", socket=connection.sock)
    for text in ("one", "two" * 100_000):
        opened.send(text)
        assert opened.recv() == text
    opened.close()


def test_links_lead_back(https: Https, root: str) -> None:
    assert https.get(f"{root}/moved").headers["Location"] == f"{root}/there?x=1"
    expected = web_program.PAGE.replace(b'"/other', b'"' + root.encode() + b"/other")
    for path in ("html", "gzip"):
        answer = https.get(f"{root}/{path}")
        assert answer.body == expected
        assert "Content-Encoding" not in answer.headers and "Access-Control-Allow-Origin" not in answer.headers


def test_an_answer_that_breaks_off_does_not_look_whole(https: Https, root: str) -> None:
    with pytest.raises(http.client.IncompleteRead):
        https.get(f"{root}/broken")


@pytest.mark.parametrize("name", ["web:http", "web:80", "http:web:80"])
def test_services(https: Https, name: str) -> None:
    assert https.get(f"{NAMESPACE}/services/{name}/proxy/x").json["path"] == "/x"


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("services/web:82", 503, 'no service port 82 found for service "web"'),
        ("services/web:81", 503, 'no endpoints available for service "web:81"'),
        ("services/empty:http", 503, 'no endpoints available for service "empty"'),
        ("services/none", 404, 'services "none" not found'),
        ("services/ftp:web:80", 400, 'invalid service request "ftp:web:80"'),
        ("pods/none:80", 404, 'pods "none" not found'),
        ("pods/early:80", 400, "pod early does not have a host assigned"),
        ("pods/local:80", 400, "address not allowed"),
        ("pods/web:99999", 400, 'invalid pod request "web:99999"'),
        ("pods/web:1", 503, "error trying to reach service: dial tcp 127.0.0.1:1: connect: connection refused"),
    ],
)
def test_refusals(https: Https, path: str, code: int, message: str) -> None:
    for body in (None, b"x" * 3_000_000):
        answer = https.ask("POST" if body else "GET", f"{NAMESPACE}/{path}/proxy/", body)
        assert (answer.code, answer.json["message"]) == (code, message)


def test_nodes(https: Https) -> None:
    """The agent answers the API server, and another port of a node that is this machine is out of bounds."""
    assert https.get("/api/v1/nodes/n1/proxy/healthz").body == b"ok"
    answer = https.get("/api/v1/nodes/n1:1/proxy/")
    assert (answer.code, answer.json["message"]) == (400, "address not allowed")


def test_who_may(live: Live, root: str) -> None:
    answer = Https(live[1], "n1").ask("POST", f"{root}/", b"x")
    assert answer.code == 403
    assert 'cannot create resource "pods/proxy" in API group "" in the namespace "default"' in answer.json["message"]


def test_the_server_ends_them_when_it_stops(tmp_path_factory: pytest.TempPathFactory, live: Live, root: str) -> None:
    with closing(Https(live[1]).connect()) as connection:
        connection.request("GET", f"{root}/events")
        answer = connection.getresponse()
        answer.readline()
        for end in list(live[0]._app.long_running._ends.values()):
            end()
        with pytest.raises((http.client.IncompleteRead, ConnectionError, OSError)):
            answer.read()
