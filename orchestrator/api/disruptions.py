"""What a PodDisruptionBudget lets go, one pod at a time. Pure.

The rules and sentences are those of Kubernetes' eviction subresource (`pkg/registry/core/pod/storage/eviction.go`).
"""

from __future__ import annotations

from copy import deepcopy

from orchestrator.api.errors import ApiError, Forbidden, TooManyRequests
from orchestrator.api.groups.policy import POD_DISRUPTION_BUDGET
from orchestrator.api.meta import Object, find_condition, generation, is_deleting, name, set_condition, spec, status
from orchestrator.api.pods import is_terminal, phase
from orchestrator.api.times import rfc3339

ALLOWED = "DisruptionAllowed"
SYNC_FAILED = "SyncFailed"
#: Seconds after which a pod that was evicted and is still there counts again.
DELETION_TIMEOUT = 120.0
#: Evictions that the controller has not seen the end of, at most.
_MOST_DISRUPTED = 2000
#: Seconds after which a client may try again when the budget is not known yet.
_PATIENCE = 10
_REFUSAL = "Cannot evict pod as it would violate the pod's disruption budget."


def is_beyond_budgets(pod: Object) -> bool:
    """Nobody counts on the pod: it has ended, has not begun, or goes anyway."""
    return is_deleting(pod) or is_terminal(pod) or phase(pod) == "Pending"


def unhealthy_may_go(budget: Object) -> bool:
    """A pod that is not ready may go without being counted."""
    if spec(budget).get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    healthy, desired = _healthy(budget)
    return healthy >= desired > 0


def taken(budget: Object, pod: str, now: float) -> Object:
    """The budget after the disruption of `pod`. Raises TooManyRequests, and Forbidden when its status makes no
    sense."""
    if int(status(budget).get("observedGeneration") or 0) < generation(budget):
        raise being_processed(name(budget))
    allowed = int(status(budget).get("disruptionsAllowed") or 0)
    if allowed < 0:
        raise _forbidden(budget, "pdb disruptions allowed is negative")
    disrupted = status(budget).get("disruptedPods") or {}
    if len(disrupted) > _MOST_DISRUPTED:
        raise _forbidden(budget, "DisruptedPods map too big - too many evictions not confirmed by PDB controller")
    if allowed == 0:
        raise _refusal(_why(budget))
    fresh = deepcopy(budget)
    fresh["status"] |= {"disruptionsAllowed": allowed - 1, "disruptedPods": {**disrupted, pod: rfc3339(now)}}
    note_allowance(fresh, now)
    return fresh


def note_allowance(budget: Object, now: float) -> None:
    """Say in a condition, in place, whether disruptions are allowed."""
    allowed = bool(status(budget).get("disruptionsAllowed"))
    note(budget, "True" if allowed else "False", "SufficientPods" if allowed else "InsufficientPods", "", now)


def note(budget: Object, state: str, reason: str, message: str, now: float) -> None:
    conditions = budget["status"].setdefault("conditions", [])
    entry = {"type": ALLOWED, "status": state, "reason": reason, "message": message}
    set_condition(conditions, {**entry, "observedGeneration": generation(budget)}, rfc3339(now))


def being_processed(budget: str) -> TooManyRequests:
    """The budget's status is of another time than its spec, or than the pod."""
    return _refusal(f"The disruption budget {budget} is still being processed by the server.", _PATIENCE)


def _why(budget: Object) -> str:
    found = find_condition(status(budget).get("conditions") or [], ALLOWED) or {}
    if found.get("reason") == SYNC_FAILED:
        return (
            f"The disruption budget {name(budget)} does not allow evicting pods currently because it failed sync: "
            f"{found.get('message')}"
        )
    healthy, desired = _healthy(budget)
    return f"The disruption budget {name(budget)} needs {desired} healthy pods and has {healthy} currently"


def _healthy(budget: Object) -> tuple[int, int]:
    """(current, desired)."""
    return int(status(budget).get("currentHealthy") or 0), int(status(budget).get("desiredHealthy") or 0)


def _refusal(why: str, seconds: int = 0) -> TooManyRequests:
    details: Object = {"causes": [{"reason": "DisruptionBudget", "message": why}]}
    return TooManyRequests(_REFUSAL, details=details | ({"retryAfterSeconds": seconds} if seconds else {}))


def _forbidden(budget: Object, why: str) -> ApiError:
    kind = POD_DISRUPTION_BUDGET
    details = {"name": name(budget), "group": kind.group, "kind": kind.plural}
    return Forbidden(f'{kind.resource} "{name(budget)}" is forbidden: {why}', details=details)
