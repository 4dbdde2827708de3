"""What the kinds that make pods from a template share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from orchestrator.api import defaults
from orchestrator.api.checks import Errors, not_negative, unchanged
from orchestrator.api.errors import FieldError, invalid, required
from orchestrator.api.meta import Object, spec
from orchestrator.api.podspec.spec import runs_forever
from orchestrator.api.podspec.spec import template as pod_template
from orchestrator.api.selectors import label_selector, selector_text
from orchestrator.api.strategies.base import Cell, ScalePaths, Strategy, or_none, wide
from orchestrator.api.validation import validate_selector

#: What `-o wide` adds.
CONTAINER_COLUMNS = (wide("Containers"), wide("Images"))
TEMPLATE_COLUMNS = (*CONTAINER_COLUMNS, wide("Selector"))


class WorkloadStrategy(Strategy):
    """Keeps pods running: `spec` has a selector and a template that the selector matches."""

    has_generation = True
    #: Counts of `spec` that may not be below zero.
    counts: ClassVar[tuple[str, ...]] = ("minReadySeconds",)
    #: The kind in the sentence about an empty selector, and in those about the template.
    noun = ""
    template_noun = ""

    def default(self, obj: Object) -> None:
        defaults.default_template(obj.setdefault("spec", {}).setdefault("template", {}))

    def validate(self, obj: Object) -> list[FieldError]:
        workload = spec(obj)
        template = workload.get("template") or {}
        return [
            *not_negative(workload, "spec", *self.counts),
            *self.validate_selector(workload),
            *self.validate_template(template, "spec.template"),
            *runs_forever(template, "spec.template", self.template_noun),
        ]

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return list(unchanged("spec.selector", spec(new).get("selector"), spec(old).get("selector")))

    def validate_template(self, template: Object, field: str) -> Errors:
        return pod_template(template, field)

    def validate_selector(self, workload: Object) -> Errors:
        selector = workload.get("selector")
        if selector is None:
            yield required("spec.selector")
            return
        errors = list(validate_selector(selector, "spec.selector"))
        yield from errors
        if not selector.get("matchLabels") and not selector.get("matchExpressions"):
            yield invalid("spec.selector", selector, f"empty selector is invalid for {self.noun}")
        elif not errors:
            yield from matches_template(selector, workload.get("template") or {})


class ReplicatedStrategy(WorkloadStrategy):
    """Keeps a number of pods running, which can be scaled."""

    scale = ScalePaths()
    counts: ClassVar[tuple[str, ...]] = ("replicas", "minReadySeconds")

    def default(self, obj: Object) -> None:
        super().default(obj)
        defaults.fill(obj["spec"], {"replicas": 1})


def matches_template(selector: Object, template: Object) -> Errors:
    """The selector, which must be right by itself, selects the template's pods."""
    labels = template_labels(template)
    if not label_selector(selector).matches(labels):
        why = "`selector` does not match template `labels`"
        yield invalid("spec.template.metadata.labels", labels, why)


def template_labels(template: Object) -> dict[str, str]:
    return (template.get("metadata") or {}).get("labels") or {}


def container_cells(template: Object) -> tuple[str, str]:
    """The cells under `CONTAINER_COLUMNS`."""
    containers = (template.get("spec") or {}).get("containers") or []
    return (
        ",".join(container.get("name") or "" for container in containers),
        ",".join(container.get("image") or "" for container in containers),
    )


def template_cells(workload: Object) -> Sequence[Cell]:
    """The cells under `TEMPLATE_COLUMNS`."""
    selector = selector_text(workload.get("selector") or {})
    return (*container_cells(workload.get("template") or {}), or_none(selector))
