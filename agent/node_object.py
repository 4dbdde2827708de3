"""The Node object of this machine from what was measured. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set

from agent.node_facts import Machine
from agent.proxy.anyip import Routes
from agent.runtime.base import EngineInfo, Image
from orchestrator.api.meta import Object, find_condition
from orchestrator.api.times import rfc3339

VERSION = "v1.33.0-podlab"
#: Images named on the Node at most, the largest first, and names of each (as in Kubernetes).
MAX_IMAGES, MAX_NAMES = 50, 5
#: What a change of a condition is called in events. NodeReady and NodeNotReady are the node controller's.
_CHANGES = {
    ("MemoryPressure", "True"): "NodeHasInsufficientMemory",
    ("MemoryPressure", "False"): "NodeHasSufficientMemory",
    ("DiskPressure", "True"): "NodeHasDiskPressure",
    ("DiskPressure", "False"): "NodeHasNoDiskPressure",
    ("PIDPressure", "True"): "NodeHasInsufficientPID",
    ("PIDPressure", "False"): "NodeHasSufficientPID",
}


def node_labels(node: str, architecture: str) -> dict[str, str]:
    return {
        "kubernetes.io/hostname": node,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": architecture,
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": architecture,
        "node.kubernetes.io/instance-type": "podlab",
    }


def node_reference(node: str) -> Object:
    """Stands for the Node in events about it; its uid is its name, as the kubelet has it."""
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node, "uid": node}}


def node_info(engine: EngineInfo, machine: Machine) -> dict[str, str]:
    return {
        "architecture": engine.architecture,
        "operatingSystem": "linux",
        "osImage": machine.os_image,
        "kernelVersion": engine.kernel,
        "machineID": machine.machine_id,
        "systemUUID": machine.machine_id,
        "bootID": machine.boot_id,
        "containerRuntimeVersion": f"docker://{engine.version}",
        "kubeletVersion": VERSION,
        "kubeProxyVersion": VERSION,
    }


def node_conditions(
    old: Iterable[Object], pressures: Set[str], problem: str, routes: Routes, now: float
) -> list[Object]:
    """`pressures` are those of the three conditions that hold; `problem` is why the node is not ready, or ""."""
    conditions = [
        _condition(
            "MemoryPressure",
            "MemoryPressure" in pressures,
            ("KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
            ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ),
        _condition(
            "DiskPressure",
            "DiskPressure" in pressures,
            ("KubeletHasDiskPressure", "kubelet has disk pressure"),
            ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ),
        _condition(
            "PIDPressure",
            "PIDPressure" in pressures,
            ("KubeletHasInsufficientPID", "kubelet has insufficient PID available"),
            ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        ),
        _condition(
            "ServiceAddresses",
            routes.service_addresses,
            ("ServiceAddressesRouted", routes.message),
            ("ServiceAddressesNotRouted", routes.message),
        ),
        _condition(
            "Ready",
            not problem,
            ("KubeletReady", "kubelet is posting ready status"),
            ("KubeletNotReady", problem),
        ),
    ]
    known = list(old)
    return [_with_times(condition, known, rfc3339(now)) for condition in conditions]


def images(found: Iterable[Image]) -> list[Object]:
    named = [image for image in found if image.tags or image.digests]
    largest = sorted(named, key=lambda image: (-image.size, image.id))[:MAX_IMAGES]
    return [{"names": [*image.digests, *image.tags][:MAX_NAMES], "sizeBytes": image.size} for image in largest]


def _condition(type: str, holds: bool, if_true: tuple[str, str], if_false: tuple[str, str]) -> Object:
    reason, message = if_true if holds else if_false
    return {"type": type, "status": "True" if holds else "False", "reason": reason, "message": message}


def _with_times(condition: Object, old: list[Object], now: str) -> Object:
    before = find_condition(old, condition["type"])
    kept = before is not None and before.get("status") == condition["status"]
    changed = before["lastTransitionTime"] if before is not None and kept else now
    return {**condition, "lastHeartbeatTime": now, "lastTransitionTime": changed}


def condition_events(node: str, old: Iterable[Object], new: Iterable[Object]) -> Iterator[tuple[str, str]]:
    """(reason, message) of the events that tell of a change, as the kubelet names them."""
    before = list(old)
    for condition in new:
        was = find_condition(before, condition["type"])
        reason = _CHANGES.get((condition["type"], condition["status"]))
        if reason and was is not None and was.get("status") != condition["status"]:
            yield reason, f"Node {node} status is now: {reason}"
