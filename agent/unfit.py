"""Pods that this node does not take, however they came here: they fail at once, as with the kubelet. Pure.

Reasons and sentences are those of the kubelet's `lifecycle/predicate.go`, `sysctl/allowlist.go` and
`security/apparmor/validate.go`.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.podspec import all_containers
from agent.runtime import security
from agent.runtime.node import NodeContext
from orchestrator.api import pods
from orchestrator.api.meta import Object, labels, spec

#: Sysctls of the pod's own namespaces, none of which can harm another pod or the node.
SAFE_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
_MEASURED = ("cpu", "memory", "ephemeral-storage")
_IPC = ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")
_OS = "kubernetes.io/os"


@dataclass(frozen=True, slots=True)
class Refusal:
    reason: str
    message: str


def refusal(pod: Object, node: NodeContext) -> Refusal | None:
    """Why the pod cannot run here, None when it can. For pods of which nothing runs yet."""
    return _other_os(pod) or _sysctl(pod) or _apparmor(pod, node) or _resource(pod, node)


def _other_os(pod: Object) -> Refusal | None:
    if labels(pod).get(_OS, "linux") != "linux":
        message = "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label"
        return Refusal("PodOSSelectorNodeLabelDoesNotMatch", message)
    if (spec(pod).get("os") or {}).get("name", "linux") != "linux":
        return Refusal("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS")
    return None


def _sysctl(pod: Object) -> Refusal | None:
    for entry in (spec(pod).get("securityContext") or {}).get("sysctls") or ():
        name = security.sysctl(entry)
        if why := _forbidden(pod, name):
            return Refusal("SysctlForbidden", f'forbidden sysctl: "{name}" {why}')
    return None


def _forbidden(pod: Object, name: str) -> str:
    if name not in SAFE_SYSCTLS:
        return "not allowlisted"
    if name.startswith("net.") and spec(pod).get("hostNetwork"):
        return "not allowed with host net enabled"
    if name.startswith(_IPC) and spec(pod).get("hostIPC"):
        return "not allowed with host ipc enabled"
    return ""


def _apparmor(pod: Object, node: NodeContext) -> Refusal | None:
    if node.abilities.apparmor:
        return None
    profiles = (security.context(pod, each).get("appArmorProfile") or {} for each in all_containers(pod))
    if any(profile.get("type") in ("Localhost", "RuntimeDefault") for profile in profiles):
        return Refusal("AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host")
    return None


def _resource(pod: Object, node: NodeContext) -> Refusal | None:
    """Devices and huge pages, of which a node has none unless it says so. What is short is the scheduler's concern."""
    for resource, amount in pods.requests(pod).items():
        if amount > 0 and resource not in (*_MEASURED, *node.allocatable):
            message = f"Node didn't have enough resource: {resource}, requested: {int(amount)}, used: 0, capacity: 0"
            return Refusal(f"OutOf{resource}", message)
    return None
