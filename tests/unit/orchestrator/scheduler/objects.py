"""Nodes and pods for the scheduler's tests."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from orchestrator.api.meta import Object
from orchestrator.scheduler.podinfo import PodInfo, pod_info
from orchestrator.scheduler.snapshot import NodeInfo, Snapshot, node_info

_numbers = itertools.count(1)


def node_object(
    name: str = "n1",
    *,
    cpu: str = "4",
    memory: str = "8Gi",
    pods: str = "110",
    labels: Mapping[str, str] | None = None,
    taints: list[Object] | None = None,
    images: Mapping[str, int] | None = None,
    **spec: Any,
) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}},
        "spec": {"taints": taints or [], **spec},
        "status": {
            "allocatable": {"cpu": cpu, "memory": memory, "pods": pods, "ephemeral-storage": "10Gi"},
            "images": [{"names": [image], "sizeBytes": size} for image, size in (images or {}).items()],
        },
    }


def node(name: str = "n1", *running: PodInfo, **fields: Any) -> NodeInfo:
    info = node_info(node_object(name, **fields))
    for pod in running:
        info = info.with_pod(pod)
    return info


def pod_object(
    name: str = "",
    *,
    cpu: str = "",
    memory: str = "",
    namespace: str = "default",
    labels: Mapping[str, str] | None = None,
    owner: str = "",
    image: str = "nginx",
    ports: list[Object] | None = None,
    deleting: bool = False,
    **spec: Any,
) -> Object:
    number = next(_numbers)
    requests = {resource: text for resource, text in (("cpu", cpu), ("memory", memory)) if text}
    meta: Object = {
        "name": name or f"pod-{number}",
        "namespace": namespace,
        "uid": f"uid-{number}",
        "labels": dict(labels or {}),
    }
    if deleting:
        meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    if owner:
        reference = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": owner, "controller": True}
        meta["ownerReferences"] = [reference]
    container = {"name": "app", "image": image, "resources": {"requests": requests}, "ports": ports or []}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container], **spec}}


def pod(name: str = "", **fields: Any) -> PodInfo:
    return pod_info(pod_object(name, **fields))


def cluster(*nodes: NodeInfo, namespaces: Mapping[str, Mapping[str, str]] | None = None) -> Snapshot:
    return Snapshot(nodes, namespaces or {"default": {}})


def near(key: str = "zone", hard: bool = True, anti: bool = False, weight: int = 10, **term: Any) -> Object:
    """An affinity with one term about pods labelled app=web."""
    full = {"topologyKey": key, "labelSelector": {"matchLabels": {"app": "web"}}, **term}
    side = "podAntiAffinity" if anti else "podAffinity"
    if hard:
        return {side: {"requiredDuringSchedulingIgnoredDuringExecution": [full]}}
    return {side: {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": weight, "podAffinityTerm": full}]}}


def on_nodes(*terms: Object) -> Object:
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}}


def spread(key: str = "zone", skew: int = 1, hard: bool = True, **fields: Any) -> Object:
    return {
        "maxSkew": skew,
        "topologyKey": key,
        "whenUnsatisfiable": "DoNotSchedule" if hard else "ScheduleAnyway",
        "labelSelector": {"matchLabels": {"app": "web"}},
        **fields,
    }
