from __future__ import annotations

import pytest

from orchestrator.api.claims import (
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    PROVISIONED_BY,
    SELECTED_NODE,
    belongs_to,
    claimed,
    is_bound,
)
from orchestrator.api.meta import Object, name
from orchestrator.controllers import volume_binding_plan as plans
from tests.fakes.volumes import claim, storage_class, volume

CLASSES = {
    "standard": storage_class(),
    "now": storage_class("now", waits=False),
    "by-hand": storage_class("by-hand", plans.NO_PROVISIONER, waits=False),
}
OTHER = claim("other")


def judge(wanted: Object, *volumes: Object) -> plans.ClaimVerdict:
    return plans.judge_claim(wanted, {name(each): each for each in volumes}, CLASSES)


def told(verdict: plans.ClaimVerdict) -> tuple[str, str, str]:
    """(phase, reason, message)"""
    assert isinstance(verdict, plans.Stay)
    event = verdict.event
    return (verdict.phase, event.reason, event.message) if event else (verdict.phase, "", "")


@pytest.mark.parametrize(
    ("wanted", "volumes", "story"),
    [
        (claim(), [], ("Pending", "FailedBinding", plans._NONE)),
        (claim(storage_class="standard"), [], ("Pending", "WaitForFirstConsumer", plans._WAIT)),
        (
            claim(storage_class="gone"),
            [],
            ("Pending", "ProvisioningFailed", 'storageclass.storage.k8s.io "gone" not found'),
        ),
        (
            claim(storage_class="by-hand"),
            [],
            ("Pending", "ProvisioningFailed", "no volume plugin matched name: kubernetes.io/no-provisioner"),
        ),
        (claim(volume="pv"), [], ("Pending", "", "")),
        (
            claim(volume="pv"),
            [volume(claim=OTHER)],
            ("Pending", "FailedBinding", 'volume "pv" already bound to a different claim.'),
        ),
        (
            claim(volume="pv", size="9Gi"),
            [volume()],
            ("Pending", "VolumeMismatch", 'Cannot bind to requested volume "pv": requested PV is too small'),
        ),
        (claim(volume="pv", bound=True), [], ("Lost", "ClaimLost", plans._LOST)),
        (claim(bound=True), [], ("Lost", "ClaimLost", plans._LOST_REFERENCE)),
        (claim(volume="pv", bound=True), [volume(claim=OTHER)], ("Lost", "ClaimMisbound", plans._MISBOUND)),
    ],
)
def test_a_claim_that_is_not_bound(wanted: Object, volumes: list[Object], story: tuple[str, str, str]) -> None:
    assert told(judge(wanted, *volumes)) == story


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (claim(), volume()),
        (claim(volume="pv"), volume()),
        (claim(volume="pv"), volume(claim=claim(), phase="Pending")),
        (claim(volume="pv", bound=True), volume(claim=claim(), phase="Bound")),
        # Its reference was lost: it is put back.
        (claim(volume="pv", bound=True), volume()),
        (claim(storage_class="standard"), volume(claim=claim(), storage_class="standard", phase="Pending")),
    ],
)
def test_a_claim_that_gets_its_volume(wanted: Object, found: Object) -> None:
    assert judge(wanted, found) == plans.Bind(found)


def test_a_claim_whose_volume_is_to_be_made() -> None:
    assert judge(claim(storage_class="now")) == plans.Provision("podlab.io/local")
    chosen = claim(storage_class="standard", annotations={SELECTED_NODE: "n1"})
    assert judge(chosen) == plans.Provision("podlab.io/local")


@pytest.mark.parametrize(
    ("judged", "behind", "verdict"),
    [
        (volume(phase="Pending"), None, plans.Phase("Available")),
        (volume(claim=claim(uid="")), claim(volume="pv"), plans.Phase("Bound")),
        (volume(claim=claim(), phase="Available"), claim(), plans.Phase("Available")),
        (volume(claim=claim()), None, plans.Phase("Released")),
        (volume(claim=claim(), policy="Delete", annotations={PROVISIONED_BY: "x"}), None, plans.Phase("Released")),
        (volume(claim=claim(), policy="Recycle"), None, plans.Recycle()),
        (volume(claim=claim()), claim(volume="another"), plans.Unbind()),
        (
            volume(claim=claim(), policy="Delete", annotations={PROVISIONED_BY: "x"}),
            claim(volume="another"),
            plans.Phase("Released"),
        ),
        (
            volume(claim=claim(), policy="Delete"),
            None,
            plans.Phase(
                "Failed",
                "VolumeFailedDelete",
                "host_path deleter only supports /tmp/.+ but received provided /mnt/pv",
            ),
        ),
        (
            volume(claim=claim(), policy="Delete", source={"nfs": {}}),
            None,
            plans.Phase(
                "Failed",
                "VolumeFailedDelete",
                'error getting deleter volume plugin for volume "pv": no deletable volume plugin matched',
            ),
        ),
    ],
)
def test_a_volume(judged: Object, behind: Object | None, verdict: plans.VolumeVerdict) -> None:
    assert plans.judge_volume(judged, behind) == verdict


def test_binding_writes_both_sides_once() -> None:
    wanted, found = claim(), volume()
    taken = claimed(found, wanted)
    assert belongs_to(taken, wanted) and taken["metadata"]["annotations"] == {BOUND_BY_CONTROLLER: "yes"}
    assert "claimRef" not in found["spec"]
    done = plans.completed(wanted, taken)
    assert is_bound(done) and done["spec"]["volumeName"] == "pv"
    assert claimed(taken, done) is taken and plans.completed(done, taken) == done


def test_who_chose_the_volume_is_remembered() -> None:
    chosen = plans.completed(claim(volume="pv"), volume())
    assert chosen["metadata"]["annotations"] == {BIND_COMPLETED: "yes"}
    kept = volume(claim=claim())
    del kept["spec"]["claimRef"]["uid"]
    taken = claimed(kept, claim())
    assert taken["metadata"]["annotations"] == {} and taken["spec"]["claimRef"]["uid"] == "uid-data"
    # A volume that a user kept for a name stays kept for it.
    assert plans.unclaimed(taken)["spec"]["claimRef"]["name"] == "data"
    assert "claimRef" not in plans.unclaimed(claimed(volume(), claim()))["spec"]


def test_a_phase_has_its_time() -> None:
    old = volume(phase="Available")
    assert plans.volume_status(old, plans.Phase("Available"), 0.0) == old
    failed = plans.volume_status(old, plans.Phase("Failed", "Why", "because"), 0.0)
    assert failed["status"] == {
        "phase": "Failed",
        "reason": "Why",
        "message": "because",
        "lastPhaseTransitionTime": "1970-01-01T00:00:00Z",
    }
    again = plans.volume_status(failed, plans.Phase("Released"), 60.0)
    assert again["status"] == {"phase": "Released", "lastPhaseTransitionTime": "1970-01-01T00:01:00Z"}
