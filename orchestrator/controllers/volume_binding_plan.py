"""What becomes of a claim, and of a volume, and the objects that binding makes of them (pure).

Rules, events and their words are those of `k8s.io/kubernetes/pkg/controller/volume/persistentvolume/pv_controller.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal

from orchestrator.api.claims import (
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    SELECTED_NODE,
    STORAGE_PROVISIONER,
    belongs_to,
    best_match,
    mismatch,
    provisioned_by,
    waits_for_consumer,
)
from orchestrator.api.meta import Object, is_deleting, metadata, name, spec, status
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.api.strategies.storage import storage_class
from orchestrator.api.times import rfc3339

#: The provisioner of classes whose volumes are made by hand.
NO_PROVISIONER = "kubernetes.io/no-provisioner"
_BETA_STORAGE_PROVISIONER = "volume.beta.kubernetes.io/storage-provisioner"

_LOST = "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
_LOST_REFERENCE = "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"
_MISBOUND = "Two claims are bound to the same volume, this one is bound incorrectly"
_WAIT = "waiting for first consumer to be created before binding"
_NONE = "no persistent volumes available for this claim and no storage class is set"


@dataclass(frozen=True, slots=True)
class Event:
    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Bind:
    """Volume and claim are, or shall be, each other's."""

    volume: Object


@dataclass(frozen=True, slots=True)
class Provision:
    """A provisioner is to make the claim's volume."""

    provisioner: str


@dataclass(frozen=True, slots=True)
class Stay:
    """The claim's phase, and what there is to say about it."""

    phase: Literal["Pending", "Lost"]
    event: Event | None = None


ClaimVerdict = Bind | Provision | Stay


def judge_claim(claim: Object, volumes: Mapping[str, Object], classes: Mapping[str, Object]) -> ClaimVerdict:
    """`volumes` and `classes` are all there are, by name."""
    if BIND_COMPLETED in annotations_of(claim):
        return _bound_claim(claim, volumes)
    if wanted := spec(claim).get("volumeName"):
        return _claim_that_names(claim, volumes.get(wanted))
    return _open_claim(claim, volumes, classes)


def _bound_claim(claim: Object, volumes: Mapping[str, Object]) -> ClaimVerdict:
    wanted = spec(claim).get("volumeName")
    volume = volumes.get(wanted or "")
    if volume is None:
        return Stay("Lost", Event("Warning", "ClaimLost", _LOST if wanted else _LOST_REFERENCE))
    if not spec(volume).get("claimRef") or belongs_to(volume, claim):
        return Bind(volume)
    return Stay("Lost", Event("Warning", "ClaimMisbound", _MISBOUND))


def _claim_that_names(claim: Object, volume: Object | None) -> ClaimVerdict:
    """A user chose the volume; or the controller did, and was stopped before it was finished."""
    if volume is None:
        return Stay("Pending")
    if belongs_to(volume, claim):
        return Bind(volume)
    if spec(volume).get("claimRef"):
        why = f'volume "{name(volume)}" already bound to a different claim.'
        return Stay("Pending", Event("Warning", "FailedBinding", why))
    if why := mismatch(volume, claim):
        return Stay(
            "Pending", Event("Warning", "VolumeMismatch", f'Cannot bind to requested volume "{name(volume)}": {why}')
        )
    return Bind(volume)


def _open_claim(claim: Object, volumes: Mapping[str, Object], classes: Mapping[str, Object]) -> ClaimVerdict:
    wanted = storage_class(claim)
    found = classes.get(wanted)
    waits = waits_for_consumer(found)
    if volume := best_match(claim, volumes.values(), wait=waits):
        return Bind(volume)
    if waits and SELECTED_NODE not in annotations_of(claim):
        return Stay("Pending", Event("Normal", "WaitForFirstConsumer", _WAIT))
    if not wanted:
        return Stay("Pending", Event("Normal", "FailedBinding", _NONE))
    if found is None:
        return Stay("Pending", _cannot_provision(f'storageclass.storage.k8s.io "{wanted}" not found'))
    if found["provisioner"] == NO_PROVISIONER:
        return Stay("Pending", _cannot_provision(f"no volume plugin matched name: {NO_PROVISIONER}"))
    return Provision(found["provisioner"])


def _cannot_provision(why: str) -> Event:
    return Event("Warning", "ProvisioningFailed", why)


def waiting_for(provisioner: str) -> Event:
    """What is told while a provisioner is at work."""
    return Event(
        "Normal",
        "ExternalProvisioning",
        f"Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the "
        "system administrator. If volume creation is delayed, please verify that the provisioner is running and "
        "correctly registered.",
    )


@dataclass(frozen=True, slots=True)
class Phase:
    """The volume's phase is right, or shall be this."""

    phase: str
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Unbind:
    """The volume's claim has another one: it is free again."""


@dataclass(frozen=True, slots=True)
class Recycle:
    """Its contents go, then it is free again."""


VolumeVerdict = Phase | Unbind | Recycle

#: Not tried again: somebody has to look.
RECYCLE_FAILED = Phase("Failed", "VolumeFailedRecycle", "Recycle failed: its pod failed")


def judge_volume(volume: Object, claim: Object | None) -> VolumeVerdict:
    """`claim` is the one that the volume refers to, None when that is no more (or another one of its name is)."""
    reference = spec(volume).get("claimRef")
    if not (reference or {}).get("uid"):
        return Phase("Available")
    if claim is None:
        return _released(volume)
    bound_to = spec(claim).get("volumeName")
    if bound_to == name(volume):
        return Phase("Bound")
    if not bound_to:
        # Kept for the claim, which will complete the binding.
        return Phase(status(volume).get("phase") or "Pending")
    if provisioned_by(volume) and spec(volume).get("persistentVolumeReclaimPolicy") == "Delete":
        # Made for a claim that took another one meanwhile.
        return Phase("Released")
    return Unbind()


def _released(volume: Object) -> VolumeVerdict:
    """Deleting what a provisioner made is the provisioner's part."""
    policy = spec(volume).get("persistentVolumeReclaimPolicy")
    if policy == "Retain" or provisioned_by(volume) or is_deleting(volume):
        return Phase("Released")
    if policy == "Recycle":
        return _to_recycle(volume)
    if path := (spec(volume).get("hostPath") or {}).get("path"):
        return _failed("VolumeFailedDelete", f"host_path deleter only supports /tmp/.+ but received provided {path}")
    return _failed("VolumeFailedDelete", _no_plugin(volume, "delet"))


def _to_recycle(volume: Object) -> VolumeVerdict:
    if "hostPath" not in spec(volume):
        return _failed("VolumeFailedRecycle", _no_plugin(volume, "recycl"))
    return RECYCLE_FAILED if status(volume).get("phase") == "Failed" else Recycle()


def _no_plugin(volume: Object, verb: str) -> str:
    return f'error getting {verb}er volume plugin for volume "{name(volume)}": no {verb}able volume plugin matched'


def _failed(reason: str, message: str) -> Phase:
    return Phase("Failed", reason, message)


def unclaimed(volume: Object) -> Object:
    """The volume, free again; where a user kept it for a claim of that name, for the next one of the name."""
    new = deepcopy(volume)
    if BOUND_BY_CONTROLLER in annotations_of(volume):
        del new["metadata"]["annotations"][BOUND_BY_CONTROLLER]
        del new["spec"]["claimRef"]
    else:
        new["spec"]["claimRef"].pop("uid", None)
        new["spec"]["claimRef"].pop("resourceVersion", None)
    return new


def completed(claim: Object, volume: Object) -> Object:
    """The claim, bound to the volume for good."""
    new = deepcopy(claim)
    marks = metadata(new).setdefault("annotations", {})
    if new["spec"].get("volumeName") != name(volume):
        new["spec"]["volumeName"] = name(volume)
        marks[BOUND_BY_CONTROLLER] = "yes"
    marks[BIND_COMPLETED] = "yes"
    return new


def provisionable(claim: Object, provisioner: str) -> Object:
    """The claim, with the name of the provisioner that is to act."""
    new = deepcopy(claim)
    metadata(new).setdefault("annotations", {}).update(
        {STORAGE_PROVISIONER: provisioner, _BETA_STORAGE_PROVISIONER: provisioner}
    )
    return new


def claim_status(claim: Object, phase: str, volume: Object | None = None) -> Object:
    """The claim in `phase`; what it has is what the volume is, and nothing without one."""
    if volume is not None:
        now = {"accessModes": spec(volume).get("accessModes"), "capacity": spec(volume).get("capacity")}
        return {**claim, "status": {**status(claim), "phase": phase, **now}}
    kept = {field: value for field, value in status(claim).items() if field not in ("accessModes", "capacity")}
    return {**claim, "status": {**(status(claim) if phase == "Lost" else kept), "phase": phase}}


def volume_status(volume: Object, verdict: Phase, now: float) -> Object:
    old = status(volume)
    told = {"reason": verdict.reason, "message": verdict.message}
    new: Object = {field: value for field, value in old.items() if field not in told}
    new |= {field: text for field, text in told.items() if text}
    new["phase"] = verdict.phase
    if old.get("phase") != verdict.phase:
        new["lastPhaseTransitionTime"] = rfc3339(now)
    return {**volume, "status": new}
