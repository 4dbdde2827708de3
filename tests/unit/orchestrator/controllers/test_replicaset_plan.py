from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.api.meta import Object, name
from orchestrator.controllers import replicaset_plan as plans
from orchestrator.controllers.availability import next_available
from orchestrator.controllers.replicaset_plan import BURST, Failure
from tests.unit.orchestrator.controllers.objects import NOW, pod, replica_set


@pytest.mark.parametrize(
    ("wanted", "there", "created", "deleted"), [(3, 1, 2, 0), (3, 3, 0, 0), (1, 3, 0, 2), (0, 2, 0, 2)]
)
def test_makes_up_the_difference(wanted: int, there: int, created: int, deleted: int) -> None:
    pods = [pod() for _ in range(there)]
    plan = plans.plan(replica_set(replicas=wanted), pods, pods, NOW)
    assert (plan.create, len(plan.delete)) == (created, deleted)


def test_a_burst_is_limited() -> None:
    assert plans.plan(replica_set(replicas=5000), [], [], NOW).create == BURST


#: Each pod goes before the one after it, whatever the rest of it is like.
ORDER = [
    pytest.param(pod("first", node=""), pod("last"), id="unassigned"),
    pytest.param(pod("first", phase="Pending", ready=False), pod("last", ready=False), id="pending"),
    pytest.param(pod("first", ready=False), pod("last"), id="not ready"),
    pytest.param(
        pod("first", annotations={plans.DELETION_COST: "-5"}), pod("last", restarts=9, ready_for=1), id="deletion cost"
    ),
    pytest.param(pod("first", ready_for=10, age=1000), pod("last", ready_for=1000, age=1000), id="shortly ready"),
    pytest.param(pod("first", restarts=4), pod("last", age=1, restarts=3), id="restarts"),
    pytest.param(pod("first", age=100), pod("last", age=10_000), id="young"),
]


@pytest.mark.parametrize(("first", "last"), ORDER)
def test_order_of_deletion(first: Object, last: Object) -> None:
    for pods in ([first, last], [last, first]):
        assert [name(p) for p in plans.victims(pods, [], 2, NOW)] == ["first", "last"]


def test_the_crowded_node_gives_first() -> None:
    mine = [pod("a", node="crowded"), pod("b", node="lonely")]
    sibling = pod("of-an-older-replica-set", node="crowded")
    assert [name(p) for p in plans.victims(mine[::-1], [*mine, sibling], 1, NOW)] == ["a"]


def test_a_deletion_cost_that_is_no_number_costs_nothing() -> None:
    pods = [
        pod("odd", annotations={plans.DELETION_COST: "cheap"}),
        pod("cheap", annotations={plans.DELETION_COST: "-1"}),
    ]
    assert name(plans.victims(pods, pods, 1, NOW)[0]) == "cheap"


@given(st.lists(st.booleans(), max_size=12), st.integers(0, 12))
def test_ready_pods_are_deleted_only_after_all_others(ready: list[bool], wanted: int) -> None:
    pods = [pod(ready=each) for each in ready]
    gone = plans.plan(replica_set(replicas=wanted), pods, pods, NOW).delete
    lost_ready = sum(each in gone for each, is_ready in zip(pods, ready, strict=True) if is_ready)
    assert lost_ready == max(0, sum(ready) - wanted)


def test_a_pod_is_made_from_the_template() -> None:
    owner = replica_set("web-abc")
    owner["spec"]["template"]["metadata"]["annotations"] = {"note": "x"}
    made = plans.new_pod(owner)
    assert made["metadata"]["generateName"] == "web-abc-"
    assert made["metadata"]["labels"] == {"app": "web"}
    assert made["metadata"]["annotations"] == {"note": "x"}
    (reference,) = made["metadata"]["ownerReferences"]
    assert (reference["kind"], reference["uid"], reference["controller"]) == (
        "ReplicaSet",
        owner["metadata"]["uid"],
        True,
    )
    made["spec"]["containers"][0]["image"] = "changed"
    assert owner["spec"]["template"]["spec"]["containers"][0]["image"] == "nginx:1"


def test_status_counts() -> None:
    pods = [pod(ready_for=100), pod(ready_for=5), pod(ready=False), pod(labels={"app": "other"}, ready=False)]
    status = plans.next_status(replica_set(minReadySeconds=10), pods, None, NOW)
    assert status == {
        "replicas": 4,
        "fullyLabeledReplicas": 3,
        "readyReplicas": 2,
        "availableReplicas": 1,
        "observedGeneration": 1,
    }


def test_status_without_pods_has_no_zeros_but_replicas() -> None:
    assert plans.next_status(replica_set(), [], None, NOW) == {"replicas": 0, "observedGeneration": 1}


def test_a_failure_is_a_condition_that_goes_with_its_cause() -> None:
    owner = replica_set()
    owner["status"] = plans.next_status(owner, [], Failure("FailedCreate", "quota"), NOW)
    first = owner["status"]["conditions"]
    assert [(c["type"], c["status"], c["reason"]) for c in first] == [("ReplicaFailure", "True", "FailedCreate")]
    again = plans.next_status(owner, [], Failure("FailedCreate", "quota, still"), NOW + 9)
    assert again["conditions"] == first
    assert "conditions" not in plans.next_status(owner, [], None, NOW)


@pytest.mark.parametrize(
    ("ready_for", "seconds", "expected"), [((5, 8), 10, 2.0), ((10, 20), 10, None), ((), 10, None), ((0,), 0, None)]
)
def test_when_the_next_pod_becomes_available(ready_for: tuple[int, ...], seconds: int, expected: float | None) -> None:
    assert next_available([pod(ready_for=each) for each in ready_for], seconds, NOW) == expected


def test_a_ready_condition_without_time_counts_as_long_ready() -> None:
    old = pod()
    old["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
    assert plans.next_status(replica_set(minReadySeconds=10), [old], None, NOW)["availableReplicas"] == 1
