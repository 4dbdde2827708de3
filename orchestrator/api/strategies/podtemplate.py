"""PodTemplate: a template kept for those who make pods of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.api import defaults
from orchestrator.api.errors import FieldError
from orchestrator.api.meta import Object, name
from orchestrator.api.podspec.spec import template as pod_template
from orchestrator.api.selectors import selector_text
from orchestrator.api.strategies.base import NAME, Cell, Column, Strategy, or_none
from orchestrator.api.strategies.workload import container_cells, template_labels


class PodTemplateStrategy(Strategy):
    columns = (NAME, Column("Containers"), Column("Images"), Column("Pod Labels"))
    has_status = False
    has_generation = True
    returns_deleted = True

    def default(self, obj: Object) -> None:
        defaults.default_template(obj.setdefault("template", {}))

    def wishes(self, obj: Object) -> Any:
        return obj.get("template")

    def validate(self, obj: Object) -> list[FieldError]:
        return list(pod_template(obj.get("template") or {}, "template"))

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        template = obj.get("template") or {}
        return (
            name(obj),
            *container_cells(template),
            or_none(selector_text({"matchLabels": template_labels(template)})),
        )
