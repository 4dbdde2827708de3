"""What an autoscaler does next, and what it says about it. Pure. Reasons and sentences are Kubernetes'."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from orchestrator.api.meta import Object, set_condition, spec, status
from orchestrator.api.quantity import parse
from orchestrator.api.times import rfc3339
from orchestrator.controllers.hpa_behavior import History, Why, bounds, pace, remember
from orchestrator.controllers.hpa_metrics import Failure, Proposal, Sight, propose
from orchestrator.controllers.hpa_replicas import Tolerance
from orchestrator.controllers.hpa_target import BadSelector

#: How far a ratio may be off 1 where the autoscaler does not say.
TOLERANCE = 0.1
_UNABLE = "the HPA controller was unable to get the target's current scale"
_DISABLED = "scaling is disabled since the replica count of the target is zero"
_GOT_SCALE = Why("True", "SucceededGetScale", "the HPA controller was able to get the target's current scale")


class Event(NamedTuple):
    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(slots=True)
class Plan:
    """`replicas` is how many pods the target, which is to have `current`, is to have instead; None where nothing could
    be decided. `metrics` are MetricStatuses; `reason` says why it is scaled."""

    current: int
    history: History
    replicas: int | None = None
    reason: str = ""
    metrics: list[Object] = field(default_factory=list)
    conditions: dict[str, Why] = field(default_factory=lambda: {"AbleToScale": _GOT_SCALE})
    events: list[Event] = field(default_factory=list)

    @property
    def rescales(self) -> bool:
        return self.replicas not in (None, self.current)

    def warn(self, reason: str, message: str) -> None:
        self.events.append(Event("Warning", reason, message))


def current_replicas(scale: Object) -> int:
    return int(spec(scale).get("replicas") or 0)


def by_bounds(hpa: Object, scale: Object, history: History) -> Plan | None:
    """Where no metric need be asked: the target is switched off, or outside its bounds."""
    current, (least, most) = current_replicas(scale), bounds(spec(hpa))
    plan = Plan(current, history)
    if current == 0:
        plan.replicas = 0
        plan.conditions["ScalingActive"] = Why("False", "ScalingDisabled", _DISABLED)
    elif current > most:
        plan.replicas, plan.reason = most, "Current number of replicas above Spec.MaxReplicas"
    elif current < least:
        plan.replicas, plan.reason = least, "Current number of replicas below Spec.MinReplicas"
    else:
        return None
    return plan


def without_selector(scale: Object, history: History, error: BadSelector) -> Plan:
    """Where nobody knows which pods the target has."""
    plan = Plan(current_replicas(scale), history)
    plan.conditions["ScalingActive"] = Why("False", error.reason, error.message)
    plan.warn(error.event, error.cause)
    plan.warn("FailedComputeMetricsReplicas", error.cause)
    return plan


def by_metrics(hpa: Object, sight: Sight, history: History, at: float) -> Plan:
    """`at` is on the monotonic clock."""
    plan = Plan(sight.replicas, history)
    proposals = [propose(metric, sight, _tolerance(spec(hpa))) for metric in spec(hpa)["metrics"]]
    # In the order of the spec: readers find the status of a metric by its place.
    plan.metrics = [one.status if isinstance(one, Proposal) else {"type": ""} for one in proposals]
    failures = [one for one in proposals if isinstance(one, Failure)]
    for failure in failures:
        plan.warn(failure.reason, failure.cause)
    largest = max((one for one in proposals if isinstance(one, Proposal)), key=lambda p: p.replicas, default=None)
    # A metric that nobody can read may be the one that needs the pods: without it there is no scaling down.
    if largest is None or (failures and largest.replicas < sight.replicas):
        return _without_metrics(plan, failures, len(proposals))
    valid = f"the HPA was able to successfully calculate a replica count from {largest.metric}"
    plan.conditions["ScalingActive"] = Why("True", "ValidMetricFound", valid)
    if largest.replicas > sight.replicas:
        plan.reason = f"{largest.metric} above target"
    elif largest.replicas < sight.replicas:
        plan.reason = "All metrics below target"
    paced = pace(spec(hpa), sight.replicas, largest.replicas, history, at)
    plan.history = remember(history, spec(hpa), largest.replicas, at)
    plan.conditions |= {"AbleToScale": paced.able, "ScalingLimited": paced.limited}
    plan.replicas = paced.replicas
    return plan


def _without_metrics(plan: Plan, failures: list[Failure], of: int) -> Plan:
    first = failures[0]
    why = f"the HPA was unable to compute the replica count: {first.cause}"
    plan.conditions["ScalingActive"] = Why("False", first.reason, why)
    counted = f"invalid metrics ({len(failures)} invalid out of {of}), first error is: {first.summary}"
    plan.warn("FailedComputeMetricsReplicas", counted)
    return plan


def _tolerance(hpa_spec: Object) -> Tolerance:
    behavior = hpa_spec.get("behavior") or {}
    down, up = ((behavior.get(direction) or {}).get("tolerance") for direction in ("scaleDown", "scaleUp"))
    return Tolerance(TOLERANCE if down is None else float(parse(down)), TOLERANCE if up is None else float(parse(up)))


def succeeded(plan: Plan) -> None:
    """The target was scaled to `plan.replicas`."""
    done = f"the HPA controller was able to update the target scale to {plan.replicas}"
    plan.conditions["AbleToScale"] = Why("True", "SucceededRescale", done)
    plan.events.append(Event("Normal", "SuccessfulRescale", f"New size: {plan.replicas}; reason: {plan.reason}"))


def failed(plan: Plan, error: Exception) -> None:
    """It could not be."""
    why = f"the HPA controller was unable to update the target scale: {error}"
    plan.conditions["AbleToScale"] = Why("False", "FailedUpdateScale", why)
    plan.warn("FailedRescale", f"New size: {plan.replicas}; reason: {plan.reason}; error: {error}")
    plan.replicas = None


def next_status(hpa: Object, plan: Plan, now: float) -> Object:
    """After `plan` was carried out, at `now` (seconds since the epoch)."""
    old, desired = status(hpa), plan.replicas
    fresh = {
        "currentReplicas": plan.current,
        "desiredReplicas": old.get("desiredReplicas") or 0 if desired is None else desired,
        "conditions": _conditions(old, plan.conditions, now),
    }
    if plan.metrics:
        fresh["currentMetrics"] = plan.metrics
    scaled = rfc3339(now) if plan.rescales else old.get("lastScaleTime")
    return fresh | ({"lastScaleTime": scaled} if scaled else {})


def unreachable(hpa: Object, why: str, now: float) -> Object:
    """The status where the target has no scale that can be read."""
    unable = {"AbleToScale": Why("False", "FailedGetScale", f"{_UNABLE}: {why}")}
    return status(hpa) | {"conditions": _conditions(status(hpa), unable, now)}


def _conditions(old: Object, fresh: dict[str, Why], now: float) -> list[Object]:
    conditions = deepcopy(old.get("conditions") or [])
    for kind, why in fresh.items():
        set_condition(conditions, {"type": kind, **why._asdict()}, rfc3339(now))
    return conditions
