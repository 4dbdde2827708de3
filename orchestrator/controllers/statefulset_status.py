"""A StatefulSet's status, from the pods that are there. Pure; by the rules of Kubernetes' `stateful_set_control.go`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.api.meta import Object, generation, is_deleting, name, spec
from orchestrator.api.pods import is_ready, phase
from orchestrator.controllers.availability import is_available
from orchestrator.controllers.replicaset_plan import min_ready_seconds, replicas
from orchestrator.controllers.revision_plan import revision_label


@dataclass(frozen=True, slots=True)
class Revisions:
    """The revision that the pods come from and the one they go to; the same when nothing is to change."""

    current: Object
    update: Object
    #: Hash collisions met in naming them.
    collisions: int = 0


def is_running(pod: Object) -> bool:
    """Running and ready."""
    return phase(pod) == "Running" and is_ready(pod)


def is_serving(sts: Object, pod: Object, now: float) -> bool:
    """Running, ready for `minReadySeconds`, and to stay."""
    return is_running(pod) and is_available(pod, min_ready_seconds(sts), now) and not is_deleting(pod)


def next_status(sts: Object, pods: Sequence[Object], revisions: Revisions, now: float) -> Object:
    """The whole status as it should be."""
    running = [pod for pod in pods if is_running(pod)]
    made_from = [revision_label(pod) for pod in pods if phase(pod) and not is_deleting(pod)]
    fresh: Object = {
        "observedGeneration": generation(sts),
        "replicas": sum(bool(phase(pod)) for pod in pods),
        "readyReplicas": len(running),
        "currentReplicas": made_from.count(name(revisions.current)),
        "updatedReplicas": made_from.count(name(revisions.update)),
        "availableReplicas": sum(is_available(pod, min_ready_seconds(sts), now) for pod in running),
        "currentRevision": name(revisions.current),
        "updateRevision": name(revisions.update),
        "collisionCount": revisions.collisions,
    }
    if is_rolling(sts) and _is_complete(sts, fresh):
        fresh |= {"currentReplicas": fresh["updatedReplicas"], "currentRevision": fresh["updateRevision"]}
    shown = ("replicas", "availableReplicas", "collisionCount")
    return {field: value for field, value in fresh.items() if value or field in shown}


def is_rolling(sts: Object) -> bool:
    return (spec(sts).get("updateStrategy") or {}).get("type") != "OnDelete"


def _is_complete(sts: Object, fresh: Object) -> bool:
    return bool(fresh["updatedReplicas"] == fresh["readyReplicas"] == fresh["replicas"] == replicas(sts))
