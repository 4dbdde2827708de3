from __future__ import annotations

import pytest

from orchestrator.api.meta import Object
from orchestrator.api.meta import condition as condition_of
from orchestrator.controllers import node_plan as plans
from tests.unit.orchestrator.controllers.objects import NOW, condition, node, pod

NOT_READY, UNREACHABLE = "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"


def taints(made: Object, *, evict: bool = True) -> set[tuple[str, str]]:
    return {(taint["key"], taint["effect"]) for taint in plans.taints(made, evict=evict, now=NOW)}


@pytest.mark.parametrize(
    ("ready", "evict", "expected"),
    [
        ("True", True, set()),
        ("False", True, {(NOT_READY, "NoSchedule"), (NOT_READY, "NoExecute")}),
        ("Unknown", True, {(UNREACHABLE, "NoSchedule"), (UNREACHABLE, "NoExecute")}),
        ("Unknown", False, {(UNREACHABLE, "NoSchedule")}),
        ("", True, {(NOT_READY, "NoSchedule")}),
    ],
)
def test_taints_of_readiness(ready: str, evict: bool, expected: set[tuple[str, str]]) -> None:
    assert taints(node(ready=ready), evict=evict) == expected


def test_taints_of_pressure_and_cordon() -> None:
    made = node(unschedulable=True)
    made["status"]["conditions"] += [condition("DiskPressure", "True"), condition("MemoryPressure", "False")]
    assert taints(made) == {
        ("node.kubernetes.io/disk-pressure", "NoSchedule"),
        ("node.kubernetes.io/unschedulable", "NoSchedule"),
    }


def test_taints_are_kept_as_they_are_and_ours_are_removed() -> None:
    theirs = {"key": "gpu", "effect": "NoSchedule", "value": "yes"}
    ours = {"key": NOT_READY, "effect": "NoExecute", "timeAdded": "2020-01-01T00:00:00Z"}
    assert plans.taints(node(taints=[theirs, ours]), evict=True, now=NOW) == [theirs]
    kept = plans.taints(node(ready="False", taints=[ours, theirs]), evict=True, now=NOW)
    assert kept[:2] == [ours, theirs]


def test_a_lost_node_is_unknown_in_everything_it_reported() -> None:
    made = node()
    made["status"]["conditions"].append(condition("NetworkUnavailable", "False"))
    status = plans.lost_status(made, NOW + 60)
    states = {c["type"]: (c["status"], c.get("reason")) for c in status["conditions"]}
    assert states == {
        "Ready": ("Unknown", "NodeStatusUnknown"),
        "MemoryPressure": ("Unknown", "NodeStatusNeverUpdated"),
        "DiskPressure": ("Unknown", "NodeStatusNeverUpdated"),
        "PIDPressure": ("Unknown", "NodeStatusNeverUpdated"),
        "NetworkUnavailable": ("False", None),
    }
    assert made["status"]["conditions"][0]["status"] == "True", "cached objects must not be changed"
    again = {**made, "status": status}
    assert plans.lost_status(again, NOW + 120) == status


def test_a_pod_on_a_lost_node_is_not_ready() -> None:
    made = pod()
    status = plans.not_ready_status(made, NOW)
    assert (condition_of({"status": status}, "Ready") or {})["status"] == "False"
    assert status["phase"] == "Running"
