"""What the kinds that keep pods running from a template share."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api import defaults
from orchestrator.api.checks import Errors, not_negative, unchanged
from orchestrator.api.errors import FieldError, invalid, required
from orchestrator.api.meta import Object, spec
from orchestrator.api.podspec.spec import template as pod_template
from orchestrator.api.selectors import label_selector, selector_text
from orchestrator.api.strategies.base import Cell, ScalePaths, Strategy, or_none, wide
from orchestrator.api.validation import validate_selector

#: What `-o wide` adds.
TEMPLATE_COLUMNS = (wide("Containers"), wide("Images"), wide("Selector"))


class WorkloadStrategy(Strategy):
    """`spec` has replicas, a selector and a template that the selector matches."""

    has_generation = True
    scale = ScalePaths()
    #: Counts of `spec` that may not be below zero.
    counts: tuple[str, ...] = ("replicas", "minReadySeconds")
    #: The kind in the sentence about an empty selector.
    noun = ""

    def default(self, obj: Object) -> None:
        workload = obj.setdefault("spec", {})
        defaults.fill(workload, {"replicas": 1})
        defaults.default_template(workload.setdefault("template", {}))

    def validate(self, obj: Object) -> list[FieldError]:
        workload = spec(obj)
        return [
            *not_negative(workload, "spec", *self.counts),
            *self._selector(workload),
            *pod_template(workload.get("template") or {}, "spec.template"),
        ]

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return list(unchanged("spec.selector", spec(new).get("selector"), spec(old).get("selector")))

    def _selector(self, workload: Object) -> Errors:
        selector = workload.get("selector")
        if selector is None:
            yield required("spec.selector")
            return
        errors = list(validate_selector(selector, "spec.selector"))
        yield from errors
        if not selector.get("matchLabels") and not selector.get("matchExpressions"):
            yield invalid("spec.selector", selector, f"empty selector is invalid for {self.noun}")
        elif not errors:
            yield from _matches_template(selector, workload.get("template") or {})


def _matches_template(selector: Object, template: Object) -> Errors:
    labels = (template.get("metadata") or {}).get("labels") or {}
    if not label_selector(selector).matches(labels):
        why = "`selector` does not match template `labels`"
        yield invalid("spec.template.metadata.labels", labels, why)


def template_cells(workload: Object) -> Sequence[Cell]:
    """The cells under `TEMPLATE_COLUMNS`."""
    containers = ((workload.get("template") or {}).get("spec") or {}).get("containers") or []
    return (
        ",".join(container.get("name") or "" for container in containers),
        ",".join(container.get("image") or "" for container in containers),
        or_none(selector_text(workload.get("selector") or {})),
    )
