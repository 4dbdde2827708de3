"""The Node object of this machine from what was measured. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from agent.node_facts import Machine, Pressure
from agent.proxy.anyip import Routes
from agent.runtime.base import EngineInfo, Image
from orchestrator.api.meta import Object, find_condition
from orchestrator.api.times import rfc3339

VERSION = "v1.33.0-podlab"
MAX_PODS = 110
#: Images named on the Node at most, the largest first, and names of each (as in Kubernetes).
MAX_IMAGES, MAX_NAMES = 50, 5
#: Below these the machine is short of it.
LEAST_MEMORY = 100 << 20
LEAST_STORAGE = 1 << 30
LEAST_STORAGE_SHARE = 0.1
LEAST_PIDS = 1000


def node_labels(node: str, architecture: str) -> dict[str, str]:
    return {
        "kubernetes.io/hostname": node,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": architecture,
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": architecture,
        "node.kubernetes.io/instance-type": "podlab",
    }


def resources(engine: EngineInfo, machine: Machine) -> dict[str, str]:
    """Quantities, for capacity and allocatable alike: nothing is set aside."""
    return {
        "cpu": str(engine.cpus),
        "memory": f"{engine.memory // 1024}Ki",
        "ephemeral-storage": f"{machine.storage // 1024}Ki",
        "pods": str(MAX_PODS),
    }


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
    old: Iterable[Object], pressure: Pressure, problem: str, routes: Routes, now: float
) -> list[Object]:
    """`problem` is why the engine does not answer, "" when it does."""
    conditions = [
        _condition(
            "MemoryPressure",
            pressure.memory_available < LEAST_MEMORY,
            ("KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
            ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        ),
        _condition(
            "DiskPressure",
            _short_of_storage(pressure),
            ("KubeletHasDiskPressure", "kubelet has disk pressure: remove images and containers that nobody needs"),
            ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        ),
        _condition(
            "PIDPressure",
            pressure.pids_available < LEAST_PIDS,
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
            ("KubeletNotReady", f"container runtime is down: {problem}"),
        ),
    ]
    known = list(old)
    return [_with_times(condition, known, rfc3339(now)) for condition in conditions]


def images(found: Iterable[Image]) -> list[Object]:
    named = [image for image in found if image.tags or image.digests]
    largest = sorted(named, key=lambda image: (-image.size, image.id))[:MAX_IMAGES]
    return [{"names": [*image.digests, *image.tags][:MAX_NAMES], "sizeBytes": image.size} for image in largest]


def _short_of_storage(pressure: Pressure) -> bool:
    """A small share of a large disk is still room enough for a lab."""
    return pressure.storage_available < LEAST_STORAGE and pressure.storage_share < LEAST_STORAGE_SHARE


def _condition(type: str, holds: bool, if_true: tuple[str, str], if_false: tuple[str, str]) -> Object:
    reason, message = if_true if holds else if_false
    return {"type": type, "status": "True" if holds else "False", "reason": reason, "message": message}


def _with_times(condition: Object, old: list[Object], now: str) -> Object:
    before = find_condition(old, condition["type"])
    kept = before is not None and before.get("status") == condition["status"]
    changed = before["lastTransitionTime"] if before is not None and kept else now
    return {**condition, "lastHeartbeatTime": now, "lastTransitionTime": changed}
