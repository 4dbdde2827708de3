"""The table of a custom resource: its name, and the columns that its definition asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from orchestrator.api.custom.paths import finder
from orchestrator.api.meta import Object
from orchestrator.api.strategies.base import AGE, NAME, Cell, Column, age_of

_AGE_ONLY: Sequence[Object] = ({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},)
#: From an object and the time to a cell.
Render = Callable[[Object, float], Cell]


def columns(wanted: Sequence[Object]) -> tuple[Column, ...]:
    return (NAME, *(_column(column) for column in wanted or _AGE_ONLY))


def _column(wanted: Object) -> Column:
    return Column(
        str(wanted["name"]),
        str(wanted["type"]),
        int(wanted.get("priority") or 0),
        str(wanted.get("format") or ""),
        str(wanted.get("description") or AGE.description * (wanted in _AGE_ONLY)),
    )


def renderers(wanted: Sequence[Object]) -> tuple[Render, ...]:
    """What fills the columns after the name."""
    return tuple(_renderer(column) for column in wanted or _AGE_ONLY)


def _renderer(column: Object) -> Render:
    find = finder(str(column["jsonPath"]))
    if column["type"] == "date":
        return lambda obj, now: _date(find(obj), now)
    write = _WRITERS[str(column["type"])]
    return lambda obj, _: write(find(obj))


def _date(value: Any, now: float) -> Cell:
    try:
        return None if value is None else age_of(str(value), now)
    except ValueError:
        return "<invalid>"


def _string(value: Any) -> Cell:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def _integer(value: Any) -> Cell:
    return int(value) if _is_number(value) else None


def _number(value: Any) -> Any:
    return value if _is_number(value) else None


def _boolean(value: Any) -> Cell:
    return value if isinstance(value, bool) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_WRITERS: dict[str, Callable[[Any], Cell]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}
