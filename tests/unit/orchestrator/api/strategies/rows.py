"""How the tests read a strategy: rows by column name, and errors as the user reads them."""

from __future__ import annotations

from orchestrator.api.errors import FieldError
from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.api.strategies.base import Cell, all_cells, all_columns
from orchestrator.api.times import parse

CREATED = "2026-01-31T10:00:00Z"
#: Five minutes later.
NOW = parse("2026-01-31T10:05:00Z")


def row(kind: Kind, obj: Object) -> dict[str, Cell]:
    """The row of an object that is five minutes old."""
    obj = {**obj, "metadata": {"name": "web", "creationTimestamp": CREATED, **obj.get("metadata", {})}}
    names = [column.name for column in all_columns(kind.strategy)]
    return dict(zip(names, all_cells(kind.strategy, obj, NOW), strict=True))


def headers(kind: Kind, *, wide: bool = False) -> str:
    """The table's head as kubectl prints it."""
    return " ".join(c.name.upper() for c in all_columns(kind.strategy) if wide or c.priority == 0)


def defaulted(kind: Kind, obj: Object) -> Object:
    kind.strategy.default(obj)
    return obj


def sentences(errors: list[FieldError]) -> list[str]:
    return [f"{error.field}: {error.message}" for error in errors]


def problems(kind: Kind, obj: Object) -> list[str]:
    return sentences(kind.strategy.validate(defaulted(kind, obj)))


def changed(kind: Kind, new: Object, old: Object) -> Object:
    """`new` as an update of `old` prepares it."""
    defaulted(kind, old)
    defaulted(kind, new)
    kind.strategy.prepare_update(new, old)
    return new
