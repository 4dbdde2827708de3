"""`autoscaling/v1`: one CPU percentage instead of a list of metrics; all else travels in annotations.

As `k8s.io/kubernetes/pkg/apis/autoscaling/v1/conversion.go`. An annotation that cannot be read is dropped.
"""

from __future__ import annotations

from typing import Any

import orjson

from orchestrator.api import strict
from orchestrator.api.hpa.defaults import CPU_UTILIZATION, cpu_metric
from orchestrator.api.hpa.metrics_v1 import SPECS, STATUSES, Names, flat, nested
from orchestrator.api.kinds import Conversion, Kind
from orchestrator.api.meta import Object

_PREFIX = "autoscaling.alpha.kubernetes.io/"
_METRICS, _BEHAVIOR = f"{_PREFIX}metrics", f"{_PREFIX}behavior"
_CURRENT_METRICS, _CONDITIONS = f"{_PREFIX}current-metrics", f"{_PREFIX}conditions"
#: The type that what comes out of annotations must have.
_V2 = Kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")


def to_v1(obj: Object) -> Object:
    """In place, and returned."""
    spec, status, notes = obj.get("spec"), obj.get("status"), {}
    obj["apiVersion"] = "autoscaling/v1"
    if spec is not None:
        cpu, others = _split(spec.pop("metrics", None) or [], "target")
        if cpu is not None:
            spec["targetCPUUtilizationPercentage"] = cpu
        notes[_METRICS] = [flat(metric, SPECS) for metric in others]
        notes[_BEHAVIOR] = spec.pop("behavior", None)
    if status is not None:
        cpu, others = _split(status.pop("currentMetrics", None) or [], "current")
        if cpu is not None:
            status["currentCPUUtilizationPercentage"] = cpu
        notes[_CURRENT_METRICS] = [flat(metric, STATUSES) for metric in others]
        notes[_CONDITIONS] = status.pop("conditions", None)
    if written := {name: orjson.dumps(value).decode() for name, value in notes.items() if value}:
        meta = obj.setdefault("metadata", {})
        meta["annotations"] = (meta.get("annotations") or {}) | written
    return obj


def _split(metrics: list[Object], reading: str) -> tuple[int | None, list[Object]]:
    """The CPU's utilization, which v1 has a field for, and the other metrics. `reading` is `target` or `current`."""
    cpu: int | None = None
    others = []
    for metric in metrics:
        utilization = _utilization(metric, reading)
        if utilization is None:
            others.append(metric)
        elif cpu is None:
            cpu = utilization
    return cpu, others


def _utilization(metric: Object, reading: str) -> int | None:
    resource = metric.get("resource") or {}
    if metric.get("type") != "Resource" or resource.get("name") != "cpu":
        return None
    return (resource.get(reading) or {}).get("averageUtilization")


def to_v2(obj: Object) -> Object:
    """In place, and returned."""
    obj["apiVersion"] = _V2.api_version
    notes = _take_annotations(obj)
    if (spec := obj.get("spec")) is not None:
        metrics = _metrics(notes.get(_METRICS), SPECS)
        cpu = spec.pop("targetCPUUtilizationPercentage", None)
        if cpu is not None or not metrics:
            metrics.append(cpu_metric(CPU_UTILIZATION if cpu is None else cpu))
        _put(obj, "spec", "metrics", metrics)
        _put(obj, "spec", "behavior", notes.get(_BEHAVIOR))
    if (status := obj.get("status")) is not None:
        current = _metrics(notes.get(_CURRENT_METRICS), STATUSES)
        cpu = status.pop("currentCPUUtilizationPercentage", None)
        if cpu is not None:
            current.append({"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": cpu}}})
        _put(obj, "status", "currentMetrics", current)
        _put(obj, "status", "conditions", notes.get(_CONDITIONS))
    return obj


def _take_annotations(obj: Object) -> Object:
    meta = obj.get("metadata") or {}
    annotations = dict(meta.get("annotations") or {})
    found = {}
    for name in (_METRICS, _BEHAVIOR, _CURRENT_METRICS, _CONDITIONS):
        if name in annotations:
            found[name] = _parsed(annotations.pop(name))
    if found and annotations:
        meta["annotations"] = annotations
    elif found:
        del meta["annotations"]
    return found


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _metrics(value: Any, names: Names) -> list[Object]:
    if not isinstance(value, list) or not all(isinstance(metric, dict) for metric in value):
        return []
    return [nested(metric, names) for metric in value]


def _put(obj: Object, part: str, field: str, value: Any) -> None:
    """Set a field, if there is something, and of the right type: annotations may hold anything."""
    checked = {part: {field: value}}
    if value and not strict.check(_V2, checked).errors:
        obj[part][field] = strict.prune(_V2, checked)[part][field]


CONVERSION = Conversion(_V2.group, show=to_v1, store=to_v2)
