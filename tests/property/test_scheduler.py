"""Whatever the cluster and the pods: what the scheduler promises holds."""

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.api.taints import tolerated_by
from orchestrator.scheduler.decide import Decision, Refusal, decide
from orchestrator.scheduler.podinfo import PodInfo
from orchestrator.scheduler.snapshot import NodeInfo, Snapshot
from tests.unit.orchestrator.scheduler.objects import near, node, pod, spread

ZONES = st.sampled_from(["a", "b"])
LABELS = st.sampled_from([{}, {"app": "web"}, {"app": "db"}])
TAINT = {"key": "only", "value": "few", "effect": "NoSchedule"}

node_fields = st.fixed_dictionaries(
    {"cpu": st.sampled_from(["500m", "1", "2"]), "memory": st.sampled_from(["256Mi", "1Gi"]), "pods": st.just("4")},
    optional={
        "labels": st.fixed_dictionaries({"zone": ZONES}),
        "taints": st.just([TAINT]) | st.just([{**TAINT, "effect": "PreferNoSchedule"}]),
        "unschedulable": st.booleans(),
    },
)
pod_fields = st.fixed_dictionaries(
    {},
    optional={
        "cpu": st.sampled_from(["100m", "400m", "1"]),
        "memory": st.sampled_from(["10Mi", "200Mi"]),
        "labels": LABELS,
        "owner": st.sampled_from(["rs-1", "rs-2"]),
        "ports": st.just([{"containerPort": 80, "hostPort": 80}]),
        "tolerations": st.just([{"operator": "Exists"}]) | st.just([{"key": "only", "operator": "Exists"}]),
        "affinity": st.sampled_from([near(), near(anti=True), near("kubernetes.io/hostname", anti=True)])
        | st.sampled_from([near(hard=False), near(hard=False, anti=True)]),
        "topologySpreadConstraints": st.sampled_from([[spread()], [spread(hard=False)], [spread(skew=2)]]),
        "nodeSelector": st.fixed_dictionaries({"zone": ZONES}),
    },
)
clusters = st.lists(node_fields, max_size=4).map(
    lambda all_fields: [node(f"n{number}", **fields) for number, fields in enumerate(all_fields)]
)
waiting = st.lists(pod_fields.map(lambda fields: pod(**fields)), max_size=12)


def schedule(nodes: list[NodeInfo], pods: list[PodInfo], seed: int) -> tuple[dict[str, NodeInfo], list[Any]]:
    """One pod after the other; the nodes afterwards, and the outcomes."""
    there, outcomes, rng = {info.name: info for info in nodes}, [], random.Random(seed)
    for each in pods:
        outcome = decide(each, Snapshot(tuple(there.values()), {"default": {}}), rng)
        outcomes.append(outcome)
        if isinstance(outcome, Decision):
            there[outcome.node] = there[outcome.node].with_pod(each)
    return there, outcomes


@given(clusters, waiting, st.integers(0, 9))
def test_nothing_is_given_twice(nodes: list[NodeInfo], pods: list[PodInfo], seed: int) -> None:
    there, _ = schedule(nodes, pods, seed)
    for info in there.values():
        for resource in ("cpu", "memory"):
            wanted = sum(each.requests.get(resource, 0) for each in info.pods.values())
            assert wanted == info.requested.get(resource, 0) <= info.allocatable[resource]
        assert len(info.pods) <= info.allocatable["pods"]
        ports = [port for each in info.pods.values() for port in each.ports]
        assert len(ports) == len(set(ports)) and set(ports) == info.ports


@given(clusters, waiting, st.integers(0, 9))
def test_no_pod_is_where_it_may_not_be(nodes: list[NodeInfo], pods: list[PodInfo], seed: int) -> None:
    there, _ = schedule(nodes, pods, seed)
    for info in there.values():
        for each in info.pods.values():
            assert all(tolerated_by(each.tolerations, taint) for taint in info.hard_taints)
            assert not info.unschedulable or any(t.get("operator") and not t.get("key") for t in each.tolerations)
            assert each.node_selector.items() <= info.labels.items()


@given(clusters, waiting, st.integers(0, 9))
def test_pods_that_want_to_be_apart_are(nodes: list[NodeInfo], pods: list[PodInfo], seed: int) -> None:
    there, _ = schedule(nodes, pods, seed)
    placed = [(info, each) for info in there.values() for each in info.pods.values()]
    for here, each in placed:
        for term in each.affinity.forbidden:
            value = here.labels.get(term.topology_key)
            for other_node, other in placed:
                if other is not each and value is not None and other_node.labels.get(term.topology_key) == value:
                    assert not term.selects(other, {"default": {}})


@given(clusters, waiting, st.integers(0, 9))
def test_the_same_input_gives_the_same_decisions(nodes: list[NodeInfo], pods: list[PodInfo], seed: int) -> None:
    assert schedule(nodes, pods, seed)[1] == schedule(nodes, pods, seed)[1]


@given(clusters, waiting)
def test_a_refusal_speaks_of_every_node(nodes: list[NodeInfo], pods: list[PodInfo]) -> None:
    for outcome in schedule(nodes, pods, 1)[1]:
        if isinstance(outcome, Refusal):
            assert outcome.total == len(nodes) <= sum(outcome.reasons.values())
            assert outcome.message.endswith(".") or not nodes


@given(clusters, waiting)
def test_sums_are_what_is_there_after_any_coming_and_going(nodes: list[NodeInfo], pods: list[PodInfo]) -> None:
    for info in nodes:
        full = info
        for each in pods:
            full = full.with_pod(each).with_pod(each)
        for each in pods[::2]:
            full = full.without_pod(each.uid)
        rebuilt = info
        for each in pods[1::2]:
            rebuilt = rebuilt.with_pod(each)
        for attribute in ("requested", "weight"):
            left, right = getattr(full, attribute), getattr(rebuilt, attribute)
            assert {k: v for k, v in left.items() if v} == {k: v for k, v in right.items() if v}
        assert (full.pods, full.ports, full.affine) == (rebuilt.pods, rebuilt.ports, rebuilt.affine)
