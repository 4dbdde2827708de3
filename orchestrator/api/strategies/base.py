"""What is particular to one kind. The server's generic code calls these hooks and knows no kind by name.

Strategies are pure: time comes as an argument, and what needs the store (allocation, look-ups of other objects) is
admission's (`orchestrator.server.admission`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from orchestrator.api.errors import FieldError
from orchestrator.api.meta import Object, name
from orchestrator.api.times import age, parse

#: A table cell: JSON scalar. Dates are shown as ages.
Cell = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the kind's table. `priority` 0 shows always, 1 only with `-o wide`."""

    name: str
    type: str = "string"
    priority: int = 0
    format: str = ""
    description: str = ""


class Strategy:
    """Defaults for a kind with no rules of its own. Subclass per kind; one instance serves all requests."""

    #: Columns after Name and before Age.
    columns: ClassVar[tuple[Column, ...]] = ()
    #: True when `status` is written only through the status subresource.
    has_status: ClassVar[bool] = True
    #: True when a change of `spec` raises `metadata.generation`.
    has_generation: ClassVar[bool] = False

    def default(self, obj: Object) -> None:
        """Fill in Kubernetes' defaults, in place. Idempotent; also run on what a patch made."""

    def prepare_create(self, obj: Object, now: float) -> None:
        """Set what a client may not set at creation (the status' first value), in place."""

    def prepare_update(self, new: Object, old: Object) -> None:
        """Carry over what an update leaves out but may not change, in place (`clusterIP`, `nodeName`)."""

    def validate(self, obj: Object) -> list[FieldError]:
        """Every rule broken by `obj`, beyond types and unknown fields, which the schema checks."""
        return []

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """Every rule broken by the change (immutable fields); `validate` has run on `new`."""
        return []

    def warnings(self, obj: Object) -> list[str]:
        """Sentences for the `Warning` header: accepted, but worth a look."""
        return []

    def fields(self, obj: Object) -> Mapping[str, str]:
        """Fields usable in a fieldSelector beside `metadata.name` and `metadata.namespace`, with their values."""
        return {}

    #: Field names `fields` can return: a selector with any other is refused.
    selectable: ClassVar[frozenset[str]] = frozenset()

    def grace_seconds(self, obj: Object, requested: int | None) -> int:
        """Seconds of graceful deletion; 0 removes the object at once (if no finalizer holds it)."""
        return 0

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        """One cell per column in `columns`."""
        return ()


def all_columns(strategy: Strategy) -> tuple[Column, ...]:
    """The whole table of a kind: Name first, Age last of the columns shown by default."""
    narrow = tuple(c for c in strategy.columns if c.priority == 0)
    wide = tuple(c for c in strategy.columns if c.priority > 0)
    return (Column("Name", format="name"), *narrow, Column("Age"), *wide)


def all_cells(strategy: Strategy, obj: Object, now: float) -> list[Any]:
    """The cells under `all_columns`."""
    cells = list(zip(strategy.columns, strategy.row(obj, now), strict=True))
    narrow = [cell for column, cell in cells if column.priority == 0]
    wide = [cell for column, cell in cells if column.priority > 0]
    return [name(obj), *narrow, age_of(obj.get("metadata", {}).get("creationTimestamp"), now), *wide]


def age_of(timestamp: str | None, now: float) -> str:
    """How long ago an RFC 3339 time was, as a table cell."""
    return age(now - parse(timestamp)) if timestamp else "<unknown>"
