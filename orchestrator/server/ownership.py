"""The owners of an object's fields, kept in step with every write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from orchestrator.api import managed
from orchestrator.api.managed import Manager, Operation
from orchestrator.api.meta import Object
from orchestrator.api.request import Request, User
from orchestrator.api.times import rfc3339
from orchestrator.api.typed import shape
from orchestrator.api.typed.compare import compare
from orchestrator.server.options import field_manager

_RESET: list[Object] = [{}]


@dataclass(frozen=True, slots=True)
class Writing:
    """A write of `new` over `old` ({} when it is new). `given` are the managedFields that came with it, if any."""

    request: Request
    user: User
    now: float
    old: Object
    new: Object
    given: Any


#: The managedFields of an object that is written.
Owners = Callable[[Writing], list[Object]]


def manager(request: Request, user: User, operation: Operation) -> Manager:
    """Raises Invalid."""
    name = field_manager(request) or request.agent or user.name.rpartition(":")[2]
    return Manager(name, operation, request.kind.api_version, request.subresource)


def tracked(writing: Writing) -> list[Object]:
    """What changes belongs to who writes. An object without managedFields gets none until it is applied."""
    request, old, new = writing.request, writing.old, writing.new
    entries = _entries(writing)
    if old and not entries:
        return []
    changes = compare(shape.of(request.kind), old or managed.blank(new), new)
    who = manager(request, writing.user, "Update")
    return managed.to_json(managed.update(entries, who, changes, rfc3339(writing.now)))


def _entries(writing: Writing) -> list[managed.Entry]:
    """A client may set managedFields, and take them off by an empty entry; to leave them out changes nothing."""
    request, given = writing.request, writing.given
    if given and not request.subresource and given != _stored(writing.old):
        if given == _RESET:
            return []
        try:
            return managed.parse(given)
        except ValueError:
            # As Kubernetes: what cannot be read counts as not given.
            pass
    return managed.stored(writing.old) if writing.old else []


def kept(writing: Writing) -> list[Object]:
    """What only the server does has no owner."""
    return _stored(writing.old)


def settled(writing: Writing) -> list[Object]:
    """An apply has settled who owns what."""
    return writing.given or []


def _stored(obj: Object) -> list[Object]:
    return (obj.get("metadata") or {}).get("managedFields") or []


def owned(obj: Object, entries: list[Object]) -> Object:
    """`obj` with these managedFields; `obj` stays as it is."""
    meta = {field: value for field, value in obj["metadata"].items() if field != "managedFields"}
    if entries:
        meta["managedFields"] = entries
    return {**obj, "metadata": meta}


def says_owners(patch: Any) -> bool:
    """False when a patch leaves the managedFields alone. A JSON patch is not looked into."""
    if isinstance(patch, dict) and isinstance(meta := patch.get("metadata", {}), dict):
        return "managedFields" in meta
    return True
