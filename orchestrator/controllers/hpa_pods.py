"""Which pods of a target count for its autoscaler, and what each of them uses. Pure.

What a pod uses while it starts says nothing about its work, and where there are no figures nothing is known: as
`groupPods` in `k8s.io/kubernetes/pkg/controller/podautoscaler/replica_calculator.go`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestrator.api.meta import Object, condition, is_deleting, name, namespace, status
from orchestrator.api.pods import phase
from orchestrator.api.quantity import milli
from orchestrator.api.times import duration_seconds, parse

#: Seconds after its start in which a pod that is not ready, or has just become so, counts as starting.
CPU_INITIALIZATION = 300.0
#: A pod whose readiness last changed so soon after its start, in seconds, has never been ready.
INITIAL_READINESS_DELAY = 30.0


class NoFigures(Exception):
    """The message says what cannot be known, in Kubernetes' words."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a pod used, in thousandths of the resource's unit, over the `window` seconds that ended `at` (seconds since
    the epoch)."""

    milli: int
    at: float
    window: float


@dataclass(frozen=True, slots=True)
class Groups:
    """By name: what the pods that count use, in thousandths; those too young to count; those without figures."""

    used: Mapping[str, int]
    unready: frozenset[str]
    missing: frozenset[str]


def samples(metrics: Iterable[Object], resource: str, container: str) -> dict[str, Sample]:
    """Of each PodMetrics that has figures of `resource`: of one `container`, or for "" of all. Raises NoFigures."""
    found: dict[str, Sample] = {}
    for pod in metrics:
        usages = [entry["usage"] for entry in pod["containers"] if container in ("", entry["name"])]
        if not usages:
            what = f"container {container} not present in metrics for {namespace(pod)}/{name(pod)}"
            raise NoFigures(f"failed to get container metrics: {what}")
        if all(resource in usage for usage in usages):
            amount = sum(milli(usage[resource]) for usage in usages)
            found[name(pod)] = Sample(amount, parse(pod["timestamp"]), duration_seconds(pod["window"]))
    return found


def group(pods: Iterable[Object], figures: Mapping[str, Sample], resource: str, now: float) -> Groups:
    used: dict[str, int] = {}
    unready, missing = set(), set()
    for pod in pods:
        sample = figures.get(name(pod))
        if is_deleting(pod) or phase(pod) == "Failed":
            continue
        if phase(pod) == "Pending":
            unready.add(name(pod))
        elif sample is None:
            missing.add(name(pod))
        elif resource == "cpu" and _is_starting(pod, sample, now):
            unready.add(name(pod))
        else:
            used[name(pod)] = sample.milli
    return Groups(used, frozenset(unready), frozenset(missing))


def _is_starting(pod: Object, sample: Sample, now: float) -> bool:
    ready, started = condition(pod, "Ready"), status(pod).get("startTime")
    if ready is None or not started:
        return True
    is_unready, changed = ready.get("status") == "False", parse(ready["lastTransitionTime"])
    # A start that is still to come: the clock was set back since, and it was long ago for all that can be known.
    if 0 <= now - parse(started) < CPU_INITIALIZATION:
        return is_unready or sample.at < changed + sample.window
    return is_unready and changed < parse(started) + INITIAL_READINESS_DELAY
