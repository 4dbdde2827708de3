"""ReplicaSet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.api.errors import FieldError
from orchestrator.api.meta import Object, name, spec, status
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, created
from orchestrator.api.strategies.status_rules import consistent
from orchestrator.api.strategies.workload import TEMPLATE_COLUMNS, ReplicatedStrategy, template_cells


class ReplicaSetStrategy(ReplicatedStrategy):
    columns = (
        NAME,
        Column("Desired", "integer"),
        Column("Current", "integer"),
        Column("Ready", "integer"),
        AGE,
        *TEMPLATE_COLUMNS,
    )
    selectable = frozenset({"status.replicas"})
    noun = "replicaset"
    template_noun = "ReplicaSet"

    def prepare_create(self, obj: Object, now: float) -> None:
        obj["status"] = {"replicas": 0}

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return list(consistent(status(new), status(old), "fullyLabeledReplicas", "readyReplicas", "availableReplicas"))

    def fields(self, obj: Object) -> Mapping[str, str]:
        return {"status.replicas": str(status(obj).get("replicas") or 0)}

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (
            name(obj),
            spec(obj).get("replicas") or 0,
            status(obj).get("replicas") or 0,
            status(obj).get("readyReplicas") or 0,
            created(obj, now),
            *template_cells({**spec(obj), "selector": self.selector(obj)}),
        )

    def selector(self, obj: Object) -> Object | None:
        """As a LabelSelector."""
        return spec(obj).get("selector")
