"""`metadata.managedFields`: which manager owns which fields, and what a write makes of it.

After `sigs.k8s.io/structured-merge-diff/merge` and `k8s.io/apimachinery/pkg/util/managedfields`. Every write moves the
fields it changed to its manager; an apply owns exactly what it applied, and must not change what others own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any, Literal

from orchestrator.api.errors import Conflict
from orchestrator.api.fieldset import EMPTY, FieldSet, show
from orchestrator.api.meta import Object
from orchestrator.api.typed.compare import Comparison, compare
from orchestrator.api.typed.merge import merge, remove
from orchestrator.api.typed.sets import applied_fields, with_structs
from orchestrator.api.typed.shape import Shape

Operation = Literal["Apply", "Update"]
_OPERATIONS = ("Apply", "Update")
#: The other fields of an entry.
_TEXTS = ("manager", "apiVersion", "subresource", "time")

#: Nobody owns what names an object and what only the server writes.
_UNOWNED = FieldSet.of(
    [
        ("f:apiVersion",),
        ("f:kind",),
        ("f:metadata",),
        *(
            ("f:metadata", f"f:{field}")
            for field in (
                *("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp"),
                *("selfLink", "managedFields"),
            )
        ),
    ]
)
#: Structs and lists that Go always writes, though empty: to fill them is not to add them.
_ALWAYS = frozenset(
    {"metadata", "spec", "status", "strategy", "updateStrategy", "template", "jobTemplate", "containers"}
)
#: Who owns what was in an object before its fields had owners.
_BEFORE = "before-first-apply"
#: Updaters of one object that are told apart; the oldest beyond that become one.
_MAX_UPDATERS = 10
_ANCIENT = "ancient-changes"


@dataclass(frozen=True, slots=True)
class Manager:
    """Who writes. One name is several managers, by how and where it writes."""

    name: str
    operation: Operation
    api_version: str
    subresource: str = ""

    def is_(self, other: Manager) -> bool:
        """Of an applier the version does not matter: it may move to another."""
        return self == (replace(other, api_version=self.api_version) if self.operation == "Apply" else other)

    def __str__(self) -> str:
        """As the message about a conflict names it."""
        subresource = f' with subresource "{self.subresource}"' if self.subresource else ""
        version = f" using {self.api_version}" if self.operation == "Update" else ""
        return f'"{self.name}"{subresource}{version}'


@dataclass(frozen=True, slots=True)
class Entry:
    """What a manager owns. `time` is when it last took or gave up a field (RFC 3339)."""

    manager: Manager
    fields: FieldSet
    time: str = ""


Entries = Sequence[Entry]


def stored(obj: Object) -> list[Entry]:
    """The owners of an object's fields as this module wrote them."""
    return [_read(entry, FieldSet(entry["fieldsV1"])) for entry in obj["metadata"].get("managedFields") or ()]


def parse(value: Any) -> list[Entry]:
    """The same of what a client gives. Raises ValueError when it is no `managedFields`."""
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ValueError("managedFields is a list of objects")
    for entry in value:
        if entry.get("operation") not in _OPERATIONS or entry.get("fieldsType") != "FieldsV1":
            raise ValueError("an entry of managedFields has an operation, and fields of type FieldsV1")
        if not all(isinstance(entry.get(field) or "", str) for field in _TEXTS):
            raise ValueError(f"{', '.join(_TEXTS)} are strings")
    parsed = [_read(entry, FieldSet.from_json(entry.get("fieldsV1") or {})) for entry in value]
    return [entry for entry in parsed if entry.fields]


def _read(entry: Object, fields: FieldSet) -> Entry:
    read = entry.get
    manager = Manager(read("manager") or "", entry["operation"], read("apiVersion") or "", read("subresource") or "")
    return Entry(manager, fields, read("time") or "")


def to_json(entries: Entries) -> list[Object]:
    """As Kubernetes orders and writes them."""
    return [_entry(entry) for entry in sorted(entries, key=_rank)]


def _rank(entry: Entry) -> tuple[str, ...]:
    manager = entry.manager
    return (manager.operation, entry.time, manager.name, manager.api_version, manager.subresource)


def _entry(entry: Entry) -> Object:
    manager = entry.manager
    written = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": manager.api_version,
        **({"time": entry.time} if entry.time else {}),
        "fieldsType": "FieldsV1",
        "fieldsV1": entry.fields.tree,
    }
    return {**written, "subresource": manager.subresource} if manager.subresource else written


def blank(obj: Object) -> Object:
    """What a new object is compared with: of what is always there so much as it has, empty."""
    return {key: blank(value) if isinstance(value, dict) else [] for key, value in obj.items() if key in _ALWAYS}


def update(entries: Entries, manager: Manager, changes: Comparison, now: str) -> list[Entry]:
    """The owners after a write that is no apply: who changes a field owns it alone; what is gone has no owner."""
    written = changes.written - _UNOWNED
    touched = written | changes.removed
    if not touched:
        return list(entries)
    own, time = written, now if written else ""
    others: list[Entry] = []
    for entry in entries:
        if entry.manager == manager:
            own, time = own | (entry.fields - touched), time or entry.time
        else:
            others.append(_less(entry, touched))
    return _capped(_with_fields([*others, Entry(manager, own, time)]))


def _less(entry: Entry, fields: FieldSet) -> Entry:
    return Entry(entry.manager, entry.fields - fields, entry.time)


def _with_fields(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.fields]


def _capped(entries: list[Entry]) -> list[Entry]:
    if len(entries) <= _MAX_UPDATERS:
        return entries
    updaters = sorted((entry for entry in entries if entry.manager.operation == "Update"), key=_rank)
    if len(updaters) <= _MAX_UPDATERS:
        return entries
    oldest = updaters[: len(updaters) - _MAX_UPDATERS + 1]
    newest = oldest[-1]
    ancient = Manager(_ANCIENT, "Update", newest.manager.api_version)
    bucket = Entry(ancient, _union(oldest), newest.time)
    return [bucket, *(entry for entry in entries if entry not in oldest)]


def _union(entries: Iterable[Entry]) -> FieldSet:
    return reduce(or_, (entry.fields for entry in entries), EMPTY)


@dataclass(frozen=True, slots=True)
class Application:
    """An apply: `configuration` is all that `manager` wants, of an object of type `shape`."""

    shape: Shape
    manager: Manager
    configuration: Object
    now: str


class Conflicts(Exception):
    """The apply would change fields of others; `fields` are theirs, by manager."""

    def __init__(self, fields: Sequence[tuple[Manager, FieldSet]]) -> None:
        super().__init__()
        self.fields = fields

    def status(self) -> Conflict:
        """As Kubernetes tells it."""
        found = [(manager, show(path)) for manager, fields in self.fields for path in sorted(fields)]
        causes = [
            {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": path}
            for manager, path in found
        ]
        if len(found) == 1:
            manager, path = found[0]
            return Conflict(
                f"Apply failed with 1 conflict: conflict with {manager}: {path}", details={"causes": causes}
            )
        lines: list[str] = []
        for manager, fields in self.fields:
            lines += [f"conflicts with {manager}:", *(f"- {show(path)}" for path in sorted(fields))]
        return Conflict(f"Apply failed with {len(found)} conflicts: " + "\n".join(lines), details={"causes": causes})


def apply(application: Application, live: Object, entries: Entries, *, force: bool) -> tuple[Object, list[Entry]]:
    """The live object (without its managedFields; {} when there is none) and its owners after an apply.

    What the manager owned before and neither applies now nor shares with another is removed. Raises Conflicts.
    """
    shape, manager, now = application.shape, application.manager, application.now
    if live and not entries:
        before = Manager(_BEFORE, "Update", manager.api_version)
        entries = update([], before, compare(shape, blank(live), live), now)
    last = next((entry for entry in entries if manager.is_(entry.manager)), None)
    others = [entry for entry in entries if entry is not last]
    own = applied_fields(shape, application.configuration) - _UNOWNED
    kept = live
    if last is not None:
        owned = [with_structs(shape, fields) for fields in (own, *(entry.fields for entry in others))]
        kept = remove(shape, live, with_structs(shape, last.fields) - reduce(or_, owned)) or {}
    merged = merge(shape, kept, application.configuration)
    changes = compare(shape, live, merged)
    if not force and (conflicts := _conflicts(others, changes)):
        raise Conflicts(conflicts)
    unchanged = last is not None and last.fields == own and merged == live
    time = last.time if last is not None and unchanged else now
    touched = changes.written | changes.removed
    left = [_less(entry, touched) for entry in others]
    return merged, _with_fields([*left, Entry(manager, own, time)])


def _conflicts(others: Entries, changes: Comparison) -> list[tuple[Manager, FieldSet]]:
    found = [(entry.manager, entry.fields & changes.written) for entry in sorted(others, key=lambda e: e.manager.name)]
    return [(manager, fields) for manager, fields in found if fields]
