"""What each metric of an autoscaler asks for, and what all of them together do. Pure. Sentences are Kubernetes'.

Figures come from `metrics.k8s.io` alone: nobody serves the APIs that custom and external metrics are read from, and a
metric that needs them fails as it does in a cluster without an adapter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.api.meta import Object, name
from orchestrator.api.quantity import milli
from orchestrator.api.selectors import selector_text
from orchestrator.controllers.hpa_pods import NoFigures, Sample, group, samples
from orchestrator.controllers.hpa_replicas import Aim, AverageValue, Tolerance, Utilization, proposed, requests

_NO_CUSTOM = "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered"
_NO_EXTERNAL = "unable to fetch metrics from external metrics API: the server could not find the requested resource"


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of a target that is to have `replicas` pods: its `pods`, and the PodMetrics of their namespace by
    name, or else in `blind` why there are none. `now` is in seconds since the epoch."""

    namespace: str
    replicas: int
    pods: Sequence[Object]
    metrics: Mapping[str, Object]
    blind: str
    now: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """`metric` names it in sentences; `status` is the MetricStatus."""

    replicas: int
    metric: str
    status: Object


@dataclass(frozen=True, slots=True)
class Failure:
    """`cause` is what users are told of the metric, `summary` what all metrics' failure begins with."""

    reason: str
    cause: str
    summary: str


def propose(metric: Object, sight: Sight, tolerance: Tolerance) -> Proposal | Failure:
    """`metric` is a MetricSpec."""
    match metric["type"]:
        case "Resource":
            return _resource(metric["resource"], "", sight, tolerance)
        case "ContainerResource":
            source = metric["containerResource"]
            return _resource(source, source["container"], sight, tolerance)
        case "Pods":
            cause = f"unable to get metric {_id(metric['pods'])}: {_NO_CUSTOM}"
            return Failure("FailedGetPodsMetric", cause, f"failed to get pods metric value: {cause}")
        case "Object":
            return _object(metric["object"], sight)
    return _external(metric["external"], sight)


def _id(source: Object) -> str:
    return str(source["metric"]["name"])


def _object(source: Object, sight: Sight) -> Failure:
    about = source["describedObject"]
    where = f"{about['kind']} on {sight.namespace} {about['name']}"
    cause = f"unable to get metric {_id(source)}: {where}/{_NO_CUSTOM}"
    return Failure("FailedGetObjectMetric", cause, f"failed to get object metric value: {cause}")


def _external(source: Object, sight: Sight) -> Failure:
    chosen = source["metric"].get("selector")
    which = f"{sight.namespace}/{_id(source)}/{'nil' if chosen is None else selector_text(chosen)}"
    cause = f"unable to get external metric {which}: {_NO_EXTERNAL} (get {_id(source)}.external.metrics.k8s.io)"
    summary = f"failed to get {_id(source)} external metric value: failed to get external metric {_id(source)}: {cause}"
    return Failure("FailedGetExternalMetric", cause, summary)


def _resource(source: Object, container: str, sight: Sight, tolerance: Tolerance) -> Proposal | Failure:
    """Of all containers of a pod for ""."""
    resource, percent = str(source["name"]), source["target"].get("averageUtilization")
    try:
        replicas, value = _wanted(source, container, sight, tolerance)
    except NoFigures as error:
        cause = f"failed to get {resource} {'usage' if percent is None else 'utilization'}: {error}"
        if container:
            return Failure(
                "FailedGetContainerResourceMetric", cause, f"failed to get {container} container metric value: {cause}"
            )
        return Failure("FailedGetResourceMetric", cause, f"failed to get {resource} resource metric value: {cause}")
    metric = f"{resource} container resource" if container else f"{resource} resource"
    if percent is not None:
        metric += " utilization (percentage of request)"
    current = {"name": resource, "current": value}
    if container:
        status = {"type": "ContainerResource", "containerResource": {"container": container, **current}}
    else:
        status = {"type": "Resource", "resource": current}
    return Proposal(replicas, metric, status)


def _wanted(source: Object, container: str, sight: Sight, tolerance: Tolerance) -> tuple[int, Object]:
    resource = str(source["name"])
    groups = group(sight.pods, _samples(resource, container, sight), resource, sight.now)
    if not groups.used:
        raise NoFigures("did not receive metrics for targeted pods (pods might be unready)")
    percent = source["target"].get("averageUtilization")
    aim: Aim
    if percent is None:
        aim = AverageValue(milli(source["target"]["averageValue"]))
    else:
        aim = Utilization(int(percent), requests(sight.pods, resource, container))
    return proposed(groups, aim, tolerance, sight.replicas)


def _samples(resource: str, container: str, sight: Sight) -> Mapping[str, Sample]:
    failed = f"unable to get metrics for resource {resource}"
    if sight.blind:
        raise NoFigures(f"{failed}: unable to fetch metrics from resource metrics API: {sight.blind}")
    found = [sight.metrics[name(pod)] for pod in sight.pods if name(pod) in sight.metrics]
    if not found:
        raise NoFigures(f"{failed}: no metrics returned from resource metrics API")
    try:
        return samples(found, resource, container)
    except NoFigures as error:
        raise NoFigures(f"{failed}: {error}") from error
