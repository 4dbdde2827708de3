"""Scopes: which pods a quota is about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from orchestrator.api.meta import Object, spec
from orchestrator.api.pods import qos_class

EXISTS = "Exists"
_PRIORITY_CLASS = "PriorityClass"


def _terminating(pod: Object) -> bool:
    return (spec(pod).get("activeDeadlineSeconds") or -1) >= 0


def _best_effort(pod: Object) -> bool:
    return qos_class(pod) == "BestEffort"


def _cross_namespace_affinity(pod: Object) -> bool:
    """A term of its affinity looks at pods of other namespaces."""
    rules = spec(pod).get("affinity") or {}
    return any(
        term.get("namespaces") or "namespaceSelector" in term
        for kind in ("podAffinity", "podAntiAffinity")
        for term in _terms(rules.get(kind) or {})
    )


def _terms(affinity: Object) -> Iterator[Object]:
    yield from affinity.get("requiredDuringSchedulingIgnoredDuringExecution") or []
    for weighted in affinity.get("preferredDuringSchedulingIgnoredDuringExecution") or []:
        yield weighted.get("podAffinityTerm") or {}


#: Whether a pod is in the scope.
SCOPES: Mapping[str, Callable[[Object], bool]] = {
    "Terminating": _terminating,
    "NotTerminating": lambda pod: not _terminating(pod),
    "BestEffort": _best_effort,
    "NotBestEffort": lambda pod: not _best_effort(pod),
    _PRIORITY_CLASS: lambda pod: bool(spec(pod).get("priorityClassName")),
    "CrossNamespacePodAffinity": _cross_namespace_affinity,
}


def requirements(quota: Object) -> list[Object]:
    """Everything the quota asks of a pod: a ScopedResourceSelectorRequirement each."""
    plain = [{"scopeName": scope, "operator": EXISTS} for scope in spec(quota).get("scopes") or []]
    return [*plain, *((spec(quota).get("scopeSelector") or {}).get("matchExpressions") or [])]


def in_scope(pod: Object, requirement: Object) -> bool:
    scope, operator = requirement.get("scopeName") or "", requirement.get("operator")
    if scope not in SCOPES:
        return False
    inside, values = SCOPES[scope](pod), requirement.get("values") or []
    match operator:
        case "In":
            return spec(pod).get("priorityClassName") in values
        case "NotIn":
            return spec(pod).get("priorityClassName") not in values
        case "DoesNotExist":
            return not inside
        case _:
            return inside
