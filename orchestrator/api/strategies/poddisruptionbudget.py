"""PodDisruptionBudget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.api.checks import Errors, not_negative, one_of
from orchestrator.api.errors import FieldError, invalid
from orchestrator.api.meta import Object, name, spec, status
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created
from orchestrator.api.strategies.shares import no_more_than_all, share
from orchestrator.api.validation import validate_selector

_COUNTS = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
_EVICTION_POLICIES = ("AlwaysAllow", "IfHealthyBudget")


class PodDisruptionBudgetStrategy(Strategy):
    columns = (
        NAME,
        Column("Min Available", description="The minimum number of pods that must be available."),
        Column("Max Unavailable", description="The maximum number of pods that may be unavailable."),
        Column("Allowed Disruptions", "integer", description="The number of pods that may be evicted now."),
        AGE,
    )
    has_generation = True

    def prepare_create(self, obj: Object, now: float) -> None:
        obj["status"] = dict.fromkeys(_COUNTS, 0)

    def validate(self, obj: Object) -> list[FieldError]:
        return list(_budget(spec(obj)))

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return list(not_negative(status(new), "status", *_COUNTS))

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (
            name(obj),
            _or_not_applicable(spec(obj).get("minAvailable")),
            _or_not_applicable(spec(obj).get("maxUnavailable")),
            status(obj).get("disruptionsAllowed") or 0,
            created(obj, now),
        )


def _budget(budget: Object) -> Errors:
    least, most = budget.get("minAvailable"), budget.get("maxUnavailable")
    if least is not None and most is not None:
        yield invalid("spec", budget, "minAvailable and maxUnavailable cannot be both set")
    for value, field in ((least, "spec.minAvailable"), (most, "spec.maxUnavailable")):
        yield from share(value, field)
        yield from no_more_than_all(value, field)
    yield from validate_selector(budget.get("selector"), "spec.selector")
    if "unhealthyPodEvictionPolicy" in budget:
        policy = budget["unhealthyPodEvictionPolicy"]
        yield from one_of("spec.unhealthyPodEvictionPolicy", policy, _EVICTION_POLICIES)


def _or_not_applicable(share: Any) -> str:
    return "N/A" if share is None else str(share)
