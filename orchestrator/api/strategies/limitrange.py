"""LimitRange.

Rules and sentences are those of `ValidateLimitRange` in `k8s.io/kubernetes/pkg/apis/core/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from orchestrator.api import names
from orchestrator.api.checks import Errors, indexed, obeys, unique
from orchestrator.api.errors import FieldError, forbidden, invalid, required
from orchestrator.api.meta import Object, metadata, name, spec
from orchestrator.api.podspec.resources import resource_name
from orchestrator.api.quantity import parse
from orchestrator.api.strategies.base import NAME, Cell, Column, Strategy

_TYPES = ("Container", "PersistentVolumeClaim", "Pod")
_AMOUNTS = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")
#: (smaller, larger, the field at fault, what each is called): no smaller one may be above its larger one.
_ORDERED = (
    ("min", "max", "min", "min value {} is greater than max value {}"),
    ("min", "defaultRequest", "defaultRequest", "min value {} is greater than default request value {}"),
    ("defaultRequest", "max", "defaultRequest", "default request value {} is greater than max value {}"),
    ("defaultRequest", "default", "defaultRequest", "default request value {} is greater than default limit value {}"),
    ("min", "default", "default", "min value {} is greater than default value {}"),
    ("default", "max", "default", "default value {} is greater than max value {}"),
)


class LimitRangeStrategy(Strategy):
    columns = (NAME, Column("Created At"))
    has_status = False

    def default(self, obj: Object) -> None:
        """A container's limit is the greatest allowed, and its request the limit, or else the least allowed."""
        for item in obj.setdefault("spec", {}).get("limits") or []:
            if item.get("type") == "Container":
                limits = {**(item.get("max") or {}), **(item.get("default") or {})}
                requests = {**(item.get("min") or {}), **limits, **(item.get("defaultRequest") or {})}
                item |= {field: value for field, value in (("default", limits), ("defaultRequest", requests)) if value}

    def validate(self, obj: Object) -> list[FieldError]:
        limits = spec(obj).get("limits")
        errors = [error for path, item in indexed("spec.limits", limits) for error in _item(item, path)]
        types = ((f"{path}.type", item.get("type")) for path, item in indexed("spec.limits", limits))
        return [*errors, *unique(types)]

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (name(obj), metadata(obj).get("creationTimestamp") or "")


def _item(item: Object, field: str) -> Errors:
    kind = item.get("type") or ""
    yield from _type(kind, f"{field}.type")
    for amounts in _AMOUNTS:
        for resource in item.get(amounts) or {}:
            yield from resource_name(
                resource, f"{field}.{amounts}[{resource}]", of_container=kind in ("Container", "Pod")
            )
    if kind == "Pod":
        for defaults in ("default", "defaultRequest"):
            if item.get(defaults):
                yield forbidden(f"{field}.{defaults}", "may not be specified when `type` is 'Pod'")
    if kind == "PersistentVolumeClaim" and not any("storage" in (item.get(bound) or {}) for bound in ("min", "max")):
        why = "either minimum or maximum storage value is required, but neither was provided"
        yield required(f"{field}.limits", why)
    for resource in dict.fromkeys(resource for amounts in _AMOUNTS for resource in item.get(amounts) or {}):
        given = {amounts: item[amounts][resource] for amounts in _AMOUNTS if resource in (item.get(amounts) or {})}
        yield from _amounts(given, resource, field)


def _type(kind: str, field: str) -> Errors:
    problems = list(obeys(field, kind, names.qualified_name))
    yield from problems
    if not problems and "/" not in kind and kind not in _TYPES:
        yield invalid(field, kind, "must be a standard limit type or fully qualified")


def _amounts(given: dict[str, str], resource: str, field: str) -> Errors:
    """`given` is what the item says of one resource, by field."""
    for smaller, larger, fault, sentence in _ORDERED:
        if smaller in given and larger in given and parse(given[smaller]) > parse(given[larger]):
            yield invalid(f"{field}.{fault}[{resource}]", given[fault], sentence.format(given[smaller], given[larger]))
    if ratio := given.get("maxLimitRequestRatio"):
        path = f"{field}.maxLimitRequestRatio[{resource}]"
        if parse(ratio) < 1:
            yield invalid(path, ratio, f"ratio {ratio} is less than 1")
        greatest = _greatest_ratio(given)
        if greatest is not None and parse(ratio) > greatest:
            yield invalid(path, ratio, f"ratio {ratio} is greater than max/min = {float(greatest):f}")


def _greatest_ratio(given: dict[str, str]) -> Fraction | None:
    least = parse(given.get("min") or 0)
    return parse(given["max"]) / least if least > 0 and "max" in given else None
