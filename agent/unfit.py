"""Pods that this node does not take, however they came here: they fail at once, as with the kubelet. Pure.

Reasons and sentences are those of the kubelet's `lifecycle/predicate.go`, `sysctl/allowlist.go` and
`security/apparmor/validate.go`.
"""

from __future__ import annotations

from agent.podspec import all_containers
from agent.runtime import security
from agent.runtime.node import Abilities
from agent.verdict import Verdict, rejection
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
_IPC = ("kernel.shm", "kernel.msg", "kernel.sem", "fs.mqueue.")
_OS = "kubernetes.io/os"


def unfit(pod: Object, node: Abilities) -> Verdict | None:
    """Why the pod cannot run here, whatever else does; None when it can."""
    return _other_os(pod) or _sysctl(pod) or _apparmor(pod, node)


def _other_os(pod: Object) -> Verdict | None:
    if labels(pod).get(_OS, "linux") != "linux":
        message = "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label"
        return rejection("PodOSSelectorNodeLabelDoesNotMatch", message)
    if (spec(pod).get("os") or {}).get("name", "linux") != "linux":
        return rejection("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS")
    return None


def _sysctl(pod: Object) -> Verdict | None:
    for entry in (spec(pod).get("securityContext") or {}).get("sysctls") or ():
        name = security.sysctl(entry)
        if why := _forbidden(pod, name):
            return rejection("SysctlForbidden", f'forbidden sysctl: "{name}" {why}')
    return None


def _forbidden(pod: Object, name: str) -> str:
    if name not in SAFE_SYSCTLS:
        return "not allowlisted"
    if name.startswith("net.") and spec(pod).get("hostNetwork"):
        return "not allowed with host net enabled"
    if name.startswith(_IPC) and spec(pod).get("hostIPC"):
        return "not allowed with host ipc enabled"
    return ""


def _apparmor(pod: Object, node: Abilities) -> Verdict | None:
    if node.apparmor:
        return None
    profiles = (security.context(pod, each).get("appArmorProfile") or {} for each in all_containers(pod))
    if any(profile.get("type") in ("Localhost", "RuntimeDefault") for profile in profiles):
        return rejection("AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host")
    return None
