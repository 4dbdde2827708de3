"""Rules of a HorizontalPodAutoscaler; sentences of `k8s.io/kubernetes/pkg/apis/autoscaling/validation`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from orchestrator.api import quantity
from orchestrator.api.checks import Errors, indexed
from orchestrator.api.errors import forbidden, invalid, not_supported, required
from orchestrator.api.hpa.scaling_rules import behavior
from orchestrator.api.meta import Object
from orchestrator.api.names import path_segment

_TARGETS = ("Utilization", "Value", "AverageValue")


def spec_problems(spec: Object) -> Errors:
    least, most = spec.get("minReplicas"), spec.get("maxReplicas") or 0
    if least is not None and least < 1:
        yield invalid("spec.minReplicas", least, "must be greater than or equal to 1")
    if most < 1:
        yield invalid("spec.maxReplicas", most, "must be greater than 0")
    if least is not None and most < least:
        yield invalid("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`")
    yield from _reference(spec.get("scaleTargetRef") or {}, "spec.scaleTargetRef")
    for field, metric in indexed("spec.metrics", spec.get("metrics")):
        yield from _metric(metric, field)
    yield from behavior(spec.get("behavior") or {}, "spec.behavior")


def _reference(reference: Object, field: str) -> Errors:
    for part in ("kind", "name"):
        value = reference.get(part) or ""
        if not value:
            yield required(f"{field}.{part}")
        yield from (invalid(f"{field}.{part}", value, problem) for problem in path_segment(value))
    if (version := reference.get("apiVersion") or "").count("/") > 1:
        yield invalid(f"{field}.apiVersion", version, "unexpected GroupVersion string")


def _metric(metric: Object, field: str) -> Errors:
    kind = metric.get("type") or ""
    if not kind:
        yield required(f"{field}.type", "must specify a metric source type")
    elif kind not in _SOURCES:
        yield not_supported(f"{field}.type", kind, sorted(_SOURCES))
    expected = kind[:1].lower() + kind[1:]
    present = [source for source in map(_field_of, _SOURCES) if metric.get(source) is not None]
    if present:
        yield from _SOURCES[present[0][:1].upper() + present[0][1:]](metric[present[0]], f"{field}.{present[0]}")
    if kind in _SOURCES and expected not in present:
        yield required(f"{field}.{expected}", "must populate information for the given metric source")
    if len(present) != 1:
        for other in present:
            if other != expected:
                yield forbidden(f"{field}.{other}", "must populate the given metric source only")


def _field_of(kind: str) -> str:
    return kind[:1].lower() + kind[1:]


def _object(source: Object, field: str) -> Errors:
    yield from _reference(source.get("describedObject") or {}, f"{field}.describedObject")
    yield from _identified(source, field)
    target = source.get("target") or {}
    if target.get("value") is None and target.get("averageValue") is None:
        yield required(f"{field}.target.averageValue", "must set either a target value for metric or a per-pod target")


def _external(source: Object, field: str) -> Errors:
    yield from _identified(source, field)
    target = source.get("target") or {}
    yield from _exactly_one(
        target,
        ("value", "averageValue"),
        required(f"{field}.target.averageValue", "must set either a target value for metric or a per-pod target"),
        forbidden(f"{field}.target.value", "may not set both a target value for metric and a per-pod target"),
    )


def _pods(source: Object, field: str) -> Errors:
    yield from _identified(source, field)
    average = (source.get("target") or {}).get("averageValue")
    if average is None or quantity.parse(average) <= 0:
        yield required(f"{field}.target.averageValue", "must specify a positive target averageValue")


def _resource(source: Object, field: str) -> Errors:
    if not source.get("name"):
        yield required(f"{field}.name", "must specify a resource name")
    target = source.get("target") or {}
    yield from _target(target, f"{field}.target")
    yield from _exactly_one(
        target,
        ("averageUtilization", "averageValue"),
        required(f"{field}.target.averageUtilization", "must set either a target raw value or a target utilization"),
        forbidden(f"{field}.target.averageValue", "may not set both a target raw value and a target utilization"),
    )


def _container_resource(source: Object, field: str) -> Errors:
    if not source.get("container"):
        yield required(f"{field}.container", "must specify a container")
    yield from _resource(source, field)


def _exactly_one(target: Object, fields: Sequence[str], none: Any, both: Any) -> Errors:
    given = [field for field in fields if target.get(field) is not None]
    if not given:
        yield none
    elif len(given) > 1:
        yield both


def _identified(source: Object, field: str) -> Errors:
    """The metric's name, and what it is to be."""
    name = (source.get("metric") or {}).get("name") or ""
    if not name:
        yield required(f"{field}.metric.name", "must specify a metric name")
    yield from (invalid(f"{field}.metric.name", name, problem) for problem in path_segment(name))
    yield from _target(source.get("target") or {}, f"{field}.target")


def _target(target: Object, field: str) -> Errors:
    kind = target.get("type") or ""
    if not kind:
        yield required(f"{field}.type", "must specify a metric target type")
    elif kind not in _TARGETS:
        yield invalid(f"{field}.type", kind, "must be either Utilization, Value, or AverageValue")
    for part in ("value", "averageValue"):
        if target.get(part) is not None and quantity.parse(target[part]) <= 0:
            yield invalid(f"{field}.{part}", target[part], "must be positive")
    if target.get("averageUtilization") is not None and target["averageUtilization"] < 1:
        yield invalid(f"{field}.averageUtilization", target["averageUtilization"], "must be greater than 0")


_SOURCES: dict[str, Callable[[Object, str], Errors]] = {
    "Object": _object,
    "Pods": _pods,
    "Resource": _resource,
    "External": _external,
    "ContainerResource": _container_resource,
}
