"""Whether a pod may stay on a node with NoExecute taints, and for how long. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.api.meta import Object, set_condition, spec, status
from orchestrator.api.taints import NO_EXECUTE, tolerated_by
from orchestrator.api.times import rfc3339


def patience(pod: Object, taints: Iterable[Object]) -> float | None:
    """Seconds that the pod may stay: 0 when it does not tolerate one of the taints, None for as long as it likes."""
    tolerations: list[Object] = spec(pod).get("tolerations") or []
    limits: list[float] = []
    for taint in taints:
        if taint.get("effect") != NO_EXECUTE:
            continue
        tolerating = tolerated_by(tolerations, taint)
        if not tolerating:
            return 0.0
        limits += [float(t["tolerationSeconds"]) for t in tolerating if t.get("tolerationSeconds") is not None]
    return max(0.0, min(limits)) if limits else None


def evicted_status(pod: Object, now: float) -> Object:
    """The status that says why the pod goes."""
    fresh = {**status(pod), "conditions": [dict(entry) for entry in status(pod).get("conditions") or []]}
    reason = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "DeletionByTaintManager",
        "message": "Taint manager: deleting due to NoExecute taint",
    }
    set_condition(fresh["conditions"], reason, rfc3339(now))
    return fresh
