"""The volumes of podlab's own provisioner: a folder each, on the node that the scheduler chose (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

from orchestrator.api.claims import (
    FOLDER_FINALIZER,
    FOLDERS,
    LOCAL,
    PROVISIONED_BY,
    SELECTED_NODE,
    STORAGE_PROVISIONER,
    capacity,
    is_bound,
    topology_allows,
    waits_for_consumer,
)
from orchestrator.api.meta import Object, condition, is_deleting, labels, name, namespace, spec, uid
from orchestrator.api.meta import annotations as annotations_of
from orchestrator.api.quantity import parse
from orchestrator.api.strategies.persistentvolumeclaim import requested

_HOSTNAME = "kubernetes.io/hostname"


def is_ours(claim: Object) -> bool:
    """The claim waits for a volume from this provisioner."""
    open = not is_bound(claim) and not spec(claim).get("volumeName") and not is_deleting(claim)
    return open and annotations_of(claim).get(STORAGE_PROVISIONER) == LOCAL


def refusal(claim: Object) -> str:
    """Why there can be no such volume, "" when there can."""
    if spec(claim).get("volumeMode") == "Block":
        return "Block volumes are not supported"
    if spec(claim).get("dataSource") or spec(claim).get("dataSourceRef"):
        return "data sources are not supported"
    if spec(claim).get("selector"):
        return "claim.Spec.Selector is not supported"
    return ""


def chosen_node(claim: Object, storage_class: Object, nodes: Sequence[Object]) -> str:
    """Where the volume shall be, "" when that is not known (yet).

    Nobody chooses a node for a claim that is bound at once: any that is ready will do, always the same one.
    """
    if waits_for_consumer(storage_class):
        return annotations_of(claim).get(SELECTED_NODE, "")
    ready = [name(node) for node in nodes if _takes_volumes(node) and topology_allows(storage_class, labels(node))]
    return min(ready, default="")


def _takes_volumes(node: Object) -> bool:
    ready = (condition(node, "Ready") or {}).get("status") == "True"
    return ready and FOLDERS in annotations_of(node) and not spec(node).get("unschedulable")


def volume_name(claim: Object) -> str:
    """The same each time: making the volume twice is refused."""
    return f"pvc-{uid(claim)}"


def volume(claim: Object, storage_class: Object, node: Object) -> Object:
    """The volume, kept for the claim. Its folder is made by the node's agent."""
    folder = f"{volume_name(claim)}_{namespace(claim)}_{name(claim)}"
    term = {"key": _HOSTNAME, "operator": "In", "values": [labels(node).get(_HOSTNAME) or name(node)]}
    made: Object = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": volume_name(claim),
            "annotations": {PROVISIONED_BY: LOCAL, SELECTED_NODE: name(node)},
            "finalizers": [FOLDER_FINALIZER],
        },
        "spec": {
            "capacity": {"storage": requested(claim)},
            "accessModes": list(spec(claim)["accessModes"]),
            "volumeMode": "Filesystem",
            "persistentVolumeReclaimPolicy": storage_class["reclaimPolicy"],
            "storageClassName": name(storage_class),
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": namespace(claim),
                "name": name(claim),
                "uid": uid(claim),
            },
            "local": {"path": f"{annotations_of(node)[FOLDERS]}/{folder}"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [term]}]}},
        },
    }
    if options := storage_class.get("mountOptions"):
        made["spec"]["mountOptions"] = list(options)
    return made


def without_node(claim: Object) -> Object:
    """The claim, for the scheduler to choose another node."""
    new = deepcopy(claim)
    new["metadata"]["annotations"].pop(SELECTED_NODE)
    return new


def grown(volume: Object, claim: Object) -> Object:
    """The volume with the room that its claim asks for by now; a size is only a number here."""
    size = requested(claim)
    if size is None or parse(size) <= capacity(volume):
        return volume
    new = deepcopy(volume)
    new["spec"]["capacity"] = {"storage": size}
    return new
