from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.meta import Object, find_condition, name, owner_reference
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.api.times import rfc3339
from orchestrator.controllers import deployment_revision as revisions
from orchestrator.controllers import deployment_sizes as sizes
from orchestrator.controllers.deployment_plan import Plan, plan
from tests.unit.orchestrator.controllers.objects import NOW, condition, deployment, pod, replica_set, template


def rs(
    label: str,
    replicas: int,
    available: int | None = None,
    *,
    image: str = "nginx:1",
    number: int = 1,
    age: float = 60,
    sized: tuple[int, int] | None = None,
) -> Object:
    """A ReplicaSet whose status says that all its pods exist, `available` (default: all) of them available."""
    made = replica_set(label, replicas, image=image, age=age)
    made["metadata"]["annotations"] = {revisions.REVISION: str(number)}
    if sized:
        desired, most = sized
        made["metadata"]["annotations"] |= {sizes.DESIRED_REPLICAS: str(desired), sizes.MAX_REPLICAS: str(most)}
    counts = {"availableReplicas": replicas if available is None else available}
    counts["readyReplicas"] = counts["availableReplicas"]
    made["status"] = {"replicas": replicas, "observedGeneration": 1} | counts
    return made


def wanted_sizes(result: Plan) -> dict[str, int]:
    return {name(change.new): change.new["spec"]["replicas"] for change in result.update}


def progressing(status: Object) -> tuple[Any, Any]:
    found = find_condition(status["conditions"], "Progressing") or {}
    return found.get("status"), found.get("reason")


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "most", "least"),
    [
        (10, "25%", "25%", 13, 8),
        (3, "25%", "25%", 4, 3),
        (1, "25%", "25%", 2, 1),
        (4, 2, 1, 6, 3),
        (3, 0, "10%", 3, 2),
        (2, 1, 5, 3, 0),
        (0, 1, 0, 1, 0),
    ],
)
def test_limits(replicas: int, surge: Any, unavailable: Any, most: int, least: int) -> None:
    limits = sizes.limits(deployment(replicas, surge=surge, unavailable=unavailable))
    assert (limits.most, limits.least) == (most, least)


# --- rolling update ----------------------------------------------------------------------------------------------


def test_first_rollout_creates_the_whole_replica_set() -> None:
    made = deployment(3)
    made["metadata"]["annotations"] = {"owner": "shop", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    result = plan(made, [], [], NOW)
    assert result.create is not None
    created = result.create
    hashed = created["metadata"]["labels"]["pod-template-hash"]
    assert name(created) == f"web-{hashed}"
    assert created["spec"]["replicas"] == 3
    assert created["spec"]["selector"]["matchLabels"] == {"app": "web", "pod-template-hash": hashed}
    assert created["spec"]["template"]["metadata"]["labels"] == {"app": "web", "pod-template-hash": hashed}
    assert created["metadata"]["annotations"] == {
        "owner": "shop",
        revisions.REVISION: "1",
        sizes.DESIRED_REPLICAS: "3",
        sizes.MAX_REPLICAS: "4",
    }
    assert created["metadata"]["ownerReferences"] == [owner_reference(made)]
    assert (result.revision, progressing(result.status)) == ("1", ("True", "NewReplicaSetCreated"))


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        pytest.param((1, 0), (3, 3), {}, id="at the surge limit, nothing available: wait"),
        pytest.param((0, 0), (3, 3), {"new": 1}, id="surge"),
        pytest.param((1, 1), (3, 3), {"old": 2}, id="one new available: one old goes"),
        pytest.param((1, 0), (3, 2), {}, id="a sick old pod is still within the limit of unavailability"),
        pytest.param((2, 2), (2, 1), {"old": 1}, id="the sick one goes first"),
        pytest.param((3, 3), (1, 1), {"old": 0}, id="last old"),
        pytest.param((3, 3), (0, 0), {}, id="done"),
        pytest.param((5, 5), (0, 0), {"new": 3}, id="too many new"),
    ],
)
def test_rolling_step(new: tuple[int, int], old: tuple[int, int], expected: dict[str, int]) -> None:
    sets = [rs("old", *old, age=100), rs("new", *new, image="nginx:2", number=2)]
    assert wanted_sizes(plan(deployment(3, image="nginx:2", surge=1, unavailable=0), sets, [], NOW)) == expected


def test_a_stale_status_does_not_count_pods_that_are_on_their_way_out() -> None:
    """`middle` was scaled to 0; its status still shows two available pods."""
    middle = rs("middle", 2, image="nginx:2", number=2, age=80)
    middle["spec"]["replicas"] = 0
    sets = [rs("old", 3, age=100), middle, rs("new", 1, image="nginx:3", number=3)]
    assert wanted_sizes(plan(deployment(3, image="nginx:3", unavailable=0), sets, [], NOW)) == {"old": 2}


@pytest.mark.parametrize(("generation", "replicas"), [(1, 3), (2, 3)])
def test_the_room_of_an_old_pod_is_free_once_it_is_gone(generation: int, replicas: int) -> None:
    """`old` was scaled from 3 to 2: nobody has said yet that a pod went, or there are still 3."""
    old = rs("old", 3, age=100)
    old["metadata"]["generation"] = 2
    old["spec"]["replicas"] = 2
    old["status"] |= {"observedGeneration": generation, "replicas": replicas}
    new = rs("new", 1, 0, image="nginx:2", number=2)
    made = deployment(3, image="nginx:2", surge=1, unavailable=0)
    assert wanted_sizes(plan(made, [old, new], [], NOW)) == {}
    old["status"] |= {"observedGeneration": 2, "replicas": 2}
    assert wanted_sizes(plan(made, [old, new], [], NOW)) == {"new": 2}


def test_old_replica_sets_shrink_oldest_first() -> None:
    sets = [rs("older", 2, age=200), rs("old", 2, image="nginx:2", age=100), rs("new", 1, image="nginx:3", number=3)]
    made = deployment(4, image="nginx:3", surge=1, unavailable=1)
    assert wanted_sizes(plan(made, sets, [], NOW)) == {"older": 0}


# --- Recreate ----------------------------------------------------------------------------------------------------


def recreating(replicas: int = 3, image: str = "nginx:2") -> Object:
    return deployment(replicas, image=image, strategy={"type": "Recreate"})


def test_recreate_stops_everything_first() -> None:
    result = plan(recreating(), [rs("old", 3)], [], NOW)
    assert (wanted_sizes(result), result.create) == ({"old": 0}, None)


def test_recreate_waits_for_the_last_old_pod() -> None:
    old = rs("old", 0)
    dying = pod(owner=old, deleting=True)
    assert plan(recreating(), [old], [dying], NOW).create is None
    ended = pod(owner=old, deleting=True, phase="Succeeded")
    created = plan(recreating(), [old], [ended], NOW).create
    assert created is not None
    assert created["spec"]["replicas"] == 3


def test_recreate_scales_whatever_else_goes_on() -> None:
    """Also when it was a rolling update in its middle until now."""
    sets = [rs("old", 2, sized=(3, 4), age=100), rs("new", 1, image="nginx:2", number=2, sized=(3, 4))]
    assert wanted_sizes(plan(recreating(5), sets, [], NOW)) == {"old": 0}
    assert wanted_sizes(plan(recreating(5), [rs("new", 3, image="nginx:2", sized=(3, 3))], [], NOW)) == {"new": 5}


# --- scaling and pausing -----------------------------------------------------------------------------------------


def test_scaling_resizes_the_only_active_replica_set() -> None:
    result = plan(deployment(5), [rs("new", 3, sized=(3, 4))], [], NOW)
    assert wanted_sizes(result) == {"new": 5}
    assert annotations_of(result.update[0].new)[sizes.MAX_REPLICAS] == "6"


def test_scaling_in_the_middle_of_a_rollout_is_proportional() -> None:
    sets = [rs("old", 8, sized=(10, 13), age=100), rs("new", 5, 0, image="nginx:2", number=2, sized=(10, 13))]
    result = plan(deployment(15, image="nginx:2", surge=3, unavailable=2), sets, [], NOW)
    assert wanted_sizes(result) == {"old": 11, "new": 7}


def test_scaling_to_zero_takes_everything() -> None:
    sets = [rs("old", 8, sized=(10, 13), age=100), rs("new", 5, 0, image="nginx:2", number=2, sized=(10, 13))]
    assert wanted_sizes(plan(deployment(0, image="nginx:2", surge=3), sets, [], NOW)) == {"old": 0, "new": 0}


def test_paused_deployments_scale_but_do_not_roll() -> None:
    made = deployment(5, image="nginx:2", paused=True)
    result = plan(made, [rs("old", 3, sized=(3, 4))], [], NOW)
    assert (result.create, wanted_sizes(result)) == (None, {"old": 5})
    assert progressing(result.status) == ("Unknown", "DeploymentPaused")
    made["status"] = result.status
    made["spec"]["paused"] = False
    resumed = plan(made, [rs("old", 5, sized=(5, 6))], [], NOW)
    assert progressing(resumed.status) == ("True", "NewReplicaSetCreated")


def test_a_deployment_that_goes_only_reports() -> None:
    made = deployment(3, image="nginx:2")
    made["metadata"]["deletionTimestamp"] = rfc3339(NOW)
    result = plan(made, [rs("old", 3)], [], NOW)
    assert (result.create, result.update, result.delete, result.revision) == (None, [], (), "")


# --- revisions ---------------------------------------------------------------------------------------------------


def test_going_back_gives_the_old_replica_set_a_new_revision() -> None:
    first = rs("first", 0, number=1, age=200)
    sets = [first, rs("second", 3, image="nginx:2", number=2)]
    result = plan(deployment(3, image="nginx:1"), sets, [], NOW)
    change = next(change for change in result.update if name(change.new) == "first")
    assert annotations_of(change.new)[revisions.REVISION] == "3"
    assert annotations_of(change.new)[revisions.REVISION_HISTORY] == "1"
    assert result.revision == "3"


def test_the_hash_depends_on_the_template_alone() -> None:
    plain = template()
    same = {**template(**{"pod-template-hash": "xyz"}), "status": {}}
    assert revisions.template_hash(plain, 0) == revisions.template_hash(same, 0)
    assert revisions.template_hash(plain, 0) != revisions.template_hash(plain, 1)
    assert revisions.template_hash(plain, 0) != revisions.template_hash(template("nginx:2"), 0)


def test_history_is_cut_to_its_limit_lowest_revision_first() -> None:
    olds = [rs(f"old-{n}", 0, image=f"nginx:{n}", number=n, age=500 - n) for n in (3, 1, 4, 2)]
    new = rs("new", 3, image="nginx:9", number=5)
    made = deployment(3, image="nginx:9", revisionHistoryLimit=2)
    made["status"] = {
        "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3, "observedGeneration": 1,
    }  # fmt: skip
    result = plan(made, [*olds, new], [], NOW)
    assert sorted(name(gone) for gone in result.delete) == ["old-1", "old-2"]


def test_history_is_kept_while_the_rollout_goes_on_and_while_pods_are_left() -> None:
    busy = rs("busy", 0, number=1, age=300)
    busy["status"]["replicas"] = 1
    made = deployment(3, image="nginx:9", revisionHistoryLimit=0)
    sets = [busy, rs("new", 3, image="nginx:9", number=2)]
    assert list(plan(made, sets, [], NOW).delete) == []
    made["status"] = {"replicas": 3, "updatedReplicas": 3, "availableReplicas": 3, "observedGeneration": 1}
    assert list(plan(made, sets, [], NOW).delete) == []


def test_revision_history_forgets_the_oldest() -> None:
    long = rs("new", 3, number=7)
    long["metadata"]["annotations"][revisions.REVISION_HISTORY] = ",".join(["1234567"] * 250)
    history = revisions.promoted(long, deployment(3), 9)[revisions.REVISION_HISTORY]
    assert len(history) <= 2000
    assert history.endswith(",7")


# --- status ------------------------------------------------------------------------------------------------------


def test_status_counts() -> None:
    sets = [rs("old", 2, 1, age=100), rs("new", 2, 2, image="nginx:2", number=2)]
    status = plan(deployment(3, image="nginx:2", surge=1, unavailable=0), sets, [], NOW).status
    numbers = {field: value for field, value in status.items() if field != "conditions"}
    assert numbers == {
        "observedGeneration": 1,
        "replicas": 4,
        "updatedReplicas": 2,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "unavailableReplicas": 1,
    }
    available = find_condition(status["conditions"], "Available") or {}
    assert (available["status"], available["reason"]) == ("True", "MinimumReplicasAvailable")


def rollout(reason: str, *, since: float, state: str = "True", new: int = 0, **status: Any) -> Plan:
    """A Deployment whose only ReplicaSet has `new` of 3 pods available, and whose condition is `since` seconds old."""
    made = deployment(3)
    moment = condition("Progressing", state, since=since, reason=reason, message="")
    made["status"] = {"conditions": [moment | {"lastUpdateTime": moment["lastTransitionTime"]}], **status}
    return plan(made, [rs("web-1", 3, new)], [], NOW)


@pytest.mark.parametrize(
    ("reason", "since", "available", "before", "expected"),
    [
        pytest.param("NewReplicaSetCreated", 5, 0, {}, ("True", "ReplicaSetUpdated"), id="pods appear"),
        pytest.param(
            "ReplicaSetUpdated", 5, 1, {"replicas": 3, "updatedReplicas": 3}, ("True", "ReplicaSetUpdated"), id="ready"
        ),
        pytest.param(
            "ReplicaSetUpdated",
            5,
            3,
            {"replicas": 3, "updatedReplicas": 3},
            ("True", "NewReplicaSetAvailable"),
            id="all",
        ),
        pytest.param(
            "ReplicaSetUpdated",
            601,
            0,
            {"replicas": 3, "updatedReplicas": 3},
            ("False", "ProgressDeadlineExceeded"),
            id="stuck",
        ),
        pytest.param(
            "NewReplicaSetAvailable",
            9999,
            0,
            {"replicas": 3, "updatedReplicas": 3},
            ("True", "NewReplicaSetAvailable"),
            id="a pod lost later is no failed rollout",
        ),
    ],
)
def test_progress(reason: str, since: float, available: int, before: Object, expected: tuple[str, str]) -> None:
    result = rollout(reason, since=since, new=available, **before)
    assert progressing(result.status) == expected


def test_the_deadline_is_waited_for_only_while_it_matters() -> None:
    before = {"replicas": 3, "updatedReplicas": 3}
    assert rollout("ReplicaSetUpdated", since=100, **before).check_after == 501
    assert rollout("ReplicaSetUpdated", since=700, **before).check_after is None
    assert rollout("NewReplicaSetAvailable", since=10, new=3, **before).check_after is None


def test_a_replica_sets_failure_is_the_deployments() -> None:
    failing = rs("web-1", 3, 0)
    failing["status"]["conditions"] = [condition("ReplicaFailure", "True", reason="FailedCreate", message="quota")]
    made = deployment(3)
    made["status"] = plan(made, [failing], [], NOW).status
    failure = find_condition(made["status"]["conditions"], "ReplicaFailure") or {}
    assert (failure["status"], failure["reason"], failure["message"]) == ("True", "FailedCreate", "quota")
    assert find_condition(plan(made, [rs("web-1", 3, 0)], [], NOW).status["conditions"], "ReplicaFailure") is None


def test_a_settled_deployment_is_left_alone() -> None:
    made = deployment(3)
    sets = [rs("web-1", 3, sized=(3, 4))]
    for _ in range(3):
        made["status"] = plan(made, sets, [], NOW).status
    result = plan(made, sets, [], NOW + 5000)
    assert (result.status, result.create, list(result.update), list(result.delete)) == (made["status"], None, [], [])
