"""Deployment."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api.checks import Errors, one_of
from orchestrator.api.defaults import fill
from orchestrator.api.errors import FieldError, forbidden, invalid, required
from orchestrator.api.meta import Object, name, spec, status
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, created
from orchestrator.api.strategies.shares import is_zero, no_more_than_all, share
from orchestrator.api.strategies.status_rules import consistent
from orchestrator.api.strategies.workload import TEMPLATE_COLUMNS, ReplicatedStrategy, template_cells

_SPEC = {"revisionHistoryLimit": 10, "progressDeadlineSeconds": 600}
_ROLLING_UPDATE = {"maxUnavailable": "25%", "maxSurge": "25%"}
_STRATEGIES = ("Recreate", "RollingUpdate")


class DeploymentStrategy(ReplicatedStrategy):
    columns = (
        NAME,
        Column("Ready", description="The replicas that are ready, of all that are wanted."),
        Column("Up-to-date", "integer"),
        Column("Available", "integer"),
        AGE,
        *TEMPLATE_COLUMNS,
    )
    counts = ("replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")
    noun = "deployment"
    #: Kubernetes judges the template as the ReplicaSet's that it becomes.
    template_noun = "ReplicaSet"

    def default(self, obj: Object) -> None:
        super().default(obj)
        fill(obj["spec"], _SPEC)
        strategy = obj["spec"].setdefault("strategy", {})
        fill(strategy, {"type": "RollingUpdate"})
        if strategy["type"] == "RollingUpdate":
            fill(strategy.setdefault("rollingUpdate", {}), _ROLLING_UPDATE)

    def prepare_create(self, obj: Object, now: float) -> None:
        obj["status"] = {}

    def validate(self, obj: Object) -> list[FieldError]:
        return [
            *super().validate(obj),
            *_strategy(spec(obj).get("strategy") or {}, "spec.strategy"),
            *_deadline(spec(obj), "spec.progressDeadlineSeconds"),
        ]

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return list(consistent(status(new), status(old), "updatedReplicas", "readyReplicas", "availableReplicas"))

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (
            name(obj),
            f"{status(obj).get('readyReplicas') or 0}/{spec(obj).get('replicas') or 0}",
            status(obj).get("updatedReplicas") or 0,
            status(obj).get("availableReplicas") or 0,
            created(obj, now),
            *template_cells(spec(obj)),
        )


def _deadline(deployment: Object, field: str) -> Errors:
    deadline = deployment.get("progressDeadlineSeconds")
    if deadline is not None and deadline <= (deployment.get("minReadySeconds") or 0):
        yield invalid(field, deadline, "must be greater than minReadySeconds")


def _strategy(strategy: Object, field: str) -> Errors:
    yield from one_of(f"{field}.type", strategy.get("type"), _STRATEGIES)
    rolling = strategy.get("rollingUpdate")
    if strategy.get("type") == "Recreate" and rolling is not None:
        yield forbidden(f"{field}.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")
    elif strategy.get("type") == "RollingUpdate":
        if rolling is None:
            yield required(f"{field}.rollingUpdate", "this should be defaulted and never be nil")
        else:
            yield from _rolling_update(rolling, f"{field}.rollingUpdate")


def _rolling_update(rolling: Object, field: str) -> Errors:
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    yield from share(unavailable, f"{field}.maxUnavailable")
    yield from share(surge, f"{field}.maxSurge")
    if is_zero(unavailable) and is_zero(surge):
        yield invalid(f"{field}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0")
    yield from no_more_than_all(unavailable, f"{field}.maxUnavailable")
