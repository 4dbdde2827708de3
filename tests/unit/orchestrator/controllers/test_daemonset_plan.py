"""Kubernetes' documented rules for DaemonSets, one plan at a time."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.meta import Object, labels, name, spec
from orchestrator.controllers.daemonset_nodes import Fitness, fitness
from orchestrator.controllers.daemonset_plan import Plan, plan
from orchestrator.controllers.daemonset_pods import daemon_pod, target_node, tolerant_template
from orchestrator.controllers.daemonset_status import next_status
from tests.unit.orchestrator.controllers.objects import NOW, daemon_set, node, pod, template

YES, NO, STAY = Fitness(True, True), Fitness(False, False), Fitness(False, True)


def member(ds: Object, place: str, which: str = "new", **state: Any) -> Object:
    own = f"{which}-{place}"
    return pod(own, labels={"app": "web", "controller-revision-hash": which}, node=place, owner=ds, **state)


def decide(ds: Object, pods: list[Object], nodes: dict[str, Fitness], *patient: str) -> Plan:
    return plan(ds, pods, nodes, "new", patient, NOW)


def actions(result: Plan) -> tuple[list[str], list[str]]:
    """(nodes that get a pod, pods deleted)."""
    return result.create, sorted(name(each) for each in result.delete)


SURGE = {"surge": 1, "unavailable": 0}


@pytest.mark.parametrize(
    ("fit", "pods", "expected"),
    [
        (YES, [], (["a"], [])),
        (NO, [], ([], [])),
        (STAY, [], ([], [])),
        (YES, [{}], ([], [])),
        (STAY, [{}], ([], [])),
        (NO, [{}], ([], ["new-a"])),
        (NO, [{"deleting": True}], ([], [])),
        (YES, [{"deleting": True}], ([], [])),
        (YES, [{"phase": "Failed", "deleting": True}], (["a"], [])),
        (YES, [{"phase": "Failed"}], ([], ["new-a"])),
        (YES, [{"phase": "Succeeded"}], ([], ["new-a"])),
        (YES, [{"age": 60, "which": "old"}, {"age": 30}], ([], ["new-a"])),
        (YES, [{"age": 60, "node": ""}, {"age": 30}], ([], [])),
    ],
)
def test_one_pod_on_every_suitable_node(fit: Fitness, pods: list[Object], expected: Any) -> None:
    ds = daemon_set()
    there = []
    for state in pods:
        place = state.pop("node", "a")
        there.append(member(ds, place, **state))
    assert actions(decide(ds, there, {"a": fit})) == expected


def test_a_pod_counts_for_the_node_that_it_waits_for() -> None:
    ds = daemon_set()
    waiting = daemon_pod(ds, "a", "new")
    assert target_node(waiting) == "a"
    assert actions(decide(ds, [waiting], {"a": YES})) == ([], [])
    waiting["metadata"]["name"] = "lost"
    assert actions(decide(ds, [waiting], {})) == ([], ["lost"]), "nobody else removes it"
    bound = member(ds, "gone")
    assert actions(decide(ds, [bound], {})) == ([], []), "of bound pods the pod garbage collector takes care"


def test_failed_pods_wait_where_others_failed_before() -> None:
    ds = daemon_set()
    failed = member(ds, "a", phase="Failed")
    result = decide(ds, [failed], {"a": YES}, "a")
    assert (actions(result), result.waiting) == (([], []), ["a"])


@pytest.mark.parametrize(
    ("shape", "pods", "expected"),
    [
        ({"unavailable": 1}, ["old", "old", "old"], ([], ["old-a"])),
        ({"unavailable": 2}, ["old", "old", "old"], ([], ["old-a", "old-b"])),
        ({"unavailable": "34%"}, ["old", "old", "old"], ([], ["old-a", "old-b"])),
        ({"unavailable": 1}, ["new", "old", "old"], ([], ["old-b"])),
        ({"unavailable": 1}, ["new-sick", "old", "old"], ([], [])),
        ({"unavailable": 1}, ["old", "old-sick", "old"], ([], ["old-b"])),
        ({"unavailable": 2}, ["old", "old-sick", "old"], ([], ["old-a", "old-b"])),
        ({"unavailable": 1}, ["new", "new", "new"], ([], [])),
        ({"unavailable": 0, "surge": 0}, ["old", "old", "old"], ([], ["old-a"])),
        (SURGE, ["old", "old", "old"], (["a"], [])),
        (SURGE, ["old new-sick", "old", "old"], ([], [])),
        (SURGE, ["old", "old-sick", "old"], (["b", "a"], [])),
        (SURGE | {"surge": "100%"}, ["old", "old", "old"], (["a", "b", "c"], [])),
        # While the nodes are put in order no update goes on.
        (SURGE, ["old new", "old", "old"], ([], ["old-a"])),
        (SURGE, ["old-sick new-sick", "old", "old"], ([], ["old-a"])),
        ({"updateStrategy": {"type": "OnDelete"}}, ["old", "old", "old"], ([], [])),
    ],
)
def test_a_rolling_update(shape: Object, pods: list[str], expected: Any) -> None:
    ds = daemon_set(**shape)
    there = [
        member(ds, place, state.partition("-")[0], ready="sick" not in state)
        for place, states in zip("abc", pods, strict=True)
        for state in states.split()
    ]
    assert actions(decide(ds, there, dict.fromkeys("abc", YES))) == expected


def test_a_new_pod_counts_only_after_min_ready_seconds() -> None:
    ds = daemon_set(minReadySeconds=30)
    pods = [member(ds, "a", ready_for=10), member(ds, "b", "old")]
    assert actions(decide(ds, pods, dict.fromkeys("ab", YES))) == ([], [])
    pods[0] = member(ds, "a", ready_for=40)
    assert actions(decide(ds, pods, dict.fromkeys("ab", YES))) == ([], ["old-b"])


# Pods and nodes.


def test_a_daemon_pod_is_tied_to_its_node_and_bears_what_befalls_it() -> None:
    ds = daemon_set()
    ds["spec"]["template"]["spec"]["tolerations"] = [{"key": "own", "operator": "Exists"}]
    ds["metadata"]["annotations"] = {"deprecated.daemonset.template.generation": "3"}
    made = daemon_pod(ds, "a", "abc")
    terms = spec(made)["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    field = {"key": "metadata.name", "operator": "In", "values": ["a"]}
    assert terms == {"nodeSelectorTerms": [{"matchFields": [field]}]}
    assert labels(made) == {"app": "web", "controller-revision-hash": "abc", "pod-template-generation": "3"}
    assert [(each["key"].rpartition("/")[2], each.get("effect")) for each in spec(made)["tolerations"]] == [
        ("own", None),
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
    ]


def test_pods_in_the_nodes_network_start_before_there_is_another() -> None:
    ds = daemon_set()
    ds["spec"]["template"]["spec"]["hostNetwork"] = True
    keys = [each["key"] for each in tolerant_template(ds)["spec"]["tolerations"]]
    assert keys[-1] == "node.kubernetes.io/network-unavailable"


def taint(effect: str) -> list[Object]:
    return [{"key": "own", "value": "x", "effect": effect}]


@pytest.mark.parametrize(
    ("pod_spec", "node_fields", "expected"),
    [
        ({}, {}, YES),
        ({"nodeName": "a"}, {}, YES),
        ({"nodeName": "b"}, {}, NO),
        ({"nodeSelector": {"disk": "ssd"}}, {}, NO),
        ({"nodeSelector": {"disk": "ssd"}}, {"labels": {"disk": "ssd"}}, YES),
        ({}, {"taints": taint("NoSchedule")}, STAY),
        ({}, {"taints": taint("NoExecute")}, NO),
        ({}, {"taints": taint("PreferNoSchedule")}, YES),
        ({"tolerations": [{"key": "own", "operator": "Exists"}]}, {"taints": taint("NoExecute")}, YES),
        ({}, {"unschedulable": True}, YES),
    ],
)
def test_which_nodes_suit(pod_spec: Object, node_fields: Object, expected: Fitness) -> None:
    chosen = template()
    chosen["spec"] |= pod_spec
    given = dict(node_fields)
    there = node("a", taints=given.pop("taints", None), unschedulable=given.pop("unschedulable", False))
    there["metadata"] |= given
    assert fitness(daemon_set(template=chosen), [there]) == {"a": expected}


def test_status_counts() -> None:
    ds = daemon_set(minReadySeconds=30)
    nodes = {"a": YES, "b": YES, "c": YES, "d": STAY, "e": YES}
    pods = [
        member(ds, "a"),
        member(ds, "b", ready_for=10),
        member(ds, "c", "old", ready=False),
        member(ds, "d"),
    ]
    assert next_status(ds, pods, nodes, "new", 0, NOW) == {
        "currentNumberScheduled": 3,
        "numberMisscheduled": 1,
        "desiredNumberScheduled": 4,
        "numberReady": 2,
        "observedGeneration": 1,
        "updatedNumberScheduled": 2,
        "numberAvailable": 1,
        "numberUnavailable": 3,
    }
