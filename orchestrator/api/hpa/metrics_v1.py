"""Metrics as `autoscaling/v1` writes them into an annotation: the same facts as in v2, under flat names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.api.meta import Object

#: Source -> name in v1 -> path in v2.
Names = Mapping[str, Mapping[str, tuple[str, ...]]]

_METRIC = {"metricName": ("metric", "name")}
SPECS: Names = {
    "resource": {
        "name": ("name",),
        "targetAverageUtilization": ("target", "averageUtilization"),
        "targetAverageValue": ("target", "averageValue"),
    },
    "containerResource": {
        "name": ("name",),
        "container": ("container",),
        "targetAverageUtilization": ("target", "averageUtilization"),
        "targetAverageValue": ("target", "averageValue"),
    },
    "pods": _METRIC | {"selector": ("metric", "selector"), "targetAverageValue": ("target", "averageValue")},
    "object": _METRIC
    | {
        "target": ("describedObject",),
        "selector": ("metric", "selector"),
        "targetValue": ("target", "value"),
        "averageValue": ("target", "averageValue"),
    },
    "external": _METRIC
    | {
        "metricSelector": ("metric", "selector"),
        "targetValue": ("target", "value"),
        "targetAverageValue": ("target", "averageValue"),
    },
}
STATUSES: Names = {
    source: {
        name.replace("targetA", "currentA").replace("targetV", "currentV"): tuple(
            "current" if step == "target" else step for step in path
        )
        for name, path in names.items()
    }
    for source, names in SPECS.items()
}
#: What is set of a target says of which type it is; the first that is there.
_TARGET_TYPES = {"averageUtilization": "Utilization", "averageValue": "AverageValue", "value": "Value"}


def flat(metric: Object, names: Names) -> Object:
    """A metric of v2 as v1 writes it."""
    found: Object = {"type": metric.get("type", "")}
    for source, fields in names.items():
        if (given := metric.get(source)) is not None:
            values = {name: _at(given, path) for name, path in fields.items()}
            found[source] = {name: value for name, value in values.items() if value is not None}
    return found


def nested(metric: Object, names: Names) -> Object:
    """A metric of v1 as v2 writes it."""
    found: Object = {"type": metric.get("type", "")}
    for source, fields in names.items():
        if isinstance(given := metric.get(source), dict):
            found[source] = _nest({fields[name]: value for name, value in given.items() if name in fields})
    return found


def _nest(values: Mapping[tuple[str, ...], Any]) -> Object:
    source: Object = {}
    for path, value in values.items():
        inner = source
        for step in path[:-1]:
            inner = inner.setdefault(step, {})
        inner[path[-1]] = value
    if (target := source.get("target")) is not None:
        target["type"] = next((kind for field, kind in _TARGET_TYPES.items() if field in target), "")
    return source


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value
