"""What a ReplicaSet does next: how many pods to create, or which to delete. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass

from orchestrator.api.meta import (
    Object,
    labels,
    name,
    namespace,
    owner_reference,
    spec,
    status,
    uid,
)
from orchestrator.api.meta import (
    annotations as annotations_of,
)
from orchestrator.api.meta import generation as generation_of
from orchestrator.api.pods import container_statuses, is_ready, phase
from orchestrator.api.times import parse, rfc3339
from orchestrator.controllers.availability import is_available, ready_since

#: At most this many pods are created or deleted in one sync.
BURST = 500
DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"

_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}


@dataclass(frozen=True, slots=True)
class Plan:
    """Pods to create, or pods to delete; never both."""

    create: int = 0
    delete: Sequence[Object] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why pods could not be made or removed; `reason` is FailedCreate or FailedDelete."""

    reason: str
    message: str


def plan(replica_set: Object, pods: Sequence[Object], related: Iterable[Object], now: float) -> Plan:
    """`pods` are its active pods, `related` those of all ReplicaSets of its own controller (its own included)."""
    missing = replicas(replica_set) - len(pods)
    if missing >= 0:
        return Plan(create=min(missing, BURST))
    return Plan(delete=victims(pods, related, min(-missing, BURST), now))


def replicas(replica_set: Object) -> int:
    """`spec.replicas`, 1 when unset."""
    wanted = spec(replica_set).get("replicas")
    return 1 if wanted is None else int(wanted)


def min_ready_seconds(owner: Object) -> int:
    return int(spec(owner).get("minReadySeconds") or 0)


def victims(pods: Sequence[Object], related: Iterable[Object], count: int, now: float) -> list[Object]:
    """The `count` pods whose loss hurts least."""
    crowd = Counter(_node(pod) for pod in related)
    return sorted(pods, key=lambda pod: _worth(pod, crowd[_node(pod)], now))[:count]


def _worth(pod: Object, neighbours: int, now: float) -> tuple[object, ...]:
    """A sort key: the smaller, the sooner the pod goes. The order is that of Kubernetes' `ActivePodsWithRanks`:
    unassigned, pending, not ready, cheap to delete, crowded on its node, shortly ready, often restarted, young.

    Ages count by their order of magnitude, so that equally old pods go at random (by uid) and not always on the
    node that was filled first.
    """
    restarts = max((int(entry.get("restartCount") or 0) for entry in container_statuses(pod).values()), default=0)
    created = parse(pod["metadata"].get("creationTimestamp") or rfc3339(now))
    return (
        bool(_node(pod)),
        _PHASES.get(phase(pod), 0),
        is_ready(pod),
        _deletion_cost(pod),
        -neighbours,
        _magnitude(now - (ready_since(pod) or now)),
        -restarts,
        _magnitude(now - created),
        uid(pod),
    )


def _magnitude(seconds: float) -> int:
    return int(math.log2(seconds)) if seconds >= 1 else -1


def _node(pod: Object) -> str:
    return str(spec(pod).get("nodeName") or "")


def _deletion_cost(pod: Object) -> int:
    try:
        return int(annotations_of(pod).get(DELETION_COST, "0"))
    except ValueError:
        return 0


def new_pod(owner: Object, template: Object | None = None) -> Object:
    """A pod from `template` (the owner's own, unless given), controlled by the owner."""
    template = deepcopy(template or spec(owner).get("template") or {})
    given = template.get("metadata") or {}
    meta: Object = {
        "generateName": f"{name(owner)}-",
        "namespace": namespace(owner),
        "ownerReferences": [owner_reference(owner)],
    }
    meta |= {field: given[field] for field in ("labels", "annotations", "finalizers") if given.get(field)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template.get("spec") or {}}


def next_status(replica_set: Object, pods: Sequence[Object], failure: Failure | None, now: float) -> Object:
    """The whole status as it should be; counts that are 0 are left out, as Kubernetes does."""
    wanted = ((spec(replica_set).get("template") or {}).get("metadata") or {}).get("labels") or {}
    seconds = min_ready_seconds(replica_set)
    counts = {
        "fullyLabeledReplicas": sum(wanted.items() <= labels(pod).items() for pod in pods),
        "readyReplicas": sum(is_ready(pod) for pod in pods),
        "availableReplicas": sum(is_available(pod, seconds, now) for pod in pods),
        "observedGeneration": generation_of(replica_set),
    }
    conditions = _conditions(status(replica_set).get("conditions") or [], failure, now)
    fresh: Object = {"replicas": len(pods)} | {field: count for field, count in counts.items() if count}
    return fresh | ({"conditions": conditions} if conditions else {})


def _conditions(current: Sequence[Object], failure: Failure | None, now: float) -> list[Object]:
    """ReplicaFailure stays as it was first reported until the cause is gone."""
    others = [condition for condition in current if condition.get("type") != "ReplicaFailure"]
    if failure is None:
        return others
    if len(others) < len(current):
        return list(current)
    reported = {"type": "ReplicaFailure", "status": "True", "lastTransitionTime": rfc3339(now)}
    return [*others, reported | {"reason": failure.reason, "message": failure.message}]
