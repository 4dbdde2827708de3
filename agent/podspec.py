"""Questions about a pod's spec, with Kubernetes' defaults for what it leaves out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orchestrator.api import pods
from orchestrator.api.meta import Object, is_deleting, metadata, spec

DEFAULT_GRACE = 30
#: Seconds that are left to a container when the rest of the grace period is used up.
LEAST_GRACE = 2

#: Pod fields that are known only when the sandbox runs.
_ADDRESS_FIELDS = frozenset({"status.podIP", "status.podIPs"})


def all_containers(pod: Object) -> list[Object]:
    """Init containers first, ephemeral ones last, each sort in the order of the spec."""
    return [*pods.init_containers(pod), *pods.containers(pod), *pods.ephemeral_containers(pod)]


def restart_policy(pod: Object) -> str:
    return str(spec(pod).get("restartPolicy") or "Always")


def grace_seconds(pod: Object, *, forced_minimum: int = 1) -> int:
    """Seconds between the stop signal and SIGKILL. A forced deletion (0) still gets `forced_minimum`, as in
    Kubernetes."""
    asked = metadata(pod).get("deletionGracePeriodSeconds") if is_deleting(pod) else None
    if asked is None:
        asked = spec(pod).get("terminationGracePeriodSeconds")
    return max(int(DEFAULT_GRACE if asked is None else asked), forced_minimum)


def needs_address(container: Object) -> bool:
    """Whether the container's environment has the pod's address in it."""
    sources = (entry.get("valueFrom") or {} for entry in container.get("env") or ())
    return any((source.get("fieldRef") or {}).get("fieldPath") in _ADDRESS_FIELDS for source in sources)


def find_by_name(entries: Iterable[Object] | None, name: str) -> Object | None:
    return next((entry for entry in entries or () if entry.get("name") == name), None)


def port_number(container: Object, port: Any) -> int:
    """The number of a port given as number, numeric text or name. Raises ValueError when no port has that name."""
    if isinstance(port, int) or str(port).isdigit():
        return int(port)
    named = find_by_name(container.get("ports"), str(port))
    if named is None:
        raise ValueError(f"container {container['name']} has no port named {port}")
    return int(named["containerPort"])
