"""Between what is stored and what a request's version shows of it. For most kinds there is no difference."""

from __future__ import annotations

from dataclasses import replace

import orjson

from orchestrator.api.kinds import Kind
from orchestrator.api.meta import Object
from orchestrator.store.base import Entry, Event


def shown(kind: Kind, entry: Entry) -> Entry:
    """A stored entry as `kind` shows it."""
    if kind.conversion is None:
        return entry
    return replace(entry, data=orjson.dumps(kind.conversion.show(entry.object())))


def shown_event(kind: Kind, event: Event) -> Event:
    if kind.conversion is None:
        return event
    return replace(event, entry=shown(kind, event.entry), previous=event.previous and shown(kind, event.previous))


def stored(kind: Kind, obj: Object) -> Object:
    """An object of `kind` in the form in which it is stored; `obj` stays as it is."""
    if kind.conversion is None:
        return obj
    return kind.conversion.store(orjson.loads(orjson.dumps(obj)))
