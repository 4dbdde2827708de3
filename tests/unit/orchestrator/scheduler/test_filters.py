import random
from typing import Any

import pytest

from orchestrator.api.meta import Object
from orchestrator.scheduler.decide import Refusal, decide, feasible
from orchestrator.scheduler.podinfo import PodInfo
from orchestrator.scheduler.snapshot import Snapshot
from tests.unit.orchestrator.scheduler.objects import cluster, near, node, on_nodes, pod, spread

WEB = {"app": "web"}
TAINT = {"key": "key", "value": "value", "effect": "NoSchedule"}


def reasons(wanted: PodInfo, snapshot: Snapshot) -> dict[str, int]:
    """What speaks against the nodes that will not do."""
    return dict(feasible(wanted, snapshot)[1])


def fits(wanted: PodInfo, snapshot: Snapshot) -> set[str]:
    """The nodes that would do."""
    return {node.name for node in feasible(wanted, snapshot)[0]}


UNTOLERATED = "node(s) had untolerated taint {key: value}"
NO_AFFINITY = "node(s) didn't match Pod's node affinity/selector"
NO_PORTS = "node(s) didn't have free ports for the requested pod ports"

ONE_NODE: list[tuple[str, dict[str, Any], dict[str, Any], list[str]]] = [
    ("empty", {}, {}, []),
    ("cordoned", {}, {"unschedulable": True}, ["node(s) were unschedulable"]),
    ("cordoned, tolerated",
     {"tolerations": [{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}]},
     {"unschedulable": True}, []),
    ("tainted", {}, {"taints": [TAINT]}, [UNTOLERATED]),
    ("tainted NoExecute", {}, {"taints": [{"key": "key", "effect": "NoExecute"}]},
     ["node(s) had untolerated taint {key: }"]),
    ("tainted softly", {}, {"taints": [{**TAINT, "effect": "PreferNoSchedule"}]}, []),
    ("tolerated", {"tolerations": [{"key": "key", "value": "value", "effect": "NoSchedule"}]},
     {"taints": [TAINT]}, []),
    ("all tolerated", {"tolerations": [{"operator": "Exists"}]}, {"taints": [TAINT]}, []),
    ("other value tolerated", {"tolerations": [{"key": "key", "value": "x"}]}, {"taints": [TAINT]}, [UNTOLERATED]),
    ("fits exactly", {"cpu": "4", "memory": "8Gi"}, {}, []),
    ("too much CPU", {"cpu": "4001m"}, {}, ["Insufficient cpu"]),
    ("too much of everything", {"cpu": "5", "memory": "9Gi"}, {"pods": "0"},
     ["Too many pods", "Insufficient cpu", "Insufficient memory"]),
    ("no such resource",
     {"containers": [{"name": "a", "resources": {"requests": {"example.com/gpu": "1"}}}]}, {},
     ["Insufficient example.com/gpu"]),
    ("too much disk",
     {"containers": [{"name": "a", "resources": {"requests": {"ephemeral-storage": "11Gi"}}}]}, {},
     ["Insufficient ephemeral-storage"]),
    ("an init container is larger",
     {"initContainers": [{"name": "i", "resources": {"requests": {"cpu": "5"}}}]}, {}, ["Insufficient cpu"]),
    ("overhead", {"cpu": "4", "overhead": {"cpu": "1m"}}, {}, ["Insufficient cpu"]),
    ("selected", {"nodeSelector": {"disk": "ssd"}}, {"labels": {"disk": "ssd"}}, []),
    ("not selected", {"nodeSelector": {"disk": "ssd"}}, {}, [NO_AFFINITY]),
    ("tainted and not selected", {"nodeSelector": {"disk": "ssd"}}, {"taints": [TAINT]}, [UNTOLERATED]),
]  # fmt: skip


@pytest.mark.parametrize(("_", "wanted", "place", "expected"), ONE_NODE, ids=[case[0] for case in ONE_NODE])
def test_one_node(_: str, wanted: dict[str, Any], place: dict[str, Any], expected: list[str]) -> None:
    assert reasons(pod(**wanted), cluster(node(**place))) == dict.fromkeys(expected, 1)


NODE_TERMS: list[tuple[list[Object], bool]] = [
    ([{"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd", "nvme"]}]}], True),
    ([{"matchExpressions": [{"key": "disk", "operator": "NotIn", "values": ["ssd"]}]}], False),
    ([{"matchExpressions": [{"key": "gpu", "operator": "NotIn", "values": ["no"]}]}], True),
    ([{"matchExpressions": [{"key": "disk", "operator": "Exists"}]}], True),
    ([{"matchExpressions": [{"key": "disk", "operator": "DoesNotExist"}]}], False),
    ([{"matchExpressions": [{"key": "cores", "operator": "Gt", "values": ["7"]}]}], True),
    ([{"matchExpressions": [{"key": "cores", "operator": "Lt", "values": ["8"]}]}], False),
    ([{"matchExpressions": [{"key": "cores", "operator": "Gt", "values": ["many"]}]}], False),
    ([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}], True),
    ([{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n2"]}]}], False),
    # The terms are alternatives; what is in one must all hold; an empty one matches nothing.
    ([{"matchExpressions": [{"key": "gpu", "operator": "Exists"}]},
      {"matchExpressions": [{"key": "disk", "operator": "Exists"}]}], True),
    ([{"matchExpressions": [{"key": "disk", "operator": "Exists"}, {"key": "gpu", "operator": "Exists"}]}], False),
    ([{}], False),
    ([], False),
]  # fmt: skip


@pytest.mark.parametrize(("terms", "expected"), NODE_TERMS)
def test_node_affinity(terms: list[Object], expected: bool) -> None:
    there = cluster(node(labels={"disk": "ssd", "cores": "8"}))
    assert reasons(pod(affinity=on_nodes(*terms)), there) == ({} if expected else {NO_AFFINITY: 1})


@pytest.mark.parametrize(
    ("used", "wanted", "collide"),
    [
        ({"hostPort": 80}, {"hostPort": 80}, True),
        ({"hostPort": 80}, {"hostPort": 81}, False),
        ({"hostPort": 80, "protocol": "UDP"}, {"hostPort": 80}, False),
        ({"hostPort": 80, "hostIP": "10.0.0.1"}, {"hostPort": 80, "hostIP": "10.0.0.2"}, False),
        ({"hostPort": 80, "hostIP": "10.0.0.1"}, {"hostPort": 80}, True),
        ({"containerPort": 80}, {"hostPort": 80}, False),
    ],
)
def test_host_ports(used: Object, wanted: Object, collide: bool) -> None:
    there = cluster(node("n1", pod(ports=[{"containerPort": 1, **used}])))
    expected = {NO_PORTS: 1} if collide else {}
    assert reasons(pod(ports=[{"containerPort": 1, **wanted}]), there) == expected


def test_running_pods_take_their_place() -> None:
    there = cluster(node("n1", pod(cpu="3"), pod(cpu="500m"), pods="3"))
    assert reasons(pod(cpu="500m"), there) == {}
    assert reasons(pod(cpu="501m"), there) == {"Insufficient cpu": 1}
    assert reasons(pod(), cluster(there.nodes[0].with_pod(pod()))) == {"Too many pods": 1}


def test_the_message_counts_and_sorts_as_kubernetes_does() -> None:
    there = cluster(node("n1", cpu="1"), node("n2", taints=[TAINT]), node("n3", cpu="1", memory="1Mi"))
    outcome = decide(pod(cpu="2", memory="2Mi"), there, random.Random(1))
    assert isinstance(outcome, Refusal)
    assert outcome.message == (
        "0/3 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint {key: value}, "
        "2 Insufficient cpu."
    )


def test_there_may_be_no_nodes() -> None:
    outcome = decide(pod(), cluster(), random.Random(1))
    assert isinstance(outcome, Refusal) and outcome.message == "no nodes available to schedule pods"


# --- pod affinity: two zones; the web pod runs in zone a -----------------------------------------------------------


def zones(*running: PodInfo, namespaces: dict[str, dict[str, str]] | None = None) -> Snapshot:
    return cluster(
        node("a1", *running, labels={"zone": "a"}),
        node("a2", labels={"zone": "a"}),
        node("b1", labels={"zone": "b"}),
        node("nowhere"),
        namespaces=namespaces,
    )


AFFINITY: list[tuple[str, dict[str, Any], list[PodInfo], set[str]]] = [
    ("together by zone", {"affinity": near()}, [pod(labels=WEB)], {"a1", "a2"}),
    ("together by node", {"affinity": near("kubernetes.io/hostname")}, [pod(labels=WEB)], {"a1"}),
    ("apart by zone", {"affinity": near(anti=True)}, [pod(labels=WEB)], {"b1", "nowhere"}),
    ("nobody to be with", {"affinity": near()}, [], set()),
    ("the first of its kind", {"affinity": near(), "labels": WEB}, [], {"a1", "a2", "b1"}),
    ("other namespace", {"affinity": near()}, [pod(labels=WEB, namespace="other")], set()),
    ("named namespace", {"affinity": near(namespaces=["other"])}, [pod(labels=WEB, namespace="other")], {"a1", "a2"}),
    ("all namespaces", {"affinity": near(namespaceSelector={})}, [pod(labels=WEB, namespace="other")], {"a1", "a2"}),
    ("selected namespace", {"affinity": near(namespaceSelector={"matchLabels": {"team": "x"}})},
     [pod(labels=WEB, namespace="other")], {"a1", "a2"}),
    ("own namespace not selected", {"affinity": near(namespaceSelector={"matchLabels": {"team": "x"}})},
     [pod(labels=WEB)], set()),
    ("existing pods want to be apart", {"labels": WEB}, [pod(affinity=near(anti=True))], {"b1", "nowhere"}),
    ("existing pods do not mind others", {}, [pod(affinity=near(anti=True))], {"a1", "a2", "b1", "nowhere"}),
    ("no selector selects nobody", {"affinity": near(labelSelector=None)}, [pod(labels=WEB)], set()),
    ("same value of a label",
     {"affinity": near(anti=True, matchLabelKeys=["version"]), "labels": {"version": "2"}},
     [pod(labels={**WEB, "version": "1"})], {"a1", "a2", "b1", "nowhere"}),
    ("other value of a label",
     {"affinity": near(mismatchLabelKeys=["tenant"]), "labels": {"tenant": "x"}},
     [pod(labels={**WEB, "tenant": "y"})], {"a1", "a2"}),
]  # fmt: skip


@pytest.mark.parametrize(("_", "wanted", "running", "expected"), AFFINITY, ids=[case[0] for case in AFFINITY])
def test_pod_affinity(_: str, wanted: dict[str, Any], running: list[PodInfo], expected: set[str]) -> None:
    namespaces = {"default": {}, "other": {"team": "x"}}
    assert fits(pod(**wanted), zones(*running, namespaces=namespaces)) == expected


def test_affinity_reasons() -> None:
    web = pod(labels=WEB)
    assert reasons(pod(affinity=near()), zones()) == {"node(s) didn't match pod affinity rules": 4}
    everywhere = cluster(node("a1", web, labels={"zone": "a"}))
    assert reasons(pod(affinity=near(anti=True)), everywhere) == {"node(s) didn't match pod anti-affinity rules": 1}
    refusing = cluster(node("a1", pod(affinity=near(anti=True)), labels={"zone": "a"}))
    assert reasons(web, refusing) == {"node(s) didn't satisfy existing pods anti-affinity rules": 1}


# --- topology spread: zone a has two web pods, zone b one ----------------------------------------------------------


def uneven() -> Snapshot:
    return cluster(
        node("a1", pod(labels=WEB), pod(labels=WEB), labels={"zone": "a"}),
        node("b1", pod(labels=WEB), labels={"zone": "b", "disk": "ssd"}),
        node("nowhere"),
    )


SPREAD: list[tuple[str, dict[str, Any], set[str]]] = [
    ("the emptier zone", {"labels": WEB, "topologySpreadConstraints": [spread()]}, {"b1"}),
    ("skew 2", {"labels": WEB, "topologySpreadConstraints": [spread(skew=2)]}, {"a1", "b1"}),
    ("itself not counted", {"topologySpreadConstraints": [spread()]}, {"a1", "b1"}),
    ("soft", {"labels": WEB, "topologySpreadConstraints": [spread(hard=False)]}, {"a1", "b1", "nowhere"}),
    ("too few domains", {"labels": WEB, "topologySpreadConstraints": [spread(skew=2, minDomains=3)]}, {"b1"}),
    ("zones out of reach do not count",
     {"labels": WEB, "nodeSelector": {"disk": "ssd"}, "topologySpreadConstraints": [spread()]}, {"b1"}),
    ("zones out of reach count",
     {"labels": WEB, "nodeSelector": {"zone": "a"},
      "topologySpreadConstraints": [spread(nodeAffinityPolicy="Ignore")]}, set()),
    ("by version", {"labels": {**WEB, "version": "2"},
                    "topologySpreadConstraints": [spread(matchLabelKeys=["version"])]}, {"a1", "b1"}),
]  # fmt: skip


@pytest.mark.parametrize(("_", "wanted", "expected"), SPREAD, ids=[case[0] for case in SPREAD])
def test_topology_spread(_: str, wanted: dict[str, Any], expected: set[str]) -> None:
    assert fits(pod(**wanted), uneven()) == expected


def test_spread_reasons() -> None:
    assert reasons(pod(labels=WEB, topologySpreadConstraints=[spread()]), uneven()) == {
        "node(s) didn't match pod topology spread constraints": 1,
        "node(s) didn't match pod topology spread constraints (missing required label)": 1,
    }


def test_terminating_pods_do_not_count_for_the_spread() -> None:
    leaving = [pod(labels=WEB, deleting=True) for _ in range(2)]
    there = cluster(node("a1", *leaving, labels={"zone": "a"}), node("b1", labels={"zone": "b"}))
    assert fits(pod(labels=WEB, topologySpreadConstraints=[spread()]), there) == {"a1", "b1"}
