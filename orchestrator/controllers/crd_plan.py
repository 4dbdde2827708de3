"""How far the deletion of a CustomResourceDefinition is. Pure; reasons and sentences are Kubernetes'."""

from __future__ import annotations

from copy import deepcopy

from orchestrator.api.meta import Object, set_condition, status
from orchestrator.api.times import rfc3339

IN_PROGRESS: Object = {
    "type": "Terminating",
    "status": "True",
    "reason": "InstanceDeletionInProgress",
    "message": "CustomResource deletion is in progress",
}
COMPLETED: Object = {
    "type": "Terminating",
    "status": "False",
    "reason": "InstanceDeletionCompleted",
    "message": "removed all instances",
}


def terminating(crd: Object, condition: Object, now: float) -> Object:
    """The status with this condition."""
    fresh = deepcopy(status(crd))
    set_condition(fresh.setdefault("conditions", []), condition, rfc3339(now))
    return fresh
