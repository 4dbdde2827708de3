"""What a node's conditions and taints should say. Pure; sentences and reasons are Kubernetes'."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy

from orchestrator.api.meta import Object, condition, set_condition, spec, status
from orchestrator.api.taints import NO_EXECUTE, NO_SCHEDULE, NOT_READY, UNREACHABLE, UNSCHEDULABLE
from orchestrator.api.times import rfc3339

_PRESSURES = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
    "NetworkUnavailable": "node.kubernetes.io/network-unavailable",
}
#: The taints that only this controller sets and removes, as (key, effect).
_OURS = {(key, NO_SCHEDULE) for key in (NOT_READY, UNREACHABLE, UNSCHEDULABLE, *_PRESSURES.values())} | {
    (NOT_READY, NO_EXECUTE),
    (UNREACHABLE, NO_EXECUTE),
}
#: The conditions that only a living agent can vouch for.
_REPORTED = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")


def readiness(node: Object | None) -> str:
    """`True`, `False` or `Unknown`; "" when the node never said."""
    return str((condition(node or {}, "Ready") or {}).get("status") or "")


def lost_status(node: Object, now: float) -> Object:
    """The status of a node whose agent is not heard of any more: nothing is known."""
    fresh = deepcopy(status(node))
    conditions = fresh.setdefault("conditions", [])
    for kind in _REPORTED:
        current = condition(node, kind)
        if current is not None and current.get("status") == "Unknown":
            continue
        reason, message = "NodeStatusUnknown", "Kubelet stopped posting node status."
        if current is None:
            reason, message = "NodeStatusNeverUpdated", "Kubelet never posted node status."
        unknown = {"type": kind, "status": "Unknown", "reason": reason, "message": message}
        set_condition(conditions, unknown, rfc3339(now))
    return fresh


def taints(node: Object, *, evict: bool, now: float) -> list[Object]:
    """All taints the node should have; those of others stay. Without `evict` no pod has to leave the node."""
    wanted = list(_wanted(node, evict=evict))
    current: list[Object] = spec(node).get("taints") or []
    kept = [taint for taint in current if _identity(taint) not in _OURS or _identity(taint) in wanted]
    there = {_identity(taint) for taint in kept}
    added = [{"key": k, "effect": e, "timeAdded": rfc3339(now)} for k, e in wanted if (k, e) not in there]
    return kept + added


def is_being_left(node: Object) -> bool:
    """Pods have to leave it already."""
    mine = {(NOT_READY, NO_EXECUTE), (UNREACHABLE, NO_EXECUTE)}
    return any(_identity(taint) in mine for taint in spec(node).get("taints") or [])


def _identity(taint: Object) -> tuple[str, str]:
    return str(taint.get("key")), str(taint.get("effect"))


def _wanted(node: Object, *, evict: bool) -> Iterable[tuple[str, str]]:
    ready = readiness(node)
    if ready != "True":
        down = UNREACHABLE if ready == "Unknown" else NOT_READY
        yield down, NO_SCHEDULE
        # A node that has not said anything yet is not ready, but there is no reason to chase pods away.
        if evict and ready:
            yield down, NO_EXECUTE
    for kind, key in _PRESSURES.items():
        if (condition(node, kind) or {}).get("status") == "True":
            yield key, NO_SCHEDULE
    if spec(node).get("unschedulable"):
        yield UNSCHEDULABLE, NO_SCHEDULE


def not_ready_status(pod: Object, now: float) -> Object:
    """The status of a pod on a lost node: it may still run, but nobody can vouch for it."""
    fresh = deepcopy(status(pod))
    set_condition(fresh.setdefault("conditions", []), {"type": "Ready", "status": "False"}, rfc3339(now))
    return fresh
