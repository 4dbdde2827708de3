"""Who owns a StatefulSet's claims, so that the garbage collector deletes them when the retention policy says. Pure."""

from __future__ import annotations

from copy import deepcopy

from orchestrator.api.meta import Object, controller_of, name, owner_reference, owner_references, uid
from orchestrator.controllers.statefulset_pods import retention


def reowned(claim: Object, sts: Object, pod: Object, *, scaled_down: bool) -> Object | None:
    """The claim with the owner that it should have; None when there is nothing to change.

    With `whenScaled: Delete` a claim belongs to its pod once the pod is beyond the replicas (`scaled_down`), with
    `whenDeleted: Delete` to the StatefulSet otherwise. A claim that something else controls is left alone.
    """
    ours = {uid(sts), uid(pod)}
    controller = controller_of(claim)
    if controller is not None and controller.get("uid") not in ours:
        return None
    kept = [ref for ref in owner_references(claim) if ref.get("uid") not in ours]
    owner = _owner(sts, pod, scaled_down=scaled_down)
    wanted = kept + ([owner_reference(owner)] if owner else [])
    if wanted == owner_references(claim):
        return None
    changed = deepcopy(claim)
    changed["metadata"]["ownerReferences"] = wanted
    return changed


def _owner(sts: Object, pod: Object, *, scaled_down: bool) -> Object | None:
    if scaled_down and retention(sts, "whenScaled") == "Delete":
        return pod
    return sts if retention(sts, "whenDeleted") == "Delete" else None


def is_stale(claim: Object, pod: str) -> bool:
    """The claim goes with a former pod of that name: a new one has to wait for the claim's end."""
    return any(ref.get("kind") == "Pod" and ref.get("name") == pod for ref in owner_references(claim))


def is_of(claim: Object, sts: Object, template: str) -> bool:
    """Judged by the claim's name."""
    ordinal = name(claim).removeprefix(f"{template}-{name(sts)}-")
    return ordinal != name(claim) and ordinal.isascii() and ordinal.isdigit()
