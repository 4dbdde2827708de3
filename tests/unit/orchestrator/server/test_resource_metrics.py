"""metrics.k8s.io, of agents that are played."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from orchestrator.api.errors import BadRequest, MethodNotAllowed, NotFound
from orchestrator.api.groups.core import NODE, POD
from orchestrator.api.groups.metrics import NODE_METRICS, POD_METRICS
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, name, uid
from orchestrator.api.request import Request
from orchestrator.api.strategies.base import all_cells
from orchestrator.client.client import Client
from orchestrator.server.agents import Agents
from orchestrator.server.resources import Resources
from orchestrator.server.summaries import summaries_of
from orchestrator.util import pki
from orchestrator.util.clock import FakeClock
from tests.fakes.api import ADMIN, local_api
from tests.fakes.log_agent import log_agent

from .objects import pod

TIME = "2023-11-14T22:13:20Z"


def figures(cores: float | None, memory: int, time: str = TIME) -> Object:
    rate = {} if cores is None else {"usageNanoCores": int(cores * 1e9), "windowSeconds": 15.012}
    return {"cpu": {"time": time, "usageCoreNanoSeconds": 1, **rate}, "memory": {"workingSetBytes": memory}}


class Agencies:
    """The agents' answers, and who was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Object] = {}
        self.asked: list[list[str]] = []

    def __call__(self, nodes: Sequence[Object]) -> Mapping[str, Object]:
        self.asked.append([name(node) for node in nodes])
        return {name(node): self.answers[name(node)] for node in nodes if name(node) in self.answers}


@pytest.fixture
def agents() -> Agencies:
    return Agencies()


@pytest.fixture
def api(clock: FakeClock, agents: Agencies) -> tuple[Resources, Client]:
    """Nodes n1 and n2, the second one silent; on n1 the pods `web`, and `new` with a container not measured yet."""
    resources, client = local_api(clock, summaries=agents)
    for node in ("n1", "n2"):
        client.create(NODE, {"metadata": {"name": node, "labels": {"zone": node}}})
    parts = [_run(client, "web", "n1", [("main", 0.25, 4 << 20), ("side", 0.001, 1 << 10)])]
    parts.append(_run(client, "new", "n1", [("main", None, 1 << 20)]))
    _run(client, "lost", "n2", [])
    agents.answers["n1"] = {"node": figures(1.5, 3 << 30), "pods": parts}
    return resources, client


def _run(client: Client, pod_name: str, node: str, containers: list[tuple[str, float | None, int]]) -> Object:
    made = pod(pod_name, nodeName=node)
    made["metadata"]["labels"] = {"app": pod_name}
    made = client.create(POD, made)
    client.update_status(POD, made | {"status": {"phase": "Running"}})
    measured = [{"name": c, **figures(cores, memory)} for c, cores, memory in containers]
    return {"podRef": {"name": pod_name, "namespace": "default", "uid": uid(made)}, "containers": measured}


def listed(client: Client, kind: Kind, namespace: str = "", **options: str) -> list[str]:
    return [name(item) for item in client.list(kind, namespace, **options).items]


def test_nodes(client: Client) -> None:
    (found,) = client.list(NODE_METRICS).items
    assert (found["kind"], found["apiVersion"]) == ("NodeMetrics", "metrics.k8s.io/v1beta1")
    assert (found["timestamp"], found["window"]) == (TIME, "15.012s")
    assert found["usage"] == {"cpu": "1500m", "memory": "3Gi"}
    assert found["metadata"]["labels"] == {"zone": "n1"}
    assert client.get(NODE_METRICS, "n1")["usage"] == found["usage"]
    assert listed(client, NODE_METRICS, labelSelector="zone=n2") == []


def test_pods(client: Client) -> None:
    (found,) = client.list(POD_METRICS).items
    assert (name(found), found["metadata"]["namespace"]) == ("web", "default")
    assert found["containers"] == [
        {"name": "main", "usage": {"cpu": "250m", "memory": "4Mi"}},
        {"name": "side", "usage": {"cpu": "1m", "memory": "1Ki"}},
    ]
    assert client.get(POD_METRICS, "web", "default")["containers"] == found["containers"]


@pytest.mark.parametrize(
    ("namespace", "options", "expected"),
    [
        ("default", {}, ["web"]),
        ("kube-system", {}, []),
        ("", {"labelSelector": "app=web"}, ["web"]),
        ("", {"labelSelector": "app!=web"}, []),
        ("", {"fieldSelector": "metadata.name=web"}, ["web"]),
        ("", {"fieldSelector": "metadata.namespace!=default"}, []),
    ],
)
def test_selectors(client: Client, namespace: str, options: dict[str, str], expected: list[str]) -> None:
    assert listed(client, POD_METRICS, namespace, **options) == expected


def test_only_the_agents_concerned_are_asked(client: Client, agents: Agencies) -> None:
    client.list(POD_METRICS, "default", labelSelector="app=web")
    client.get(NODE_METRICS, "n1")
    assert agents.asked == [["n1"], ["n1"]]


def test_a_pod_that_ended_has_none(client: Client) -> None:
    client.update_status(POD, client.get(POD, "web", "default") | {"status": {"phase": "Succeeded"}})
    assert listed(client, POD_METRICS) == []


@pytest.mark.parametrize(
    ("kind", "wanted", "why"),
    [
        (NODE_METRICS, ("n2", ""), r'nodemetrics\.metrics\.k8s\.io "n2" not found'),
        (NODE_METRICS, ("n9", ""), r'nodes "n9" not found'),
        (POD_METRICS, ("new", "default"), r'podmetrics\.metrics\.k8s\.io "default/new" not found'),
        (POD_METRICS, ("lost", "default"), r'podmetrics\.metrics\.k8s\.io "default/lost" not found'),
        (POD_METRICS, ("none", "default"), r'pods "none" not found'),
    ],
)
def test_not_found(client: Client, kind: Kind, wanted: tuple[str, str], why: str) -> None:
    with pytest.raises(NotFound, match=why):
        client.get(kind, *wanted)


def test_nothing_else_can_be_done_with_them(client: Client, resources: Resources) -> None:
    with pytest.raises(MethodNotAllowed):
        client.create(NODE_METRICS, {"metadata": {"name": "n3"}})
    with pytest.raises(MethodNotAllowed):
        client.delete(POD_METRICS, "web", "default")
    with pytest.raises(MethodNotAllowed):
        resources.watch(Request("watch", POD_METRICS), ADMIN)
    with pytest.raises(BadRequest, match="is not a known field selector"):
        client.list(POD_METRICS, fieldSelector="spec.nodeName=n1")


def test_tables(client: Client) -> None:
    (node,), (web,) = client.list(NODE_METRICS).items, client.list(POD_METRICS).items
    assert all_cells(NODE_METRICS.strategy, node, 0) == ["n1", "1500m", "3Gi", "15.012s"]
    assert all_cells(POD_METRICS.strategy, web, 0) == ["web", "251m", "4097Ki", "15.012s"]


def test_agents_are_asked_and_one_that_fails_is_left_out(tmp_path: Any) -> None:
    own = pki.ensure(tmp_path, "apiserver", "kube-apiserver")
    with log_agent(pki.ensure(tmp_path, "n1", "system:node:n1", ["system:nodes"], ["127.0.0.1"])) as agent:
        agent.lines = [b'{"node": {}, ', b'"pods": []}']
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        n1, impostor, silent = agent.node("n1"), agent.node("n2"), agent.node("n3")
        for node in (n1, impostor):
            node["status"] |= ready
        assert summaries_of(Agents(own))([n1, impostor, silent]) == {"n1": {"node": {}, "pods": []}}
        assert agent.requests == ["/stats/summary?only_cpu_and_memory=true"]
        agent.lines = [b"no JSON"]
        assert summaries_of(Agents(own))([n1]) == {}
    assert summaries_of(Agents(own))([n1]) == {}
