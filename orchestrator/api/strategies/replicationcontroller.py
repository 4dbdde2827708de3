"""ReplicationController: what there was before the ReplicaSet. Its selector is a plain map of labels."""

from __future__ import annotations

from orchestrator.api.checks import Errors, present
from orchestrator.api.errors import FieldError
from orchestrator.api.meta import Object, labels, metadata, spec
from orchestrator.api.strategies.base import ScalePaths
from orchestrator.api.strategies.replicaset import ReplicaSetStrategy
from orchestrator.api.strategies.workload import matches_template, template_labels


class ReplicationControllerStrategy(ReplicaSetStrategy):
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

    def validate_selector(self, workload: Object) -> Errors:
        selector = workload.get("selector")
        yield from present("spec.selector", selector)
        if selector:
            yield from matches_template({"matchLabels": selector}, workload.get("template") or {})

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """The selector may change, as in no other kind."""
        return []

    def selector(self, obj: Object) -> Object | None:
        return {"matchLabels": spec(obj).get("selector")}
