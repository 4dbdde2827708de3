"""ReplicationController: what there was before the ReplicaSet. Its selector is a plain map of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.api.checks import Errors, present
from orchestrator.api.errors import FieldError
from orchestrator.api.meta import Object, labels, metadata, name, spec, status
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, ScalePaths, created
from orchestrator.api.strategies.status_rules import consistent
from orchestrator.api.strategies.workload import (
    TEMPLATE_COLUMNS,
    ReplicatedStrategy,
    matches_template,
    template_cells,
    template_labels,
)


class ReplicationControllerStrategy(ReplicatedStrategy):
    columns = (
        NAME,
        Column("Desired", "integer"),
        Column("Current", "integer"),
        Column("Ready", "integer"),
        AGE,
        *TEMPLATE_COLUMNS,
    )
    selectable = frozenset({"status.replicas"})
    template_noun = "ReplicationController"
    scale = ScalePaths(selector_form="labels")
    orphans_dependents = True

    def default(self, obj: Object) -> None:
        super().default(obj)
        own = template_labels(obj["spec"]["template"])
        if own and not obj["spec"].get("selector"):
            obj["spec"]["selector"] = dict(own)
        if own and not labels(obj):
            metadata(obj)["labels"] = dict(own)

    def prepare_create(self, obj: Object, now: float) -> None:
        obj["status"] = {"replicas": 0}

    def validate_selector(self, workload: Object) -> Errors:
        selector = workload.get("selector")
        yield from present("spec.selector", selector)
        if selector:
            yield from matches_template({"matchLabels": selector}, workload.get("template") or {})

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """The selector may change, as in no other kind."""
        return []

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
            *template_cells({**spec(obj), "selector": {"matchLabels": spec(obj).get("selector")}}),
        )
