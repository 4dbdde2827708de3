"""What each kind of write does to a key: pure, from the current entry to an event."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from orchestrator.api.meta import Object
from orchestrator.store.base import Entry, Event, KeyExists, KeyNotFound, RevisionConflict

#: From the key's current entry and the revision of the write to its event.
Change = Callable[[Entry | None, int], Event]


def create(key: str, obj: Object) -> Change:
    def change(current: Entry | None, revision: int) -> Event:
        if current is not None:
            raise KeyExists(f"{key} exists already")
        return Event("ADDED", encode(key, revision, obj), None)

    return change


def update(key: str, obj: Object, expected: int) -> Change:
    def change(current: Entry | None, revision: int) -> Event:
        previous = check(key, current, expected)
        return Event("MODIFIED", encode(key, revision, obj), previous)

    return change


def delete(key: str, expected: int) -> Change:
    def change(current: Entry | None, revision: int) -> Event:
        previous = check(key, current, expected)
        return Event("DELETED", encode(key, revision, previous.object()), previous)

    return change


def check(key: str, current: Entry | None, expected: int) -> Entry:
    if current is None:
        raise KeyNotFound(f"there is no {key}")
    if current.revision != expected:
        raise RevisionConflict(current)
    return current


def encode(key: str, revision: int, obj: Object) -> Entry:
    """The one time that an object is encoded: with its resourceVersion. `obj` stays as it is."""
    meta = {**obj.get("metadata", {}), "resourceVersion": str(revision)}
    return Entry(key, revision, orjson.dumps({**obj, "metadata": meta}))
