"""A version whose rules are those of the version that is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from orchestrator.api.errors import FieldError
from orchestrator.api.kinds import Conversion
from orchestrator.api.meta import Object
from orchestrator.api.strategies.base import Cell, Strategy


class ConvertedStrategy(Strategy):
    """Everything is asked of the stored form; subclasses add the version's own defaults."""

    def __init__(self, stored: Strategy, conversion: Conversion) -> None:
        self._stored = stored
        self._conversion = conversion
        self.columns = stored.columns
        self.has_status = stored.has_status
        self.has_generation = stored.has_generation
        self.selectable = stored.selectable

    def name_problems(self, name: str) -> list[str]:
        return self._stored.name_problems(name)

    def prepare_create(self, obj: Object, now: float) -> None:
        self._change(obj, lambda stored: self._stored.prepare_create(stored, now))

    def prepare_update(self, new: Object, old: Object) -> None:
        self._change(new, lambda stored: self._stored.prepare_update(stored, self._store(old)))

    def validate(self, obj: Object) -> list[FieldError]:
        return self._stored.validate(self._store(obj))

    def validate_create(self, obj: Object) -> list[FieldError]:
        return self._stored.validate_create(self._store(obj))

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        return self._stored.validate_update(self._store(new), self._store(old))

    def warnings(self, obj: Object) -> list[str]:
        return self._stored.warnings(self._store(obj))

    def fields(self, obj: Object) -> Mapping[str, str]:
        return self._stored.fields(self._store(obj))

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        return self._stored.row(self._store(obj), now)

    def _store(self, obj: Object) -> Object:
        return self._conversion.store(_copy(obj))

    def _change(self, obj: Object, change: Callable[[Object], None]) -> None:
        stored = self._store(obj)
        change(stored)
        shown = self._conversion.show(stored)
        obj.clear()
        obj.update(shown)


def _copy(obj: Object) -> Any:
    return orjson.loads(orjson.dumps(obj))
