"""What a pod's claims ask of its node, and what has to be written before it can run there (pure).

Rules and reasons are those of Kubernetes' scheduler plugins VolumeBinding and VolumeRestrictions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.api.claims import (
    SELECTED_NODE,
    best_match,
    claimed,
    ephemeral_claim,
    is_bound,
    is_made_for,
    not_made_for,
    reachable,
    topology_allows,
    waits_for_consumer,
)
from orchestrator.api.meta import Key, Object, is_deleting, key, make_key, name, spec, status
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.api.quantity import parse
from orchestrator.api.strategies.persistentvolumeclaim import requested
from orchestrator.api.strategies.storage import storage_class
from orchestrator.scheduler.podinfo import PodInfo

UNBOUND = "pod has unbound immediate PersistentVolumeClaims"
NODE_CONFLICT = "node(s) had volume node affinity conflict"
NOTHING_TO_BIND = "node(s) didn't find available persistent volumes to bind"
NO_VOLUME = "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
IN_USE = "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"

_NO_PROVISIONER = "kubernetes.io/no-provisioner"
_ALONE = "ReadWriteOncePod"


@dataclass(frozen=True, slots=True)
class Storage:
    """Claims, volumes and classes by key."""

    claims: Mapping[Key, Object] = field(default_factory=dict)
    volumes: Mapping[Key, Object] = field(default_factory=dict)
    classes: Mapping[Key, Object] = field(default_factory=dict)

    def claims_of(self, pod: PodInfo) -> list[Object]:
        """Those that there are."""
        keys = (make_key(pod.namespace, name) for name in pod.claims)
        return [claim for key in keys if (claim := self.claims.get(key)) is not None]

    def class_of(self, claim: Object) -> Object | None:
        return self.classes.get(Key(storage_class(claim)))

    def volume_of(self, claim: Object) -> Object | None:
        return self.volumes.get(Key(spec(claim).get("volumeName") or ""))


@dataclass(frozen=True, slots=True)
class Place:
    """A node, as far as volumes look at it."""

    name: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Bindings:
    """What is to be written for the pod's claims: volumes that are kept for them now, and claims whose volume shall be
    made on the node. It is true when the pod has to wait for a claim, also where all has been written before."""

    volumes: tuple[Object, ...] = ()
    claims: tuple[Object, ...] = ()
    waits: bool = False

    def __bool__(self) -> bool:
        return self.waits


def unready(pod: PodInfo, storage: Storage) -> str:
    """Why the pod can be on no node at all as its claims are, "" when it may be on some."""
    for wanted in pod.claims:
        claim = storage.claims.get(make_key(pod.namespace, wanted))
        if why := _missing(pod, wanted) if claim is None else _unusable(pod, claim):
            return why
    unbound = [claim for claim in storage.claims_of(pod) if not is_bound(claim)]
    return "" if all(_can_wait(claim, storage) for claim in unbound) else UNBOUND


def _missing(pod: PodInfo, wanted: str) -> str:
    if wanted in _ephemeral(pod):
        return f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{wanted}"'
    return f'persistentvolumeclaim "{wanted}" not found'


def _unusable(pod: PodInfo, claim: Object) -> str:
    if status(claim).get("phase") == "Lost":
        volume = spec(claim).get("volumeName") or ""
        return f'persistentvolumeclaim "{name(claim)}" bound to non-existent persistentvolume "{volume}"'
    if is_deleting(claim):
        return f'persistentvolumeclaim "{name(claim)}" is being deleted'
    if name(claim) in _ephemeral(pod) and not is_made_for(claim, pod.obj):
        return not_made_for(claim, pod.obj)
    return ""


def _ephemeral(pod: PodInfo) -> set[str]:
    volumes = spec(pod.obj).get("volumes") or ()
    return {ephemeral_claim(pod.obj, volume["name"]) for volume in volumes if volume.get("ephemeral")}


def _can_wait(claim: Object, storage: Storage) -> bool:
    return waits_for_consumer(storage.class_of(claim)) and not spec(claim).get("volumeName")


def wants_alone(pod: PodInfo, storage: Storage) -> frozenset[Key]:
    """Its claims that only one pod at a time may use."""
    alone = (claim for claim in storage.claims_of(pod) if _ALONE in (spec(claim).get("accessModes") or ()))
    return frozenset(key(claim) for claim in alone)


def conflict(pod: PodInfo, place: Place, storage: Storage) -> str:
    """Why the pod's claims keep it from the node, "" when they do not."""
    for claim in storage.claims_of(pod):
        if not is_bound(claim):
            continue
        volume = storage.volume_of(claim)
        if volume is None:
            return NO_VOLUME
        if not reachable(volume, place.name, place.labels):
            return NODE_CONFLICT
    return "" if bindings(pod, place, storage) is not None else NOTHING_TO_BIND


def bindings(pod: PodInfo, place: Place, storage: Storage) -> Bindings | None:
    """For the claims that waited for the pod to get a node; None when one of them cannot be had there."""
    volumes: dict[str, Object] = {}
    claims = []
    waiting = [claim for claim in storage.claims_of(pod) if not is_bound(claim)]
    # The small ones first, so that they do not take the large volumes.
    for claim in sorted(waiting, key=lambda claim: (parse(requested(claim) or 0), name(claim))):
        found = None
        if SELECTED_NODE not in annotations_of(claim):
            free = (volume for volume in storage.volumes.values() if name(volume) not in volumes)
            found = best_match(claim, free, usable=lambda volume: reachable(volume, place.name, place.labels))
        if found is not None:
            volumes[name(found)] = claimed(found, claim)
        elif not _can_be_made(claim, place, storage.class_of(claim)):
            return None
        elif SELECTED_NODE not in annotations_of(claim):
            claims.append(with_node(claim, place.name))
    new = (volume for volume in volumes.values() if volume is not storage.volumes[key(volume)])
    return Bindings(tuple(new), tuple(claims), bool(waiting))


def _can_be_made(claim: Object, place: Place, found: Object | None) -> bool:
    if annotations_of(claim).get(SELECTED_NODE, place.name) != place.name:
        return False
    if found is None or found["provisioner"] == _NO_PROVISIONER:
        return False
    return topology_allows(found, place.labels)


def with_node(claim: Object, node: str) -> Object:
    """The claim, its volume to be made on the node."""
    meta = claim["metadata"]
    return {**claim, "metadata": {**meta, "annotations": {**annotations_of(claim), SELECTED_NODE: node}}}


def outlook(pod: PodInfo, node: str, storage: Storage) -> str:
    """Of a pod that waits, with its node, for its claims: `bound`, `pending`, or `lost` when it needs another node."""
    claims = storage.claims_of(pod)
    if len(claims) < len(pod.claims) or any(is_deleting(claim) for claim in claims):
        return "lost"
    states = [_state(claim, node, storage) for claim in claims]
    return next((state for state in ("lost", "pending") if state in states), "bound")


def _state(claim: Object, node: str, storage: Storage) -> str:
    if is_bound(claim):
        return "bound"
    chosen = annotations_of(claim).get(SELECTED_NODE)
    kept = chosen is None and best_match(claim, storage.volumes.values(), wait=True) is not None
    return "pending" if chosen == node or kept else "lost"
