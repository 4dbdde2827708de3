import random
from collections import Counter
from typing import Any

import pytest

from orchestrator.scheduler import scores
from orchestrator.scheduler.decide import Decision, decide
from orchestrator.scheduler.interpod import preferred_pod_affinity
from orchestrator.scheduler.podinfo import PodInfo, pod_info
from orchestrator.scheduler.snapshot import Snapshot
from orchestrator.scheduler.spread import even_spread
from tests.unit.orchestrator.scheduler.objects import cluster, near, node, pod, pod_object, spread

WEB = {"app": "web"}
MB = 1 << 20


def rated(score: scores.Score, wanted: PodInfo, snapshot: Snapshot) -> dict[str, int] | None:
    values = score(wanted, snapshot, snapshot.nodes)
    return None if values is None else {n.name: int(v) for n, v in zip(snapshot.nodes, values, strict=True)}


def test_least_allocated() -> None:
    there = cluster(node("empty"), node("half", pod(cpu="2", memory="4Gi")), node("full", pod(cpu="4", memory="8Gi")))
    assert rated(scores.least_allocated, pod(cpu="1", memory="2Gi"), there) == {"empty": 75, "half": 25, "full": 0}


def test_a_pod_without_requests_counts_for_something() -> None:
    there = cluster(node("empty", cpu="1"), node("one", pod(), cpu="1"))
    ratings = rated(scores.least_allocated, pod(), there)
    assert ratings is not None and ratings["empty"] > ratings["one"]


def test_balanced_allocation() -> None:
    there = cluster(node("even", pod(cpu="1", memory="2Gi")), node("cpu", pod(cpu="3")))
    assert rated(scores.balanced_allocation, pod(cpu="1", memory="2Gi"), there) == {"even": 100, "cpu": 62}
    assert rated(scores.balanced_allocation, pod(), there) is None


def test_tolerated_taints() -> None:
    taints: Any = [{"key": key, "effect": "PreferNoSchedule"} for key in ("a", "b")]
    there = cluster(node("two", taints=taints), node("one", taints=taints[:1]), node("none"))
    assert rated(scores.tolerated_taints, pod(), there) == {"two": 0, "one": 50, "none": 100}
    tolerant = pod(tolerations=[{"operator": "Exists"}])
    assert rated(scores.tolerated_taints, tolerant, there) == {"two": 100, "one": 100, "none": 100}


def test_preferred_node_affinity() -> None:
    def preference(weight: int, key: str) -> Any:
        return {"weight": weight, "preference": {"matchExpressions": [{"key": key, "operator": "Exists"}]}}

    rule = {"preferredDuringSchedulingIgnoredDuringExecution": [preference(30, "ssd"), preference(10, "gpu")]}
    there = cluster(node("both", labels={"ssd": "", "gpu": ""}), node("ssd", labels={"ssd": ""}), node("none"))
    wanted = pod(affinity={"nodeAffinity": rule})
    assert rated(scores.preferred_node_affinity, wanted, there) == {"both": 100, "ssd": 75, "none": 0}


@pytest.mark.parametrize("image", ["web", "web:latest"])
def test_image_locality(image: str) -> None:
    there = cluster(node("has", images={"web:latest": 1000 * MB}), node("small", images={"other:1": 1}), node("none"))
    ratings = rated(scores.image_locality, pod(image=image), there)
    assert ratings == {"has": 31, "small": 0, "none": 0}
    assert rated(scores.image_locality, pod(image="localhost:5001/x"), there) is None


def test_preferred_pod_affinity() -> None:
    there = cluster(node("a", pod(labels=WEB), labels={"zone": "a"}), node("b", labels={"zone": "b"}), node("c"))
    assert rated(preferred_pod_affinity, pod(affinity=near(hard=False)), there) == {"a": 100, "b": 0, "c": 0}
    away = pod(affinity=near(hard=False, anti=True))
    assert rated(preferred_pod_affinity, away, there) == {"a": 0, "b": 100, "c": 100}
    assert rated(preferred_pod_affinity, pod(), there) is None


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (near(hard=False), {"a": 100, "b": 0}),
        (near(hard=False, anti=True), {"a": 0, "b": 100}),
        (near(hard=True), {"a": 100, "b": 0}),
    ],
)
def test_pods_that_are_there_attract_and_repel(rule: Any, expected: dict[str, int]) -> None:
    there = cluster(node("a", pod(affinity=rule), labels={"zone": "a"}), node("b", labels={"zone": "b"}))
    assert rated(preferred_pod_affinity, pod(labels=WEB), there) == expected


def test_even_spread_by_controller() -> None:
    there = cluster(node("two", pod(owner="rs"), pod(owner="rs")), node("one", pod(owner="rs")), node("other", pod()))
    ratings = rated(even_spread, pod(owner="rs"), there)
    assert ratings is not None and ratings["other"] > ratings["one"] > ratings["two"]
    assert rated(even_spread, pod(), there) is None


@pytest.mark.parametrize(
    ("api_version", "kind", "spread_out"),
    [
        ("apps/v1", "StatefulSet", True),
        ("v1", "ReplicationController", True),
        ("batch/v1", "Job", False),
        ("apps/v1", "DaemonSet", False),
    ],
)
def test_whose_pods_are_spread(api_version: str, kind: str, spread_out: bool) -> None:
    reference = {"apiVersion": api_version, "kind": kind, "name": "web", "uid": "u", "controller": True}
    wanted = pod_object()
    wanted["metadata"]["ownerReferences"] = [reference]
    there = cluster(node("a"), node("b"))
    assert (rated(even_spread, pod_info(wanted), there) is not None) == spread_out


def test_even_spread_by_constraint() -> None:
    there = cluster(
        node("a1", pod(labels=WEB), pod(labels=WEB), labels={"zone": "a"}),
        node("a2", labels={"zone": "a"}),
        node("b1", labels={"zone": "b"}),
        node("nowhere"),
    )
    wanted = pod(labels=WEB, topologySpreadConstraints=[spread(hard=False)])
    ratings = rated(even_spread, wanted, there)
    assert ratings == {"a1": 0, "a2": 0, "b1": 100, "nowhere": 0}
    hard = pod(labels=WEB, topologySpreadConstraints=[spread()])
    assert rated(even_spread, hard, there) is None


def test_equal_nodes_are_drawn_by_lot() -> None:
    there = cluster(node("n1"), node("n2"), node("n3"))
    rng = random.Random(1)
    drawn = Counter(outcome.node for _ in range(60) if isinstance(outcome := decide(pod(), there, rng), Decision))
    assert set(drawn) == {"n1", "n2", "n3"}


def test_replicas_spread_over_the_nodes() -> None:
    nodes = {name: node(name) for name in ("n1", "n2", "n3")}
    for _ in range(9):
        replica = pod(owner="rs", cpu="100m")
        outcome = decide(replica, cluster(*nodes.values()), random.Random(1))
        assert isinstance(outcome, Decision)
        nodes[outcome.node] = nodes[outcome.node].with_pod(replica)
    assert [len(n.pods) for n in nodes.values()] == [3, 3, 3]
