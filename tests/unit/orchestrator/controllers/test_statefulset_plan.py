"""Kubernetes' documented rules for StatefulSets, one plan at a time."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.api.meta import Object, name, owner_reference
from orchestrator.controllers.revision_plan import POD_REVISION, new_revision
from orchestrator.controllers.statefulset_plan import Plan, plan
from orchestrator.controllers.statefulset_pods import POD_INDEX, POD_NAME, claims
from orchestrator.controllers.statefulset_status import Revisions
from tests.unit.orchestrator.controllers.objects import NOW, pod, stateful_set

CLAIM = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}


def revisions() -> Revisions:
    old = new_revision(stateful_set(image="nginx:1"), 1, 0, "hash")
    new = new_revision(stateful_set(image="nginx:2"), 2, 0, "hash")
    return Revisions(old, new)


def member(sts: Object, ordinal: int, which: str = "new", **state: Any) -> Object:
    """A pod of the old or new revision."""
    pair = revisions()
    revision = name(pair.current if which == "old" else pair.update)
    own = f"{name(sts)}-{ordinal}"
    marks = {"app": "web", POD_NAME: own, POD_INDEX: str(ordinal), POD_REVISION: revision}
    return pod(own, labels=marks, owner=sts, **state)


def decide(sts: Object, pods: list[Object], there: dict[str, Object] | None = None) -> Plan:
    return plan(sts, pods, there or {}, revisions(), NOW)


def actions(result: Plan) -> tuple[list[str], list[str]]:
    """(pods created, pods deleted)."""
    return [name(each) for each in result.create], [name(each) for each in result.delete]


PARALLEL = {"podManagementPolicy": "Parallel"}


@pytest.mark.parametrize(
    ("spec", "pods", "expected"),
    [
        # Ordered: one at a time, each after the one before it serves.
        ({}, {}, (["web-0"], [])),
        ({}, {0: {"ready": False}}, ([], [])),
        ({}, {0: {"phase": "Pending", "ready": False}}, ([], [])),
        ({}, {0: {}}, (["web-1"], [])),
        ({}, {0: {}, 2: {}}, (["web-1"], [])),
        ({}, {0: {"deleting": True}, 1: {}, 2: {}}, ([], [])),
        ({"minReadySeconds": 30}, {0: {"ready_for": 10}}, ([], [])),
        ({"minReadySeconds": 30}, {0: {"ready_for": 31}}, (["web-1"], [])),
        # Parallel: all at once.
        (PARALLEL, {1: {"ready": False}}, (["web-0", "web-2"], [])),
        (PARALLEL, {0: {"deleting": True}, 5: {}, 4: {}}, (["web-1", "web-2"], ["web-5", "web-4"])),
        # Scaling down: the highest first, and only when all that stay serve.
        ({"replicas": 1}, {0: {}, 1: {}, 2: {}}, ([], ["web-2"])),
        ({"replicas": 1}, {0: {}, 1: {}, 2: {"deleting": True}}, ([], [])),
        ({"replicas": 1}, {0: {"ready": False}, 1: {}, 2: {}}, ([], [])),
        ({"replicas": 1}, {0: {}, 1: {}, 2: {"ready": False}}, ([], ["web-2"])),
        ({"replicas": 1}, {0: {}, 1: {"ready": False}, 2: {"ready": False}}, ([], [])),
        ({"replicas": 0}, {0: {"ready": False}}, ([], ["web-0"])),
        # Pods that have ended are made anew.
        ({}, {0: {"phase": "Failed"}, 1: {}, 2: {}}, ([], ["web-0"])),
        ({}, {0: {"phase": "Succeeded"}, 1: {}, 2: {}}, ([], ["web-0"])),
        ({}, {0: {"phase": "Failed", "deleting": True}, 1: {}, 2: {}}, ([], [])),
        # The first ordinal.
        ({"ordinals": {"start": 3}}, {}, (["web-3"], [])),
        ({"ordinals": {"start": 1}, **PARALLEL}, {0: {}, 1: {}, 2: {}, 3: {}}, ([], ["web-0"])),
    ],
)
def test_the_pods_that_should_be_there(spec: Object, pods: dict[int, Object], expected: Any) -> None:
    sts = stateful_set(**{"replicas": 3, **spec})
    assert actions(decide(sts, [member(sts, ordinal, **state) for ordinal, state in pods.items()])) == expected


def rolling(**fields: Any) -> Object:
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0, **fields}}}


@pytest.mark.parametrize(
    ("spec", "pods", "deleted"),
    [
        ({}, ["old", "old", "old"], ["web-2"]),
        ({}, ["old", "old", "new"], ["web-1"]),
        ({}, ["new", "new", "new"], []),
        ({}, ["old", "old", "sick"], []),
        (PARALLEL, ["old", "old", "sick"], []),
        # A pod of the old revision that does not serve is replaced too, where nothing waits for it.
        (PARALLEL, ["old", "old", "old-sick"], ["web-2"]),
        (rolling(partition=1), ["old", "new", "new"], []),
        (rolling(partition=1), ["old", "old", "new"], ["web-1"]),
        (rolling(partition=5), ["old", "old", "old"], []),
        ({"updateStrategy": {"type": "OnDelete"}}, ["old", "old", "old"], []),
        (rolling(maxUnavailable=2), ["old", "old", "old"], ["web-2", "web-1"]),
        (rolling(maxUnavailable="50%"), ["old", "old", "old"], ["web-2"]),
        (rolling(maxUnavailable="1%"), ["old", "old", "old"], ["web-2"]),
        (rolling(maxUnavailable=2) | PARALLEL, ["old", "old", "sick"], ["web-1"]),
        (rolling(maxUnavailable=1) | PARALLEL, ["old", "old-sick", "old"], ["web-1"]),
        (rolling(maxUnavailable=2, partition=2), ["old", "old", "old"], ["web-2"]),
        ({"updateStrategy": {"type": "RollingUpdate"}}, ["old", "old", "old"], ["web-2"]),
    ],
)
def test_a_rolling_update(spec: Object, pods: list[str], deleted: list[str]) -> None:
    sts = stateful_set(3, image="nginx:2", **spec)
    there = [
        member(sts, number, "old" if "old" in state else "new", ready="sick" not in state)
        for number, state in enumerate(pods)
    ]
    assert actions(decide(sts, there)) == ([], deleted)


@pytest.mark.parametrize(
    ("spec", "ordinal", "image"),
    [
        (rolling(partition=2), 1, "nginx:1"),
        (rolling(partition=1), 1, "nginx:2"),
        (rolling(partition=1) | {"ordinals": {"start": 1}}, 1, "nginx:1"),
        ({"updateStrategy": {"type": "OnDelete"}}, 1, "nginx:2"),
    ],
)
def test_lost_pods_come_back_in_the_revision_of_their_side_of_the_partition(
    spec: Object, ordinal: int, image: str
) -> None:
    sts = stateful_set(2, image="nginx:2", **spec)
    others = [number for number in range(3) if number != ordinal]
    (made,) = decide(sts, [member(sts, number, "old") for number in others]).create
    assert (name(made), made["spec"]["containers"][0]["image"]) == (f"web-{ordinal}", image)


def test_nothing_is_done_for_a_set_that_goes() -> None:
    sts = stateful_set(3)
    sts["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert actions(decide(sts, [])) == ([], [])


@pytest.mark.parametrize("odd", ["web-01", "web--1", "web-x", "other-0"])
def test_pods_of_other_names_are_none_of_its_numbers(odd: str) -> None:
    sts = stateful_set(1)
    assert actions(decide(sts, [pod(odd, owner=sts)])) == (["web-0"], [])


def test_identity_labels_are_restored() -> None:
    sts = stateful_set(1)
    changed = member(sts, 0)
    changed["metadata"]["labels"][POD_INDEX] = "7"
    (wanted,) = decide(sts, [changed]).update
    assert wanted["metadata"]["labels"][POD_INDEX] == "0"
    assert changed["metadata"]["labels"][POD_INDEX] == "7", "cached objects must not be changed"


def test_status_counts() -> None:
    sts = stateful_set(4, image="nginx:2", minReadySeconds=30)
    pods = [
        member(sts, 0, "old"),
        member(sts, 1, "old", ready_for=10),
        member(sts, 2, "new", ready=False),
        member(sts, 3, "old", deleting=True),
    ]
    status = decide(sts, pods).status
    pair = revisions()
    assert status == {
        "observedGeneration": 1,
        "replicas": 4,
        "readyReplicas": 3,
        "availableReplicas": 2,
        "currentReplicas": 2,
        "updatedReplicas": 1,
        "currentRevision": name(pair.current),
        "updateRevision": name(pair.update),
        "collisionCount": 0,
    }


def test_the_update_is_complete_when_all_pods_are_new_and_ready() -> None:
    sts = stateful_set(2, image="nginx:2")
    status = decide(sts, [member(sts, 0), member(sts, 1)]).status
    assert status["currentRevision"] == status["updateRevision"]
    assert status["currentReplicas"] == 2
    waiting = decide(sts, [member(sts, 0), member(sts, 1, ready=False)]).status
    assert waiting["currentRevision"] != waiting["updateRevision"]


# Claims.


def claimed(when_deleted: str = "Retain", when_scaled: str = "Retain", replicas: int = 1) -> Object:
    policy = {"whenDeleted": when_deleted, "whenScaled": when_scaled}
    return stateful_set(replicas, volumeClaimTemplates=[CLAIM], persistentVolumeClaimRetentionPolicy=policy)


def claim_of(sts: Object, ordinal: int, *owners: Object) -> Object:
    (made,) = claims(sts, ordinal)
    made["metadata"] |= {"uid": f"claim-{ordinal}", "ownerReferences": [owner_reference(each) for each in owners]}
    return made


def test_a_pod_waits_for_the_end_of_a_claim_that_goes() -> None:
    sts = claimed()
    going = claim_of(sts, 0)
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    result = decide(sts, [], {"data-web-0": going})
    assert actions(result) == ([], [])
    assert result.stuck == [("web-0", "pvc data-web-0 is being deleted")]


def test_a_pod_waits_for_the_end_of_its_predecessors_claim() -> None:
    sts = claimed(when_scaled="Delete")
    stale = claim_of(sts, 0, member(sts, 0))
    assert actions(decide(sts, [], {"data-web-0": stale})) == ([], [])


def test_a_claim_that_is_there_is_used_and_one_that_a_pending_pod_lacks_is_made() -> None:
    sts = claimed()
    used = decide(sts, [], {"data-web-0": claim_of(sts, 0)})
    assert (used.claims, actions(used)) == ([], (["web-0"], []))
    lost = decide(sts, [member(sts, 0, phase="Pending", ready=False)])
    assert [(owner, name(each)) for owner, each in lost.claims] == [("web-0", "data-web-0")]


@pytest.mark.parametrize(
    ("when_deleted", "when_scaled", "within", "beyond"),
    [
        ("Retain", "Retain", None, None),
        ("Delete", "Retain", "StatefulSet", "StatefulSet"),
        ("Retain", "Delete", None, "Pod"),
        ("Delete", "Delete", "StatefulSet", "Pod"),
    ],
)
def test_who_owns_the_claims(when_deleted: str, when_scaled: str, within: str | None, beyond: str | None) -> None:
    sts = claimed(when_deleted, when_scaled)
    pods = [member(sts, 0), member(sts, 1)]
    # Whatever they had before: the policy may have been another one.
    there = {f"data-web-{number}": claim_of(sts, number, sts, pods[number]) for number in range(2)}
    changed = {name(each): each for each in decide(sts, pods, there).reown}
    for number, expected in enumerate((within, beyond)):
        owners = changed[f"data-web-{number}"]["metadata"]["ownerReferences"]
        assert [owner["kind"] for owner in owners] == ([expected] if expected else [])


def test_a_claim_that_something_else_controls_is_left_alone() -> None:
    sts = claimed("Delete", "Delete")
    there = {"data-web-0": claim_of(sts, 0, stateful_set(1, name="other"))}
    assert decide(sts, [member(sts, 0)], there).reown == []
