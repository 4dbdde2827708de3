"""What is particular to one kind. The server's generic code calls these hooks and knows no kind by name.

Strategies are pure: time comes as an argument, and what needs the store (allocation, look-ups of other objects) is
admission's (`orchestrator.server.admission`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from orchestrator.api import names
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


#: The columns that most tables begin with and end with.
NAME = Column("Name", format="name", description="Name must be unique within a namespace.")
AGE = Column("Age", description="How long ago the object was created.")


def wide(name: str, type: str = "string") -> Column:
    """A column that shows with `-o wide` only."""
    return Column(name, type, priority=1)


@dataclass(frozen=True, slots=True)
class ScalePaths:
    """Where a kind keeps what its `scale` subresource shows."""

    replicas: tuple[str, ...] = ("spec", "replicas")
    status_replicas: tuple[str, ...] = ("status", "replicas")
    selector: tuple[str, ...] = ("spec", "selector")
    #: A LabelSelector, a plain map of labels, or text, as custom resources have it.
    selector_form: Literal["selector", "labels", "text"] = "selector"


class Strategy:
    """Defaults for a kind with no rules of its own. Subclass per kind; one instance serves all requests.

    The attributes are the class's, or an instance's where they are only known when it is made.
    """

    #: The whole table, in order.
    columns: tuple[Column, ...] = (NAME, AGE)
    #: True when `status` is written only through the status subresource.
    has_status: bool = True
    #: True when a change of what is wished (`wishes`) raises `metadata.generation`.
    has_generation: bool = False
    #: True for kinds older than propagation policies: a delete that names none leaves the dependents alone.
    orphans_dependents: bool = False
    #: True where a delete is answered with the object, and not with a Status, also when it is gone at once.
    returns_deleted: bool = False
    #: Set where the kind has the `scale` subresource.
    scale: ScalePaths | None = None

    def name_problems(self, name: str) -> list[str]:
        """What is wrong with an object's name."""
        return names.dns_subdomain(name)

    def default(self, obj: Object) -> None:
        """Fill in Kubernetes' defaults, in place. Idempotent; also run on what a patch made."""

    def prepare_create(self, obj: Object, now: float) -> None:
        """Set what a client may not set at creation (the status' first value), in place. Name and uid are known."""

    def prepare_update(self, new: Object, old: Object) -> None:
        """Carry over what an update leaves out but may not change, in place (`clusterIP`, `nodeName`)."""

    def prepare_delete(self, obj: Object) -> None:
        """Mark, in place, an object whose deletion begins (a namespace's phase); it may ask to stay by a finalizer."""

    def wishes(self, obj: Object) -> Any:
        """What of the object is its user's wish: a change of it makes a new generation."""
        return obj.get("spec")

    def validate(self, obj: Object) -> list[FieldError]:
        """Every rule broken by `obj`, beyond types and unknown fields, which the schema checks."""
        return []

    def validate_create(self, obj: Object) -> list[FieldError]:
        """Every rule broken that holds for new objects only; `validate` has run on `obj`."""
        return []

    def validate_update(self, new: Object, old: Object) -> list[FieldError]:
        """Every rule broken by the change (immutable fields); `validate` has run on `new`."""
        return []

    def validate_status(self, new: Object, old: Object) -> list[FieldError]:
        """Every rule broken by what a subresource (`status` or the kind's own) makes of the object."""
        return []

    def warnings(self, obj: Object) -> list[str]:
        """Sentences for the `Warning` header: accepted, but worth a look."""
        return []

    def delete_warnings(self, propagation: str) -> list[str]:
        """The same for a delete; `propagation` is the policy that it names, or ""."""
        return []

    def fields(self, obj: Object) -> Mapping[str, str]:
        """Fields usable in a fieldSelector beside `metadata.name` and `metadata.namespace`, with their values."""
        return {}

    #: Field names `fields` can return: a selector with any other is refused.
    selectable: frozenset[str] = frozenset()

    #: The one of these that many watches select by, each another value: a write wakes only those whose value it has.
    index: str = ""

    def filed_under(self, obj: Object) -> str:
        """The value of `index`."""
        return self.fields(obj)[self.index]

    def grace_seconds(self, obj: Object, requested: int | None) -> int:
        """Seconds of graceful deletion; 0 removes the object at once (if no finalizer holds it)."""
        return 0

    def row(self, obj: Object, now: float) -> Sequence[Cell]:
        """One cell per column in `columns`."""
        return (name(obj), created(obj, now))


def all_columns(strategy: Strategy) -> tuple[Column, ...]:
    """The whole table of a kind."""
    return strategy.columns


def all_cells(strategy: Strategy, obj: Object, now: float) -> list[Any]:
    """The cells under `all_columns`."""
    return list(strategy.row(obj, now))


def created(obj: Object, now: float) -> str:
    """The cell under Age."""
    return age_of(obj.get("metadata", {}).get("creationTimestamp"), now)


def age_of(timestamp: str | None, now: float) -> str:
    """How long ago an RFC 3339 time was, as a table cell."""
    return age(now - parse(timestamp)) if timestamp else "<unknown>"


def or_none(text: str | None) -> str:
    """A cell that says so when there is nothing to show."""
    return text or "<none>"
