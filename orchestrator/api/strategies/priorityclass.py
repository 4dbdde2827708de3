"""PriorityClass.

Rules and sentences are those of `k8s.io/kubernetes/pkg/apis/scheduling/validation`.
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api.checks import Errors, one_of, unchanged
from orchestrator.api.defaults import fill
from orchestrator.api.errors import FieldError, forbidden
from orchestrator.api.meta import Object, name
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created

PREEMPT = "PreemptLowerPriority"
_POLICIES = ("Never", PREEMPT)
#: The greatest value of a class that a user makes; above are the system's two.
_HIGHEST = 1_000_000_000
_SYSTEM_PREFIX = "system-"
SYSTEM_CLASSES: tuple[Object, ...] = (
    {
        "metadata": {"name": "system-node-critical"},
        "value": 2 * _HIGHEST + 1000,
        "description": "Used for system critical pods that must not be moved from their current node.",
    },
    {
        "metadata": {"name": "system-cluster-critical"},
        "value": 2 * _HIGHEST,
        "description": "Used for system critical pods that must run in the cluster, "
        "but can be moved to another node if necessary.",
    },
)


class PriorityClassStrategy(Strategy):
    columns = (
        NAME,
        Column("Value", "integer"),
        Column("Global-Default", "boolean"),
        AGE,
        Column("PreemptionPolicy"),
    )
    has_status = False
    has_generation = True

    def default(self, obj: Object) -> None:
        fill(obj, {"preemptionPolicy": PREEMPT}, unset=(None,))

    def validate(self, obj: Object) -> list[FieldError]:
        return [*_value(obj), *one_of("preemptionPolicy", obj.get("preemptionPolicy"), _POLICIES)]

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        errors = list(unchanged("preemptionPolicy", new.get("preemptionPolicy"), old.get("preemptionPolicy")))
        if (new.get("value") or 0) != (old.get("value") or 0):
            errors.append(forbidden("value", "may not be changed in an update."))
        return errors

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (
            name(obj),
            obj.get("value") or 0,
            bool(obj.get("globalDefault")),
            created(obj, now),
            obj.get("preemptionPolicy") or "",
        )


def _value(priority: Object) -> Errors:
    if not name(priority).startswith(_SYSTEM_PREFIX):
        if (priority.get("value") or 0) > _HIGHEST:
            yield forbidden("value", f"maximum allowed value of a user defined priority is {_HIGHEST}")
    elif why := _not_the_systems(priority):
        reserved = f"priority class names with '{_SYSTEM_PREFIX}' prefix are reserved for system use only"
        yield forbidden("metadata.name", f"{reserved}. error: {why}")


def _not_the_systems(priority: Object) -> str:
    known = next((each for each in SYSTEM_CLASSES if name(each) == name(priority)), None)
    if known is None:
        return f"{name(priority)} is not a known system priority class"
    if priority.get("value") != known["value"]:
        return f"value of {name(priority)} PriorityClass must be {known['value']}"
    return f"globalDefault of {name(priority)} PriorityClass must be false" if priority.get("globalDefault") else ""
