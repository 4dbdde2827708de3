"""PersistentVolumes and their claims, as all parts look at them: what belongs together, and what fits (pure).

Names and rules are those of `k8s.io/component-helpers/storage/volume` and `pkg/controller/volume/persistentvolume`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from fractions import Fraction

from orchestrator.api.meta import (
    Key,
    Object,
    controller_of,
    finalizers,
    is_deleting,
    key,
    labels,
    make_key,
    metadata,
    name,
    namespace,
    spec,
    status,
)
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.api.meta import uid as uid_of
from orchestrator.api.node_terms import selector_terms
from orchestrator.api.quantity import parse
from orchestrator.api.selectors import label_selector
from orchestrator.api.strategies.persistentvolumeclaim import requested
from orchestrator.api.strategies.storage import storage_class

#: On a claim whose binding is finished, and on volumes and claims that the controller, not a user, bound.
BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
#: On a volume: who made it, and is to delete it.
PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
#: On a claim: the node that the scheduler wants the volume on, and who is to make it.
SELECTED_NODE = "volume.kubernetes.io/selected-node"
STORAGE_PROVISIONER = "volume.kubernetes.io/storage-provisioner"

#: Keep what is in use: see `orchestrator.controllers.volume_protection`.
CLAIM_PROTECTION = "kubernetes.io/pvc-protection"
VOLUME_PROTECTION = "kubernetes.io/pv-protection"

#: podlab's own provisioner: its volumes are folders of a node.
LOCAL = "podlab.io/local"
#: On a volume of it until the node has removed the folder.
FOLDER_FINALIZER = "podlab.io/local-folder"
#: On a Node: the folder that its volumes are in.
FOLDERS = "podlab.io/local-volumes"

Volumes = Iterable[Object]


def pod_claims(pod: Object) -> dict[str, str]:
    """The name of the claim behind each volume of the pod that has one, by the volume's name."""
    found = {}
    for volume in spec(pod).get("volumes") or ():
        if claim := volume.get("persistentVolumeClaim"):
            found[volume["name"]] = claim["claimName"]
        elif volume.get("ephemeral"):
            found[volume["name"]] = ephemeral_claim(pod, volume["name"])
    return found


def ephemeral_claim(pod: Object, volume: str) -> str:
    """The name of the claim that is made for a generic ephemeral volume."""
    return f"{name(pod)}-{volume}"


def is_made_for(claim: Object, pod: Object) -> bool:
    """The claim is the pod's own, for an ephemeral volume."""
    return (controller_of(claim) or {}).get("uid") == uid_of(pod)


def not_made_for(claim: Object, pod: Object) -> str:
    return f"PVC {key(claim)} was not created for pod {key(pod)} (pod is not owner)"


def claim_of(volume: Object) -> Key | None:
    """The key of the claim that the volume is, or will be, bound to."""
    reference = spec(volume).get("claimRef")
    return make_key(reference.get("namespace") or "", reference.get("name") or "") if reference else None


def belongs_to(volume: Object, claim: Object) -> bool:
    """The volume is bound to the claim, or kept for it; a reference without a uid means whoever has the name."""
    reference = spec(volume).get("claimRef") or {}
    same_name = (reference.get("namespace"), reference.get("name")) == (namespace(claim), name(claim))
    return same_name and (reference.get("uid") or "") in ("", uid_of(claim))


def is_bound(claim: Object) -> bool:
    """Its binding is finished, in both directions."""
    return bool(spec(claim).get("volumeName")) and BIND_COMPLETED in annotations_of(claim)


def waits_for_consumer(storage_class: Object | None) -> bool:
    """Claims of the class are bound only when a pod needs them."""
    return (storage_class or {}).get("volumeBindingMode") == "WaitForFirstConsumer"


def topology_allows(storage_class: Object, node_labels: Mapping[str, str]) -> bool:
    """Volumes of the class may be made on a node with these labels."""
    terms = storage_class.get("allowedTopologies") or ()
    return not terms or any(
        all(node_labels.get(each["key"]) in each["values"] for each in term.get("matchLabelExpressions") or ())
        for term in terms
    )


def provisioned_by(volume: Object) -> str:
    return annotations_of(volume).get(PROVISIONED_BY, "")


def held_by(obj: Object, finalizer: str) -> bool:
    """The object is to go, and waits for the finalizer."""
    return is_deleting(obj) and finalizer in finalizers(obj)


def without_finalizer(obj: Object, finalizer: str) -> Object:
    left = [each for each in finalizers(obj) if each != finalizer]
    return {**obj, "metadata": {**metadata(obj), "finalizers": left}}


def reachable(volume: Object, node: str, node_labels: Mapping[str, str]) -> bool:
    """The volume can be mounted on the node."""
    required = (spec(volume).get("nodeAffinity") or {}).get("required")
    return required is None or any(term.matches(node, node_labels) for term in selector_terms(required))


def capacity(volume: Object) -> Fraction:
    return parse((spec(volume).get("capacity") or {}).get("storage") or 0)


def mismatch(volume: Object, claim: Object) -> str:
    """Why the volume cannot be the claim's even if both say so, "" when it can."""
    if capacity(volume) < parse(requested(claim) or 0):
        return "requested PV is too small"
    if storage_class(volume) != storage_class(claim):
        return "storageClassName does not match"
    if _mode(volume) != _mode(claim):
        return "incompatible volumeMode"
    if not set(spec(claim).get("accessModes") or ()) <= set(spec(volume).get("accessModes") or ()):
        return "incompatible accessMode"
    return ""


def claimed(volume: Object, claim: Object) -> Object:
    """The volume, kept for the claim."""
    if belongs_to(volume, claim) and spec(volume)["claimRef"].get("uid"):
        return volume
    new = deepcopy(volume)
    if not belongs_to(volume, claim):
        metadata(new).setdefault("annotations", {})[BOUND_BY_CONTROLLER] = "yes"
    new["spec"]["claimRef"] = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": namespace(claim),
        "name": name(claim),
        "uid": uid_of(claim),
        "resourceVersion": metadata(claim).get("resourceVersion"),
    }
    return new


def is_free(volume: Object) -> bool:
    """Anybody may claim the volume."""
    return status(volume).get("phase") == "Available" and not spec(volume).get("claimRef")


def best_match(
    claim: Object, volumes: Volumes, *, wait: bool = False, usable: Callable[[Object], bool] = lambda _: True
) -> Object | None:
    """The volume for a claim that names none: one that is kept for it; else, unless the claim is to `wait`, of those
    that fit the one with the fewest access modes, then the smallest, then the first by name."""
    candidates = [volume for volume in volumes if usable(volume) and not is_deleting(volume)]
    kept = [volume for volume in candidates if belongs_to(volume, claim) and not _unfit(volume, claim)]
    if kept:
        # One that says the uid was chosen for this claim already: another would leave it behind.
        return min(kept, key=lambda volume: (not spec(volume)["claimRef"].get("uid"), name(volume)))
    if wait:
        return None
    fitting = [volume for volume in candidates if is_free(volume) and _fits(volume, claim)]
    return min(fitting, key=lambda v: (len(spec(v).get("accessModes") or ()), capacity(v), name(v)), default=None)


def _fits(volume: Object, claim: Object) -> bool:
    return not mismatch(volume, claim) and _selector_matches(volume, claim)


def _unfit(volume: Object, claim: Object) -> bool:
    """What even a volume that is kept for the claim has to satisfy."""
    return capacity(volume) < parse(requested(claim) or 0) or _mode(volume) != _mode(claim)


def _selector_matches(volume: Object, claim: Object) -> bool:
    # No selector at all chooses every volume, while `label_selector` of None chooses nothing.
    selector = spec(claim).get("selector")
    return selector is None or label_selector(selector).matches(labels(volume))


def _mode(obj: Object) -> str:
    return spec(obj).get("volumeMode") or "Filesystem"
