"""ConfigMap."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.api.checks import Errors
from orchestrator.api.errors import FieldError, invalid
from orchestrator.api.meta import Object, name
from orchestrator.api.strategies import content
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, Strategy, created


class ConfigMapStrategy(Strategy):
    columns = (NAME, Column("Data", "integer"), AGE)
    has_status = False

    def validate(self, obj: Object) -> list[FieldError]:
        return [*content.keys(obj, "data"), *content.keys(obj, "binaryData"), *_twice(obj), *_content(obj)]

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return list(content.frozen(new, old, "data", "binaryData"))

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return (name(obj), len(obj.get("data") or {}) + len(obj.get("binaryData") or {}), created(obj, now))


def _twice(obj: Object) -> Errors:
    for key in (obj.get("data") or {}).keys() & (obj.get("binaryData") or {}).keys():
        yield invalid(f"data[{key}]", key, "duplicate of key present in binaryData")


def _content(obj: Object) -> Errors:
    texts = [value.encode() for value in (obj.get("data") or {}).values()]
    binaries = [content.decoded(value) for value in (obj.get("binaryData") or {}).values()]
    yield from content.size(sum(map(len, texts + binaries)), "data")
