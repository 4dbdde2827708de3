"""Requests and limits as the engine takes them, by the kubelet's formulas (pure)."""

from __future__ import annotations

from dataclasses import replace

from agent.runtime.base import Resources
from agent.runtime.node import NodeContext
from orchestrator.api.meta import Object
from orchestrator.api.pods import SYSTEM_CRITICAL_PRIORITY, priority, qos_class
from orchestrator.api.quantity import Quantity, integer, milli

_MIN_SHARES = 2
_MAX_SHARES = 262_144
_MIN_QUOTA = 1_000
_PERIOD = 100_000

#: Kernel OOM scores of the kubelet's `qos/policy.go`.
SANDBOX_SCORE = -998
_GUARANTEED_SCORE = -997
_BEST_EFFORT_SCORE = 1_000


def container_resources(pod: Object, container: Object, node: NodeContext) -> Resources:
    memory = _asked(container, "memory")
    return replace(adjustable(container), pids=node.pids_limit, oom_score_adj=oom_score(pod, integer(memory), node))


def adjustable(container: Object) -> Resources:
    """What may be changed while the container runs."""
    limits = (container.get("resources") or {}).get("limits") or {}
    return Resources(
        cpu_shares=shares(milli(_asked(container, "cpu"))),
        cpu_quota=quota(milli(limits.get("cpu", 0))),
        memory=integer(limits.get("memory", 0)),
    )


def unlike(container: Object, actual: Resources | None) -> frozenset[str]:
    """The resources, `cpu` and `memory`, of which others hold than the spec says; none where it is not known."""
    wanted = adjustable(container)
    if actual is None:
        return frozenset()
    cpu = (wanted.cpu_shares, wanted.cpu_quota) != (actual.cpu_shares, actual.cpu_quota)
    return frozenset(name for name, differs in (("cpu", cpu), ("memory", wanted.memory != actual.memory)) if differs)


def _asked(container: Object, resource: str) -> Quantity:
    """The request, which is the limit where none is given."""
    resources = container.get("resources") or {}
    given = (resources.get("limits") or {}) | (resources.get("requests") or {})
    return given.get(resource) or 0


def shares(milli_cpu: int) -> int:
    """CPU shares of a request: 1024 a core."""
    return min(_MAX_SHARES, max(_MIN_SHARES, milli_cpu * 1024 // 1000))


def quota(milli_cpu: int) -> int:
    """Microseconds of CPU in each 100 ms; 0 (no limit) for 0."""
    return max(_MIN_QUOTA, milli_cpu * _PERIOD // 1000) if milli_cpu else 0


def oom_score(pod: Object, memory_request: int, node: NodeContext) -> int:
    """How early the kernel kills the container when memory runs out: 1000 is first."""
    if priority(pod) >= SYSTEM_CRITICAL_PRIORITY:
        return _GUARANTEED_SCORE
    qos = qos_class(pod)
    if qos == "Guaranteed":
        return _GUARANTEED_SCORE
    capacity = integer(node.allocatable.get("memory", 0))
    if qos == "BestEffort" or not capacity:
        return _BEST_EFFORT_SCORE
    # Burstable: the larger the share of memory that was asked for, the later; always between the other two classes.
    score = 1_000 - 1_000 * memory_request // capacity
    return min(_BEST_EFFORT_SCORE - 1, max(1_000 + _GUARANTEED_SCORE, score))
