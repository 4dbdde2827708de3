from __future__ import annotations

from typing import Any

import pytest

from agent.runtime.node import Abilities, NodeContext
from agent.unenforced import unenforced
from agent.unfit import unfit
from orchestrator.api.meta import Object
from tests.fakes import pods

PLAIN = Abilities(apparmor=False, selinux=False, root=False)
ABLE = Abilities()


def context(**fields: Any) -> Object:
    return pods.pod(securityContext=fields)


def sysctls(*names: str, **spec: Any) -> Object:
    return pods.pod(securityContext={"sysctls": [{"name": name, "value": "1"} for name in names]}, **spec)


@pytest.mark.parametrize(
    ("pod", "reason", "message"),
    [
        (pods.pod(os={"name": "windows"}), "PodOSNotSupported", "the OS field doesn't match node OS"),
        (sysctls("kernel.msgmax"), "SysctlForbidden", 'forbidden sysctl: "kernel.msgmax" not allowlisted'),
        (sysctls("net/core/somaxconn"), "SysctlForbidden", '"net.core.somaxconn" not allowlisted'),
        (sysctls("net.ipv4.tcp_rmem", hostNetwork=True), "SysctlForbidden", "not allowed with host net enabled"),
        (sysctls("kernel.shm_rmid_forced", hostIPC=True), "SysctlForbidden", "not allowed with host ipc enabled"),
        (context(appArmorProfile={"type": "RuntimeDefault"}), "AppArmor", "AppArmor is not enabled on the host"),
    ],
)
def test_refused(pod: Object, reason: str, message: str) -> None:
    found = unfit(pod, PLAIN)
    assert found is not None
    assert found.reason == reason
    assert message in found.message


def test_a_label_of_another_system() -> None:
    pod = pods.pod()
    pod["metadata"]["labels"] = {"kubernetes.io/os": "windows"}
    found = unfit(pod, ABLE)
    assert found is not None and found.reason == "PodOSSelectorNodeLabelDoesNotMatch"


@pytest.mark.parametrize(
    "pod",
    [
        pods.pod(os={"name": "linux"}),
        sysctls("net.ipv4.tcp_syncookies", "net/ipv4/ip_unprivileged_port_start"),
        context(appArmorProfile={"type": "Localhost", "localhostProfile": "a"}),
    ],
)
def test_taken(pod: Object) -> None:
    assert unfit(pod, ABLE) is None


def test_what_has_no_effect_is_said() -> None:
    pod = pods.pod(
        "web",
        pods.container(securityContext={"windowsOptions": {}, "seLinuxOptions": {"level": "s0"}}),
        securityContext={"seLinuxChangePolicy": "Recursive", "fsGroup": 5},
    )
    assert unenforced(pod, NodeContext("lab", "n1", "", "", abilities=PLAIN)) == [
        "securityContext.windowsOptions has no effect: this node runs Linux",
        "securityContext.seLinuxOptions has no effect: SELinux is not enabled on this node",
        "securityContext.seLinuxChangePolicy has no effect: SELinux is not enabled on this node",
        "securityContext.fsGroup has no effect: the agent does not run as root, volumes are open to every user instead",
    ]
    assert unenforced(pod, NodeContext("lab", "n1", "", "", abilities=ABLE)) == [
        "securityContext.windowsOptions has no effect: this node runs Linux"
    ]
