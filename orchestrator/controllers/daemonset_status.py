"""A DaemonSet's status. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.api.meta import Object, generation
from orchestrator.api.pods import is_ready
from orchestrator.controllers.availability import is_available
from orchestrator.controllers.daemonset_nodes import Fitness
from orchestrator.controllers.daemonset_plan import by_node
from orchestrator.controllers.daemonset_pods import by_seniority
from orchestrator.controllers.replicaset_plan import min_ready_seconds
from orchestrator.controllers.revision_plan import revision_label

#: Shown also when they are 0, as Kubernetes does.
_ALWAYS = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")


def next_status(
    ds: Object,
    pods: Sequence[Object],
    nodes: Mapping[str, Fitness],
    hashed: str,
    collisions: int,
    now: float,
) -> Object:
    """The whole status as it should be. A node counts by its most senior pod."""
    placed = by_node(pods)
    wanted = [name for name, fit in nodes.items() if fit.should_run]
    first = [by_seniority(placed[name])[0] for name in wanted if name in placed]
    available = sum(is_available(pod, min_ready_seconds(ds), now) for pod in first)
    fresh = {
        "currentNumberScheduled": len(first),
        "numberMisscheduled": sum(name in placed and not fit.should_run for name, fit in nodes.items()),
        "desiredNumberScheduled": len(wanted),
        "numberReady": sum(map(is_ready, first)),
        "observedGeneration": generation(ds),
        "updatedNumberScheduled": sum(revision_label(pod) == hashed for pod in first),
        "numberAvailable": available,
        "numberUnavailable": len(wanted) - available,
        "collisionCount": collisions,
    }
    return {field: number for field, number in fresh.items() if number or field in _ALWAYS}
