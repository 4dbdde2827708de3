"""How many pods a PodDisruptionBudget lets go. Pure.

The formulas are those of Kubernetes' disruption controller (`disruption.go`): a share is of what the pods' controllers
want, not of the pods that there happen to be, and a pod that an eviction has just taken no longer counts as healthy,
whether or not its end is seen yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

from orchestrator.api import disruptions
from orchestrator.api.meta import Object, controller_of, generation, is_deleting, name, spec, status
from orchestrator.api.pods import is_ready
from orchestrator.api.times import parse
from orchestrator.controllers.deployment_sizes import int_or_percent


@dataclass(frozen=True, slots=True)
class Scale:
    """What a pod's controller wants; `owner` is the uid of the object that says so (a Deployment, not its
    ReplicaSets)."""

    owner: str
    replicas: int


@dataclass(frozen=True, slots=True)
class Plan:
    status: Object
    #: Names of pods without a controller, which no share can count.
    unmanaged: Sequence[str] = ()
    #: Pods that were evicted and are still there.
    overdue: Sequence[Object] = ()
    #: Seconds until an evicted pod that is still there counts again.
    check_after: float | None = None


def needs_scale(budget: Object) -> bool:
    """A number of pods that must stay needs no look at what their controllers want."""
    least = spec(budget).get("minAvailable")
    return spec(budget).get("maxUnavailable") is not None or isinstance(least, str)


def plan(budget: Object, pods: Sequence[Object], scales: Mapping[str, Scale], now: float) -> Plan:
    """`pods` are those it selects, `scales` those of their controllers, by the controllers' uids."""
    expected, desired = _expected(budget, pods, scales)
    disrupted, overdue = _disrupted(budget, pods, now)
    healthy = sum(is_ready(pod) and not is_deleting(pod) and name(pod) not in disrupted for pod in pods)
    fresh: Object = {**budget, "status": deepcopy(status(budget))}
    fresh["status"] |= {
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        # With no pods yet nothing is known, and the first ones are safe.
        "disruptionsAllowed": max(0, healthy - desired) if expected > 0 else 0,
        "observedGeneration": generation(budget),
    }
    fresh["status"].pop("disruptedPods", None)
    if disrupted:
        fresh["status"]["disruptedPods"] = disrupted
    disruptions.note_allowance(fresh, now)
    unmanaged = [name(pod) for pod in pods if controller_of(pod) is None] if needs_scale(budget) else []
    waits = [parse(moment) + disruptions.DELETION_TIMEOUT - now for moment in disrupted.values()]
    # Times are whole seconds: one more, so that the time has come for sure.
    return Plan(fresh["status"], unmanaged, overdue, min(waits) + 1 if waits else None)


def failed(budget: Object, message: str, now: float) -> Object:
    """The status of a budget that cannot be worked out: nothing may go."""
    fresh: Object = {**budget, "status": deepcopy(status(budget))}
    fresh["status"]["disruptionsAllowed"] = 0
    disruptions.note(fresh, "False", disruptions.SYNC_FAILED, message, now)
    return dict(fresh["status"])


def _expected(budget: Object, pods: Sequence[Object], scales: Mapping[str, Scale]) -> tuple[int, int]:
    """(pods that there should be, pods that have to be healthy)."""
    least, most_missing = spec(budget).get("minAvailable"), spec(budget).get("maxUnavailable")
    expected = sum(_by_owner(pods, scales).values()) if needs_scale(budget) else len(pods)
    if most_missing is not None:
        return expected, max(0, expected - int_or_percent(most_missing, expected, round_up=True))
    if least is not None:
        return expected, int_or_percent(least, expected, round_up=True)
    return 0, 0


def _by_owner(pods: Iterable[Object], scales: Mapping[str, Scale]) -> dict[str, int]:
    controllers = (controller_of(pod) for pod in pods)
    found = (scales[str(controller.get("uid"))] for controller in controllers if controller)
    return {scale.owner: scale.replicas for scale in found}


def _disrupted(budget: Object, pods: Iterable[Object], now: float) -> tuple[dict[str, str], list[Object]]:
    """Evicted pods whose deletion is not seen yet, with the time of their eviction; and those overdue."""
    taken = status(budget).get("disruptedPods") or {}
    there = [pod for pod in pods if name(pod) in taken and not is_deleting(pod)]
    overdue = [pod for pod in there if parse(taken[name(pod)]) + disruptions.DELETION_TIMEOUT < now]
    waiting = {name(pod): taken[name(pod)] for pod in there if pod not in overdue}
    return waiting, overdue
