from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from orchestrator.api.groups.core import NODE, POD
from orchestrator.client.client import Client
from orchestrator.server import streams
from orchestrator.server.local import LocalTransport
from orchestrator.server.serve import ApiServer
from orchestrator.server.workers import SIZE
from orchestrator.util import pki
from orchestrator.util.settings import Settings
from tests.fakes.agent import eventually
from tests.fakes.api import ADMIN, live_api
from tests.fakes.log_agent import LogAgent, log_agent

from .http_client import Https
from .objects import pod

LOG = "/api/v1/namespaces/default/pods/web/log"
Live = tuple[ApiServer, Settings]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live_api(tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture
def client(live: Live) -> Client:
    return Client(LocalTransport(live[0].resources, ADMIN))


@pytest.fixture
def https(live: Live) -> Https:
    return Https(live[1])


@pytest.fixture
def agent(live: Live, client: Client) -> Iterator[LogAgent]:
    """The agent of node n1, on which the pod `web` runs."""
    with log_agent(pki.identity(live[1].pki, "n1")) as agent:
        node = agent.node("n1")
        client.create(NODE, node)
        client.update_status(NODE, {**client.get(NODE, "n1"), "status": node["status"]})
        made = client.create(POD, pod(nodeName="n1"))
        made["status"] = {"containerStatuses": [{"name": "main", "state": {"running": {}}}]}
        client.update_status(POD, made)
        yield agent
    client.delete(POD, "web", "default", grace_seconds=0)
    client.delete(NODE, "n1")


def test_a_log_comes_from_the_agent(https: Https, agent: LogAgent) -> None:
    answer = https.get(f"{LOG}?tailLines=5&timestamps=true&pretty=1")
    assert (answer.code, answer.body) == (200, b"one\ntwo\n")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert agent.requests == ["/containerLogs/default/web/main?tailLines=5&timestamps=true"]
    assert agent.clients == ["kube-apiserver"]


def test_following_passes_lines_on_at_once(https: Https, agent: LogAgent) -> None:
    connection = https.connect()
    connection.request("GET", f"{LOG}?follow=true")
    response = connection.getresponse()
    assert response.read(8) == b"one\ntwo\n"
    assert not agent.abandoned.is_set()
    agent.release.set()
    assert response.read() == b""


def test_a_follower_that_goes_is_told_to_the_agent(https: Https, agent: LogAgent, live: Live) -> None:
    connection = https.connect()
    connection.request("GET", f"{LOG}?follow=true")
    response = connection.getresponse()
    response.read(8)
    response.close()
    connection.close()
    assert agent.abandoned.wait(5)


def test_what_the_agent_says_is_passed_on(https: Https, agent: LogAgent) -> None:
    agent.refusal = (400, "tailLines: must be positive")
    answer = https.get(f"{LOG}?tailLines=-1")
    assert (answer.code, answer.json["message"]) == (400, "tailLines: must be positive")


def test_an_agent_that_is_down(https: Https, agent: LogAgent, client: Client) -> None:
    node = client.get(NODE, "n1")
    node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"] = 1
    client.update_status(NODE, node)
    answer = https.get(LOG)
    assert (answer.code, answer.json["reason"]) == (503, "ServiceUnavailable")
    assert "the agent of node n1 at 127.0.0.1:1 cannot be reached" in answer.json["message"]
    assert answer.headers["Retry-After"] == "1"


def test_an_impostor_is_no_agent(https: Https, agent: LogAgent, client: Client) -> None:
    """Another node's certificate, though of the right CA, does not stand for this node."""
    client.create(NODE, {"metadata": {"name": "n2"}})
    client.update_status(NODE, {**client.get(NODE, "n2"), "status": agent.node("n2")["status"]})
    client.delete(POD, "web", "default", grace_seconds=0)
    made = client.create(POD, pod(nodeName="n2"))
    made["status"] = {"containerStatuses": [{"name": "main", "state": {"running": {}}}]}
    client.update_status(POD, made)
    answer = https.get(LOG)
    client.delete(NODE, "n2")
    assert (answer.code, agent.requests) == (503, [])
    assert "its certificate is for system:node:n1" in answer.json["message"]


def test_a_node_that_is_gone(https: Https, agent: LogAgent, client: Client) -> None:
    node = client.get(NODE, "n1")
    client.delete(NODE, "n1")
    assert https.get(LOG).code == 503
    client.create(NODE, {"metadata": {"name": node["metadata"]["name"]}})
    answer = https.get(LOG)
    assert (answer.code, "has not reported its agent's address" in answer.json["message"]) == (503, True)


def test_no_log_yet(https: Https, client: Client) -> None:
    client.create(POD, pod("early"))
    answer = https.get("/api/v1/namespaces/default/pods/early/log")
    assert (answer.code, answer.json["message"]) == (400, "pod early does not have a host assigned")
    assert https.get("/api/v1/namespaces/default/pods/none/log").code == 404


def test_a_client_that_reads_nothing_is_dropped(
    https: Https, agent: LogAgent, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "WRITE_TIMEOUT", 0.3)
    agent.lines = [bytes(1 << 20)] * 32
    with closing(https.connect()) as connection:
        connection.request("GET", f"{LOG}?follow=true")
        eventually(lambda: len(live[0]._app.long_running) == 1)
        eventually(lambda: len(live[0]._app.long_running) == 0)
        eventually(lambda: live[0]._http.requests.threads <= SIZE)
