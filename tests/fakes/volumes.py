"""Volumes, claims and classes as the API server would hand them out."""

from __future__ import annotations

from typing import Any

from orchestrator.api.claims import BIND_COMPLETED, FOLDER_FINALIZER, LOCAL, PROVISIONED_BY, SELECTED_NODE
from orchestrator.api.meta import Object, name, namespace, uid


def volume(
    name: str = "pv",
    size: str = "1Gi",
    *,
    modes: tuple[str, ...] = ("ReadWriteOnce",),
    storage_class: str = "",
    policy: str = "Retain",
    phase: str = "Available",
    claim: Object | None = None,
    labels: dict[str, str] | None = None,
    node: str = "",
    source: Object | None = None,
    annotations: dict[str, str] | None = None,
    **spec: Any,
) -> Object:
    """`claim` is what it is bound to; `node` the only one it can be reached from."""
    made: Object = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "uid": f"uid-{name}", "labels": labels or {}, "annotations": annotations or {}},
        "spec": {
            "capacity": {"storage": size},
            "accessModes": list(modes),
            "storageClassName": storage_class,
            "persistentVolumeReclaimPolicy": policy,
            **(source or {"hostPath": {"path": f"/mnt/{name}"}}),
            **spec,
        },
        "status": {"phase": phase},
    }
    if claim is not None:
        made["spec"]["claimRef"] = reference(claim)
    if node:
        term = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
        terms = [{"matchExpressions": [term]}]
        made["spec"]["nodeAffinity"] = {"required": {"nodeSelectorTerms": terms}}
    return made


def local_volume(path: str, claim: Object, *, node: str = "n1", policy: str = "Delete", **fields: Any) -> Object:
    """One of podlab's own provisioner."""
    marks = {PROVISIONED_BY: LOCAL, SELECTED_NODE: node}
    source = {"local": {"path": path}}
    made = volume(claim=claim, node=node, policy=policy, annotations=marks, source=source, phase="Bound", **fields)
    made["metadata"]["finalizers"] = [FOLDER_FINALIZER]
    return made


def claim(
    name: str = "data",
    size: str = "1Gi",
    *,
    modes: tuple[str, ...] = ("ReadWriteOnce",),
    storage_class: str | None = "",
    volume: str = "",
    bound: bool = False,
    namespace: str = "default",
    uid: str = "",
    annotations: dict[str, str] | None = None,
    **spec: Any,
) -> Object:
    marks = {**(annotations or {}), **({BIND_COMPLETED: "yes"} if bound else {})}
    made: Object = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace, "uid": uid or f"uid-{name}", "annotations": marks},
        "spec": {"accessModes": list(modes), "resources": {"requests": {"storage": size}}, **spec},
        "status": {"phase": "Bound" if bound else "Pending"},
    }
    if storage_class is not None:
        made["spec"]["storageClassName"] = storage_class
    if volume:
        made["spec"]["volumeName"] = volume
    return made


def reference(claim: Object) -> Object:
    return {"kind": "PersistentVolumeClaim", "namespace": namespace(claim), "name": name(claim), "uid": uid(claim)}


def storage_class(name: str = "standard", provisioner: str = LOCAL, *, waits: bool = True, **fields: Any) -> Object:
    mode = "WaitForFirstConsumer" if waits else "Immediate"
    meta = {"metadata": {"name": name}, "provisioner": provisioner}
    return {**meta, "volumeBindingMode": mode, "reclaimPolicy": "Delete", **fields}
