"""ResourceQuota.

Rules and sentences are those of `ValidateResourceQuota` in `k8s.io/kubernetes/pkg/apis/core/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api.checks import IMMUTABLE, Errors
from orchestrator.api.errors import FieldError, invalid, required
from orchestrator.api.meta import Object, name, spec, status
from orchestrator.api.quota import resources
from orchestrator.api.quota.scopes import EXISTS, SCOPES
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created

_CONFLICTING = ({"BestEffort", "NotBestEffort"}, {"Terminating", "NotTerminating"})
_MUST_EXIST = (
    "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
    "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)


class ResourceQuotaStrategy(Strategy):
    columns = (NAME, Column("Request"), Column("Limit"), AGE)
    returns_deleted = True

    def default(self, obj: Object) -> None:
        obj.setdefault("spec", {})

    def prepare_create(self, obj: Object, now: float) -> None:
        obj["status"] = {}

    def validate(self, obj: Object) -> list[FieldError]:
        hard: dict[str, str] = spec(obj).get("hard") or {}
        return [
            *(error for resource in hard for error in resources.limit(resource, hard[resource], "spec.hard")),
            *_scopes(spec(obj).get("scopes") or [], hard, "spec.scopes"),
            *_selector(spec(obj).get("scopeSelector") or {}, hard, "spec.scopeSelector.matchExpressions"),
        ]

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        scopes = spec(new).get("scopes") or []
        if set(scopes) == set(spec(old).get("scopes") or []):
            return []
        return [invalid("spec.scopes", scopes, IMMUTABLE)]

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        hard, used = status(obj).get("hard") or {}, status(obj).get("used") or {}
        shown = {resource: f"{resource}: {used.get(resource) or 0}/{hard[resource]}" for resource in sorted(hard)}
        limits = [text for resource, text in shown.items() if resource.startswith("limits.")]
        return (
            name(obj),
            ", ".join(text for text in shown.values() if text not in limits),
            ", ".join(limits),
            created(obj, now),
        )


def _scopes(scopes: list[str], hard: dict[str, str], field: str) -> Errors:
    for scope in scopes:
        if scope not in SCOPES:
            yield invalid(field, scopes, "unsupported scope")
        if _unfit(scope, hard):
            yield invalid(field, scopes, "unsupported scope applied to resource")
    if any(pair <= set(scopes) for pair in _CONFLICTING):
        yield invalid(field, scopes, "conflicting scopes")


def _selector(selector: Object, hard: dict[str, str], field: str) -> Errors:
    expressions: list[Object] = selector.get("matchExpressions") or []
    for expression in expressions:
        yield from _expression(expression, field)
        if _unfit(expression.get("scopeName") or "", hard):
            yield invalid(field, selector, "unsupported scope applied to resource")
    scopes = {expression.get("scopeName") for expression in expressions}
    if any(pair <= scopes for pair in _CONFLICTING):
        yield invalid(field, sorted(str(scope) for scope in scopes), "conflicting scopes")


def _expression(expression: Object, field: str) -> Errors:
    scope, operator = expression.get("scopeName") or "", expression.get("operator") or ""
    values: list[str] = expression.get("values") or []
    if scope not in SCOPES:
        yield invalid(f"{field}.scopeName", scope, "unsupported scope")
    elif scope != "PriorityClass" and operator != EXISTS:
        yield invalid(f"{field}.operator", operator, _MUST_EXIST)
    if operator in ("In", "NotIn"):
        if not values:
            why = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            yield required(f"{field}.values", why)
    elif operator in (EXISTS, "DoesNotExist"):
        if values:
            why = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
            yield invalid(f"{field}.values", values, why)
    else:
        yield invalid(f"{field}.operator", operator, "not a valid selector operator")


def _unfit(scope: str, hard: dict[str, str]) -> bool:
    """True when the quota limits something that the scope cannot choose."""
    if scope not in SCOPES:
        return False
    return any(resources.is_standard(resource) and not resources.fits(scope, resource) for resource in hard)
