"""Which objects of a kind a list or a watch is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.api.errors import BadRequest
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object, labels, name, namespace
from orchestrator.api.selectors import FieldSelector, LabelSelector, parse_field_selector, parse_label_selector
from orchestrator.server import keys
from orchestrator.store.base import Filed

_META_FIELDS = frozenset({"metadata.name", "metadata.namespace"})


@dataclass(frozen=True, slots=True)
class Selection:
    """`labels` or `fields` None selects everything."""

    kind: Kind
    labels: LabelSelector | None
    fields: FieldSelector | None

    @property
    def everything(self) -> bool:
        return self.labels is None and self.fields is None

    def prefix(self, namespace: str) -> str:
        """What the store's keys of all chosen objects, and of few others, start with."""
        one = self.fields.value("metadata.name") if self.fields is not None else None
        whole = keys.prefix(self.kind, namespace)
        return whole + one if one and (namespace or not self.kind.namespaced) else whole

    @property
    def filed(self) -> Filed | None:
        """Among which objects all chosen ones are, by the kind's index; None when it does not help."""
        strategy = self.kind.strategy
        value = self.fields.value(strategy.index) if self.fields is not None and strategy.index else None
        return Filed(strategy.filed_under, value) if value is not None else None

    def matches(self, obj: Object) -> bool:
        if self.labels is not None and not self.labels.matches(labels(obj)):
            return False
        return self.fields is None or self.fields.matches(self._fields(obj))

    def _fields(self, obj: Object) -> Mapping[str, str]:
        common = {"metadata.name": name(obj), "metadata.namespace": namespace(obj)}
        return {**self.kind.strategy.fields(obj), **common}


def _not_selectable(kind: Kind, field: str) -> str:
    """Kubernetes has another sentence for kinds with no fields of their own to select by."""
    if kind.strategy.selectable:
        return f"field label not supported: {field}"
    return f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'


def selection(kind: Kind, options: Mapping[str, str]) -> Selection:
    """From `labelSelector` and `fieldSelector`. Raises BadRequest."""
    label_text, field_text = options.get("labelSelector", ""), options.get("fieldSelector", "")
    fields = parse_field_selector(field_text) if field_text else None
    if fields is not None and (unknown := fields.fields - _META_FIELDS - kind.strategy.selectable):
        raise BadRequest(_not_selectable(kind, min(unknown)))
    return Selection(kind, parse_label_selector(label_text) if label_text else None, fields)
