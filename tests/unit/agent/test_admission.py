"""Which pods a node does not begin, and what they are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.admission import Admission, NodeView, demand, judge
from orchestrator.api.meta import Object
from tests.fakes.pods import container, pod

NODE: Object = {
    "metadata": {"name": "node-1", "labels": {"disk": "ssd"}},
    "spec": {},
    "status": {"allocatable": {"cpu": "2", "memory": "1Gi", "ephemeral-storage": "10Gi", "pods": "3"}},
}
VIEW = NodeView(NODE)


def asking(**requests: str) -> Object:
    return pod("web", container(resources={"requests": {key.replace("_", "-"): v for key, v in requests.items()}}))


def affinity(*values: str) -> Object:
    terms = [{"matchExpressions": [{"key": "disk", "operator": "In", "values": list(values)}]}]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


def told(wanted: Object, *others: Object, view: NodeView = VIEW) -> tuple[str, str] | None:
    verdict = judge(wanted, [demand(other) for other in others], view)
    if verdict is None:
        return None
    assert verdict.rejected and verdict.status_message == f"Pod was rejected: {verdict.message}"
    return verdict.reason, verdict.message


@pytest.mark.parametrize(
    ("wanted", "others", "reason", "message"),
    [
        (
            asking(cpu="1500m"),
            [asking(cpu="600m")],
            "OutOfcpu",
            "Node didn't have enough resource: cpu, requested: 1500, used: 600, capacity: 2000",
        ),
        (
            asking(memory="2Gi", cpu="1"),
            [],
            "OutOfmemory",
            "Node didn't have enough resource: memory, requested: 2147483648, used: 0, capacity: 1073741824",
        ),
        (
            asking(ephemeral_storage="11Gi"),
            [],
            "OutOfephemeral-storage",
            "Node didn't have enough resource: ephemeral-storage, requested: 11811160064, used: 0, capacity: "
            "10737418240",
        ),
        (
            asking(cpu="1", **{"example.com/gpu": "2"}),
            [],
            "OutOfexample.com/gpu",
            "Node didn't have enough resource: example.com/gpu, requested: 2, used: 0, capacity: 0",
        ),
        (
            pod("one"),
            [pod("a"), pod("b"), pod("c")],
            "OutOfpods",
            "Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3",
        ),
        (
            pod("one", nodeSelector={"disk": "hdd"}),
            [],
            "NodeAffinity",
            "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
        ),
        (
            pod("one", affinity=affinity("hdd")),
            [],
            "NodeAffinity",
            "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
        ),
        (
            pod("one", container(ports=[{"containerPort": 80, "hostPort": 8080}])),
            [pod("two", container(ports=[{"containerPort": 81, "hostPort": 8080, "hostIP": "127.0.0.1"}]))],
            "NodePorts",
            "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
        ),
        (
            pod("one", os={"name": "windows"}),
            [],
            "PodOSNotSupported",
            "Failed to admit pod as the OS field doesn't match node OS",
        ),
    ],
)
def test_what_does_not_fit(wanted: Object, others: list[Object], reason: str, message: str) -> None:
    assert told(wanted, *others) == (reason, message)


@pytest.mark.parametrize(
    "wanted",
    [
        asking(cpu="2", memory="1Gi"),
        pod("one", nodeSelector={"disk": "ssd"}, affinity=affinity("ssd", "hdd")),
        pod("one", os={"name": "linux"}),
        pod("one", container(ports=[{"containerPort": 80, "hostPort": 8080}])),
    ],
)
def test_what_fits(wanted: Object) -> None:
    assert told(wanted) is None


def test_the_last_place_is_filled() -> None:
    assert told(pod("c"), pod("a"), pod("b")) is None


def test_a_taint_that_drives_pods_away_keeps_them_away() -> None:
    taint = {"key": "out-of-order", "effect": "NoExecute"}
    view = NodeView({**NODE, "spec": {"taints": [taint, {"key": "x", "effect": "NoSchedule"}]}})
    reason = "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate"
    assert told(pod("one"), view=view) == ("TaintToleration", reason)
    assert told(pod("one", tolerations=[{"key": "out-of-order", "operator": "Exists"}]), view=view) is None


BURSTABLE = asking(cpu="1m")
MEMORY = frozenset({"MemoryPressure"})
BOTH = frozenset({"MemoryPressure", "DiskPressure"})
TOLERANT = pod("one", tolerations=[{"key": "node.kubernetes.io/memory-pressure", "operator": "Exists"}])
STATIC = pod("one")
STATIC["metadata"]["annotations"] = {"kubernetes.io/config.source": "file"}


@pytest.mark.parametrize(
    ("pressures", "wanted", "message"),
    [
        (MEMORY, pod("one"), "The node had condition: [MemoryPressure]. "),
        (MEMORY, TOLERANT, None),
        (MEMORY, BURSTABLE, None),
        (BOTH, BURSTABLE, "The node had condition: [DiskPressure MemoryPressure]. "),
        (frozenset({"PIDPressure"}), TOLERANT, "The node had condition: [PIDPressure]. "),
        (BOTH, pod("one", priority=2_000_000_000), None),
        (BOTH, STATIC, None),
    ],
)
def test_under_pressure(pressures: frozenset[str], wanted: Object, message: str | None) -> None:
    found = told(wanted, view=replace(VIEW, pressures=pressures))
    assert found == (None if message is None else ("Evicted", message))


def test_nobody_comes_when_the_machine_goes_down() -> None:
    view = replace(VIEW, shutting_down=True)
    expected = ("NodeShutdown", "Pod was rejected as the node is shutting down.")
    assert told(pod("one", priority=2_000_000_000), view=view) == expected


def test_labels_that_are_not_known_yet_are_nothing_to_judge_by() -> None:
    """An agent that has just started hears of its pods before it hears of its node."""
    view = NodeView({"metadata": {"name": "node-1"}, "status": NODE["status"]})
    assert told(pod("one", nodeSelector={"mine": "1"}, affinity=affinity("hdd")), view=view) is None


def test_what_others_ask_for_follows_their_specs() -> None:
    """A pod is resized in place: the next one is judged by what it asks for now."""
    admission = Admission(lambda: VIEW)
    large, wanted = asking(cpu="1500m"), asking(cpu="1")
    assert admission.judge(wanted, [large]) is not None
    assert admission.judge(wanted, [large]) is not None
    smaller: dict[str, Any] = {**large, "spec": asking(cpu="100m")["spec"]}
    assert admission.judge(wanted, [smaller]) is None
    assert admission.judge(wanted, [smaller, large]) is not None
