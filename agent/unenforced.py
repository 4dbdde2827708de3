"""What a pod asks for that has no effect on this node: said in an event, because the pod runs all the same. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from agent.podspec import all_containers
from agent.runtime.node import NodeContext
from orchestrator.api.meta import Object, spec


def unenforced(pod: Object, node: NodeContext) -> list[str]:
    """A sentence for each such field of the spec."""
    return [f"{field} has no effect: {why}" for field, why in _fields(pod, node)]


def _fields(pod: Object, node: NodeContext) -> Iterator[tuple[str, str]]:
    own = spec(pod).get("securityContext") or {}
    given = {field for each in all_containers(pod) for field in each.get("securityContext") or ()} | own.keys()
    if "windowsOptions" in given:
        yield "securityContext.windowsOptions", "this node runs Linux"
    if not node.abilities.selinux:
        for field in ("seLinuxOptions", "seLinuxChangePolicy"):
            if field in given:
                yield f"securityContext.{field}", "SELinux is not enabled on this node"
    if not node.abilities.root and "fsGroup" in given:
        yield "securityContext.fsGroup", "the agent does not run as root, volumes are open to every user instead"
