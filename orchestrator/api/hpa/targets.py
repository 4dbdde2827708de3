"""A HorizontalPodAutoscaler's metrics in a table's cell: `cpu: 12%/80%`."""

from __future__ import annotations

from typing import Any

from orchestrator.api.meta import Object

_UNKNOWN = "<unknown>"
#: So many metrics are shown.
_SHOWN = 2


def targets(specs: list[Object], statuses: list[Object]) -> str:
    """As `formatHPAMetrics` in `k8s.io/kubernetes/pkg/printers/internalversion`: statuses are in the specs' order."""
    if not specs:
        return "<none>"
    shown = [_one(spec, statuses[index] if index < len(statuses) else {}) for index, spec in enumerate(specs)]
    more = len(shown) - _SHOWN
    return ", ".join(shown[:_SHOWN]) + (f" + {more} more..." if more > 0 else "")


def _one(spec: Object, status: Object) -> str:
    kind = spec.get("type") or ""
    source = kind[:1].lower() + kind[1:]
    target = (spec.get(source) or {}).get("target") or {}
    current = (status.get(source) or {}).get("current") or {}
    match source:
        case "resource" | "containerResource":
            return f"{(spec.get(source) or {}).get('name')}: {_resource(target, current)}"
        case "pods":
            return f"{_value(current, 'averageValue')}/{target.get('averageValue')}"
        case "object" | "external":
            if target.get("averageValue") is not None:
                return f"{_value(current, 'averageValue')}/{target['averageValue']} (avg)"
            return f"{_value(current, 'value')}/{target.get('value')}"
    return "<unknown type>"


def _resource(target: Object, current: Object) -> str:
    if target.get("averageValue") is not None:
        return f"{_value(current, 'averageValue')}/{target['averageValue']}"
    wanted = target.get("averageUtilization")
    now = current.get("averageUtilization")
    return f"{_UNKNOWN if now is None else f'{now}%'}/{'<auto>' if wanted is None else f'{wanted}%'}"


def _value(current: Object, field: str) -> Any:
    found = current.get(field)
    return _UNKNOWN if found is None else found
