"""What is particular to a custom resource, all of it said by one version of its definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.api.crd.schema import CustomSchema
from orchestrator.api.custom import definition
from orchestrator.api.custom.columns import columns, renderers
from orchestrator.api.custom.paths import at, plain
from orchestrator.api.errors import FieldError
from orchestrator.api.meta import Object, name
from orchestrator.api.strategies.base import Cell, ScalePaths, Strategy

#: What does not count as a wish: a change of it leaves the generation alone.
_NO_WISH = ("apiVersion", "kind", "metadata")


class CustomStrategy(Strategy):
    has_generation = True

    def __init__(self, version: Object, schema: CustomSchema) -> None:
        self._schema = schema
        self.has_status = definition.part(version, "subresources", "status") is not None
        self.scale = _scale(definition.part(version, "subresources", "scale"))
        wanted = version.get("additionalPrinterColumns") or ()
        self.columns = columns(wanted)
        self._cells = renderers(wanted)
        self._selectable = {path[1:]: plain(path) or () for path in definition.selectable_paths(version)}
        self.selectable = frozenset(self._selectable)

    def default(self, obj: Object) -> None:
        self._schema.default(obj)

    def prepare_create(self, obj: Object, now: float) -> None:
        if self.has_status:
            obj.pop("status", None)

    def wishes(self, obj: Object) -> Any:
        left_out = (*_NO_WISH, "status") if self.has_status else _NO_WISH
        return {field: value for field, value in obj.items() if field not in left_out}

    def validate_create(self, obj: Object) -> list[FieldError]:
        return self._schema.validate(obj, None)

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return self._schema.validate(new, old)

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        return self._schema.validate(new, old)

    def fields(self, obj: Object) -> Mapping[str, str]:
        return {field: _text(at(obj, steps)) for field, steps in self._selectable.items()}

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (name(obj), *(cell(obj, now) for cell in self._cells))


def _scale(scale: Object | None) -> ScalePaths | None:
    if scale is None:
        return None
    return ScalePaths(
        plain(str(scale["specReplicasPath"])) or (),
        plain(str(scale["statusReplicasPath"])) or (),
        plain(str(scale.get("labelSelectorPath") or "")) or (),
        selector_form="text",
    )


def _text(value: Any) -> str:
    """A selectable field's value as selectors compare it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
